"""Foreign files: files in the folder of a dataset that do not belong to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmbdg.storage.layout import BESIDE, TOP_FILES, kinds_of, sample_files, sample_id, shard_name

Known = dict[str, np.ndarray]
"""Sample numbers of each class folder; in a dataset of shards the block numbers."""


def foreign_files(root: Path, info: dict, known: Known) -> Iterator[str]:
    """Yield files, folders and links that do not belong to a dataset, relative to it.

    The content of a foreign folder is not listed. ``logs/`` and ``selections/`` may hold any files. Links with a name of
    the dataset's own files or folders count as such.

    Args:
        root: Folder of the dataset.
        info: Content of ``dataset.json``.
        known: Numbers of the samples, or of the blocks, of the dataset.
    """
    expected = _folders(info, known)
    tops = {folder.split('/')[0] for folder in expected}
    for entry in _entries(root):
        if entry.name in tops and entry.is_dir():
            yield from _in_kind(root, entry.name, expected)
        elif entry.name not in (*TOP_FILES, *BESIDE) or (entry.name in TOP_FILES and not entry.is_file()):
            yield entry.name


def _folders(info: dict, known: Known) -> dict[str, tuple[np.ndarray, str, int]]:
    """Return numbers, suffix and number of digits of the file names in each class folder."""
    found = {}
    for folder, numbers in known.items():
        if info.get('format', 'folder') == 'shards':
            names = [shard_name(folder, 0)]
        else:
            files = sample_files(folder, sample_id(0), info.get('image_suffix', '.png'))
            names = [files[kind] for kind in kinds_of(info)]
        for name in names:
            place, _, file = name.rpartition('/')
            digits, suffix = os.path.splitext(file)
            found[place] = numbers, suffix, len(digits)
    return found


def _in_kind(root: Path, kind: str, expected: dict[str, tuple[np.ndarray, str, int]]) -> Iterator[str]:
    for entry in _entries(root / kind):
        place = f'{kind}/{entry.name}'
        if place not in expected or not entry.is_dir():
            yield place
            continue
        numbers, suffix, digits = expected[place]
        own = set(numbers.tolist())
        for file in _entries(root / place):
            stem = file.name.removesuffix(suffix)
            is_number = file.name.endswith(suffix) and stem.isascii() and stem.isdigit() and len(stem) <= 18
            if not (is_number and int(stem) in own and f'{int(stem):0{digits}d}' == stem and not file.is_dir()):
                yield f'{place}/{file.name}'


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
