"""Files returned by an annotator: in a folder, in a zip file, or a single file. Nothing is unpacked to disk."""

import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from mmbdg.errors import InputError
from mmbdg.listing import is_clutter, list_files
from mmbdg.reading import decoded, lines_in, parsed_json, read_bytes

MOST_BYTES = 2**29
"""Maximum size of one file in bytes; a zip file of some kilobytes can claim to hold terabytes."""
MOST_LIST_BYTES = 2**26
"""Maximum size of a list in bytes, e.g. of the names of a million images."""


class FileTree:
    """Files by their path relative to the root, with forward slashes; backslashes in zip files from Windows are converted.

    Links to folders are followed, as in trainings. A link to a file must point to a file inside the root folder, or inside the linked
    folder that contains the link.

    Args:
        path: Folder, zip file, or any other file (then the tree holds only this file).
        below: Folder inside ``path``; only files below it are used. Default: all files.

    Raises:
        InputError: ``path`` does not exist; it ends in .zip but is not a complete zip file; or it holds two files of the same name.
    """

    def __init__(self, path: str | os.PathLike, below: str = '') -> None:
        self.path, self.below = Path(path), below.strip('/')
        if not self.path.exists():
            raise InputError(f'there is no file or folder {self.path}')
        self._zip, self._members = None, {}
        if self.path.is_file() and self.path.suffix.lower() == '.zip':
            try:
                self._zip = zipfile.ZipFile(self.path)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
                raise InputError(f'{self.path} is no zip file, or is cut off ({error}); copy or download it again') from error
            self._members = self._by_name()
        found = [name for name in self._all_names() if not any(map(is_clutter, PurePosixPath(name).parts))]
        prefix = f'{self.below}/' if self.below else ''
        self.names = sorted(name.removeprefix(prefix) for name in found if name.startswith(prefix))

    def _by_name(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            name = info.filename.replace('\\', '/')
            if name.endswith('/'):
                continue
            if name in members:
                raise InputError(f'{self.path} holds two files with the name {name}; create it again')
            members[name] = info
        return members

    def _all_names(self) -> list[str]:
        if self._zip:
            return list(self._members)
        if self.path.is_file():
            return [self.path.name]
        root = self.path / self.below
        return [path.relative_to(self.path).as_posix() for path in list_files(root, ()).log().files] if root.is_dir() else []

    def narrowed(self, folder: str) -> 'FileTree | None':
        """The tree below the first folder with this name, at any depth; None if there is none."""
        for name in self.names:
            parts = name.split('/')[:-1]
            if folder in parts:
                return FileTree(self.path, '/'.join([*filter(None, [self.below]), *parts[: parts.index(folder) + 1]]))
        return None

    def where(self, name: str = '') -> str:
        """Path of a file, for messages."""
        if self.path.is_file() and not self._zip:
            return str(self.path)
        return str(self.path / self.below / name) if self.below else str(self.path / name)

    def read(self, name: str, most: int = MOST_BYTES) -> bytes:
        """Read all bytes of a file.

        Args:
            name: One of :attr:`names`.
            most: Maximum size in bytes; a larger file is not read.

        Raises:
            InputError: The file is missing, too large or unreadable, has a wrong checksum in the zip file, or is a link that leads out of
                the folder.
        """
        inside = f'{self.below}/{name}' if self.below else name
        if not self._zip:
            path = self.path if self.path.is_file() else self.path / inside
            self._check_link(path)
            return read_bytes(path, most)
        try:
            member = self._members[inside]
            if member.file_size > most:
                raise InputError(f'would have {member.file_size:,} bytes; more than {most:,} are not read')
            return self._zip.read(member)
        except (OSError, KeyError, EOFError, RuntimeError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f'cannot be read, or is cut off ({error})') from error

    def read_json(self, name: str) -> Any:
        """Content of a JSON file.

        Raises:
            InputError: The file is not valid JSON.
        """
        return parsed_json(self.read(name), 'it')

    def read_lines(self, name: str) -> list[str]:
        """The non-blank lines of a text file, see :func:`mmbdg.reading.read_lines`.

        Raises:
            InputError: The file cannot be read, is too large, is not text, or is damaged.
        """
        return lines_in(decoded(self.read(name, MOST_LIST_BYTES), 'it'), 'it')

    def ending_in(self, *suffixes: str) -> list[str]:
        """Names with one of these suffixes (in lower case); the case of the names is ignored."""
        return [name for name in self.names if name.lower().endswith(suffixes)]

    def _check_link(self, path: Path) -> None:
        if self.path.is_dir() and path.is_symlink():
            real, homes = os.path.realpath(path), (os.path.realpath(self.path), os.path.realpath(path.parent))
            if not any(real.startswith(home.rstrip(os.sep) + os.sep) for home in homes):
                raise InputError(f'is a link that leads out of {self.path}; copy the file instead')


def stem_of(name: str) -> str:
    """File name without folder and suffix; backslashes also separate folders."""
    return PurePosixPath(name.replace('\\', '/')).stem
