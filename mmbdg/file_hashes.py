"""``hashes.json``: sizes and SHA-256 checksums of the files of a shared folder, compared after a download.

A checksum shows damage and mixed versions. It does not show who wrote a file: anyone who can change the files can change ``hashes.json``.
"""

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mmbdg.errors import InputError, listed
from mmbdg.files import sha256, write_json
from mmbdg.paths import check_regular, relative_path
from mmbdg.reading import read_json
from mmbdg.schema import Schema

HASHES = 'hashes.json'
WITHOUT_HASH = (HASHES, 'README.md', '.gitattributes')
"""Files of a repository that ``hashes.json`` does not list: people and the hub edit them."""


class FileHash(Schema):
    """Size in bytes and SHA-256 checksum of a file."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern='^[0-9a-f]{64}$')]


class Hashes(Schema):
    """Content of ``hashes.json``: the files by path relative to it, with forward slashes."""

    files: dict[str, FileHash]


def write_hashes(folder: str | os.PathLike) -> dict[str, dict]:
    """Write ``hashes.json`` for all files of a folder except :data:`WITHOUT_HASH`, and return its ``files``, sorted by path."""
    files = {name: dict(bytes=(Path(folder) / name).stat().st_size, sha256=sha256(Path(folder) / name)) for name in _names(folder)}
    write_json(Path(folder) / HASHES, dict(files=files))
    return files


def read_hashes(folder: str | os.PathLike) -> dict[str, dict]:
    """Files, with size and checksum, that ``hashes.json`` of a folder lists.

    Raises:
        InputError: The file is missing or damaged, or names a path that leads out of the folder.
    """
    path = Path(folder) / HASHES
    files = read_json(path, Hashes)['files']
    for name in files:
        relative_path(name, source=path)
    return files


def check_hashes(folder: str | os.PathLike, patterns: Sequence[str] = ('*',)) -> bool:
    """Compare the files of a folder with its ``hashes.json``.

    Args:
        folder: The folder.
        patterns: Patterns (``fnmatch``) of the files that were downloaded. Listed files with other names may be missing. Default: all.

    Returns:
        False if the folder has no ``hashes.json``, else True.

    Raises:
        InputError: A file is missing, has another size or checksum, or is not listed; or ``hashes.json`` is damaged.
    """
    folder = Path(folder)
    if not os.path.lexists(folder / HASHES):
        return False
    known, problems = read_hashes(folder), []
    for name, facts in known.items():
        file = folder / name
        if not file.exists():
            problems += [f'{name} is missing'] if any(fnmatch(name, pattern) for pattern in patterns) else []
        elif (size := check_regular(file).st_size) != facts['bytes']:
            problems.append(f'{name} has {size:,} bytes, not {facts["bytes"]:,}')
        elif sha256(file) != facts['sha256']:
            problems.append(f'{name} has another SHA-256 checksum')
    problems += [f'{name} is not listed' for name in _names(folder) if name not in known]
    if problems:
        raise InputError(f'{folder} does not match its {HASHES}: {listed(problems)}')
    return True


def _names(folder: str | os.PathLike) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in Path(folder).rglob('*') if not path.is_dir())
    return sorted(name for name in names if name not in WITHOUT_HASH)
