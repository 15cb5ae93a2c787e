"""Checks that the files named in annotation lists exist."""

import os
from collections.abc import Iterable
from os import scandir
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.fileio import list_from_file

from mmbdg.errors import InputError, listed
from mmbdg.reading import read_lines

SHOWN = 5
"""Number of examples shown for each kind of problem."""
MARKS = (b'\xef\xbb\xbf', b'\xff\xfe', b'\xfe\xff')
"""Byte order marks of UTF-8 and UTF-16 files, written by some Windows editors."""


def lines_of(path: str | os.PathLike) -> list[str]:
    """Lines of an image list that mmdet or mmseg will read later.

    Raises:
        InputError: The file is missing, empty or damaged, or has spaces or blank lines that mmdet and mmseg would take as names.
    """
    if not Path(path).is_file():
        raise InputError(f'the annotation file {path} is missing')
    refuse_mark(path)
    lines = read_lines(path)
    if not lines:
        raise InputError(f'{path} lists no images')
    if other := [line for line in list_from_file(str(path)) if line.strip() != line or not line]:
        raise InputError(f'{path} has blank lines or spaces around names ({other[0]!r}), which would be read as file names: remove them')
    return lines


def refuse_mark(path: str | os.PathLike) -> None:
    """Check that a file which another package reads has no byte order mark, as the package would take it for text.

    Raises:
        InputError: The file begins with a byte order mark.
    """
    with open(path, 'rb') as file:
        begin = file.read(3)
    if begin.startswith(MARKS):
        raise InputError(f'{path} begins with a byte order mark, which OpenMMLab does not understand: save it as UTF-8 without one')


def missing(paths: Iterable[str | Path]) -> list[str]:
    """Paths that are missing, or empty files as left by an interrupted copy; each folder is read only once."""
    folders: dict[Path, set[str]] = {}
    found = []
    for path in map(Path, paths):
        if path.parent not in folders:
            folders[path.parent] = {entry.name for entry in scandir(path.parent) if has_contents(entry)} if path.parent.is_dir() else set()
        if path.name not in folders[path.parent]:
            found.append(str(path))
    return found


def has_contents(entry: os.DirEntry) -> bool:
    """Whether the entry is a non-empty file, or a link to one."""
    try:
        return entry.stat().st_size > 0
    except OSError:  # broken link
        return False


def refuse(problems: list[str], what: str) -> None:
    """Raise an error with the first problems, if there are any.

    Raises:
        InputError: ``problems`` is not empty.
    """
    if problems:
        raise InputError(f'{what} ({len(problems)}):\n  {listed(problems, SHOWN)}')


def left_out(dataset: BaseDataset, source: str | Path, images: int, empty: int, foreign: int) -> list[str]:
    """Sentences for the log about images and objects that a training skips."""
    skipped = not dataset.test_mode and (dataset.filter_cfg or {}).get('filter_empty_gt')
    notes = [f'{source}: {empty} of {images} images have no annotation and are skipped'] if empty and skipped else []
    return notes + ([f'{source}: {foreign} objects are of classes that the config leaves out'] if foreign else [])
