"""Files that came back from an annotator: in a folder, in a zip file, or a single one. Nothing is unpacked to disk."""

import json
import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from mmbdg.errors import InputError


class FileTree:
    """Files by their path relative to the root, with forward slashes.

    Args:
        path: A folder, a zip file or any other file (then the tree holds that file alone).
        below: A folder inside it, to look at nothing else.

    Raises:
        InputError: There is nothing at ``path``, or it ends in .zip and is none (cut off, or another kind of file).
    """

    def __init__(self, path: str | os.PathLike, below: str = '') -> None:
        self.path, self.below = Path(path), below.strip('/')
        if not self.path.exists():
            raise InputError(f'there is nothing at {self.path}')
        self._zip = None
        if self.path.suffix.lower() == '.zip':
            try:
                self._zip = zipfile.ZipFile(self.path)
            except (zipfile.BadZipFile, OSError) as error:
                raise InputError(f'{self.path} is no zip file, or is cut off ({error}); copy or download it again') from error
        found = [name for name in self._all_names() if not _is_clutter(name)]
        prefix = f'{self.below}/' if self.below else ''
        self.names = sorted(name.removeprefix(prefix) for name in found if name.startswith(prefix))

    def _all_names(self) -> list[str]:
        if self._zip:
            return [info.filename for info in self._zip.infolist() if not info.is_dir()]
        if self.path.is_file():
            return [self.path.name]
        root = self.path / self.below
        return [path.relative_to(self.path).as_posix() for path in root.rglob('*') if path.is_file()] if root.is_dir() else []

    def narrowed(self, folder: str) -> 'FileTree | None':
        """The tree below the first folder of that name, however deep; None if there is none."""
        for name in self.names:
            parts = name.split('/')[:-1]
            if folder in parts:
                return FileTree(self.path, '/'.join([*filter(None, [self.below]), *parts[: parts.index(folder) + 1]]))
        return None

    def where(self, name: str = '') -> str:
        """What a message calls a file."""
        if self.path.is_file() and not self._zip:
            return str(self.path)
        return str(self.path / self.below / name) if self.below else str(self.path / name)

    def read(self, name: str) -> bytes:
        """All bytes of a file.

        Raises:
            InputError: It is not there or cannot be read; in a zip file its checksum may be wrong.
        """
        inside = f'{self.below}/{name}' if self.below else name
        try:
            if self._zip:
                return self._zip.read(inside)
            return (self.path if self.path.is_file() else self.path / inside).read_bytes()
        except (OSError, KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            raise InputError(f'cannot be read, or is cut off ({error})') from error

    def read_json(self, name: str) -> Any:
        """Content of a JSON file.

        Raises:
            InputError: It is none.
        """
        try:
            return json.loads(self.read(name).decode('utf-8'))
        except (ValueError, RecursionError) as error:
            raise InputError(f'is no JSON, or is cut off ({error})') from error

    def ending_in(self, *suffixes: str) -> list[str]:
        """Names with one of these endings, whatever their case."""
        return [name for name in self.names if name.lower().endswith(suffixes)]


def stem_of(name: str) -> str:
    """Name of a file without folder and suffix; the slashes of Windows count too."""
    return PurePosixPath(name.replace('\\', '/')).stem


def _is_clutter(name: str) -> bool:
    return any(part.startswith('.') or part == '__MACOSX' for part in PurePosixPath(name).parts)
