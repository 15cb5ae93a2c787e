"""Files that lists name: are they there?"""

import os
from collections.abc import Iterable
from os import scandir
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.fileio import list_from_file

from mmbdg.errors import InputError, listed
from mmbdg.reading import read_lines

SHOWN = 5
"""Of each kind of problem so many examples are shown."""
MARKS = (b'\xef\xbb\xbf', b'\xff\xfe', b'\xfe\xff')
"""At the beginning of text in UTF-8 and UTF-16, where an editor of Windows wrote it."""


def lines_of(path: str | os.PathLike) -> list[str]:
    """Of a list of images that mmdet or mmseg will read by themselves.

    Raises:
        InputError: It is missing, lists nothing, is damaged, or they would read other names in it than people do.
    """
    if not Path(path).is_file():
        raise InputError(f'the annotation file {path} is missing')
    refuse_mark(path)
    lines = read_lines(path)
    if not lines:
        raise InputError(f'{path} lists no images')
    if other := [line for line in list_from_file(str(path)) if line.strip() != line or not line]:
        raise InputError(f'{path} has blank lines or blanks around names ({other[0]!r}), which would be names of files: remove them')
    return lines


def refuse_mark(path: str | os.PathLike) -> None:
    """
    Raises:
        InputError: A file that another package reads begins with a byte order mark, which it takes for a part of the text.
    """
    with open(path, 'rb') as file:
        begin = file.read(3)
    if begin.startswith(MARKS):
        raise InputError(f'{path} begins with a byte order mark, which OpenMMLab does not understand: save it as UTF-8 without one')


def missing(paths: Iterable[str | Path]) -> list[str]:
    """Those that are no files, or empty ones, which an interrupted copy leaves; each folder is read once."""
    folders: dict[Path, set[str]] = {}
    found = []
    for path in map(Path, paths):
        if path.parent not in folders:
            folders[path.parent] = {entry.name for entry in scandir(path.parent) if has_contents(entry)} if path.parent.is_dir() else set()
        if path.name not in folders[path.parent]:
            found.append(str(path))
    return found


def has_contents(entry: os.DirEntry) -> bool:
    """Whether it is a file, or a link to one, that is not empty."""
    try:
        return entry.stat().st_size > 0
    except OSError:  # a link that leads nowhere
        return False


def refuse(problems: list[str], what: str) -> None:
    """
    Raises:
        InputError: There are problems.
    """
    if problems:
        raise InputError(f'{what} ({len(problems)}):\n  {listed(problems, SHOWN)}')


def left_out(dataset: BaseDataset, source: str | Path, images: int, empty: int, foreign: int) -> list[str]:
    """Sentences about what a training leaves out."""
    skipped = not dataset.test_mode and (dataset.filter_cfg or {}).get('filter_empty_gt')
    notes = [f'{source}: {empty} of {images} images have no annotation and are skipped'] if empty and skipped else []
    return notes + ([f'{source}: {foreign} objects are of classes that the config leaves out'] if foreign else [])
