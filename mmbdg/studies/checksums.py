"""Checksums of the files and folders that a step reads or writes."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from mmbdg.files import sha256
from mmbdg.listing import list_files
from mmbdg.reading import read_text
from mmbdg.storage.checksums import KEY
from mmbdg.storage.layout import KINDS

MANY = 1000
"""Number of files from which a progress bar is shown."""
_known: dict[tuple, str] = {}


def content_checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and checksums of all files in a folder, without hidden files.

    A finished dataset of this package, also below the folder, counts by its ``dataset.json``, which contains the checksum of the manifest
    and so, through the manifest, those of all images and masks. Of these files only the names and sizes are read. ``logs/`` does not count.
    """
    if not path.is_dir():
        return _file_checksum(path)
    files = sorted(file for file in list_files(path, ()).files if file.exists())
    lines = list(tqdm(_lines(path, files), f'checksums of {path}', len(files), leave=False, unit='file', disable=_few_new(files)))
    return hashlib.sha256('\n'.join(filter(None, lines)).encode()).hexdigest()


def _lines(root: Path, files: list[Path]) -> Iterator[str]:
    datasets = {file.parent for file in files if file.name == 'dataset.json' and file.is_file() and f'"{KEY}"' in read_text(file)}
    for file in files:
        name, dataset = file.relative_to(root).as_posix(), next((folder for folder in file.parents if folder in datasets), None)
        part = file.relative_to(dataset).parts[0] if dataset else ''
        if part == 'logs':
            yield ''
        else:
            yield f'{name} {file.stat().st_size if part in KINDS else content_checksum(file)}'


def _few_new(files: list[Path]) -> bool:
    return len(files) < MANY or sum(_state(file) not in _known for file in files) < MANY


def _file_checksum(path: Path) -> str:
    """Checksum of a file; it is read again if its size or one of its times has changed since it was read in this process."""
    key = _state(path)
    if key not in _known:
        _known[key] = sha256(path)
    return _known[key]


def _state(path: Path) -> tuple:
    state = os.stat(path)
    return str(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns
