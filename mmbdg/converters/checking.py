"""Counting what an archive should have left behind."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbdg.datasets.looking_up import has_contents
from mmbdg.errors import InputError, listed
from mmbdg.reading import read_lines


def files_in(folder: Path, suffix: str) -> set[str]:
    """Names in a folder without their suffix; empty files, which an interrupted unpacking leaves, do not count."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix) and has_contents(entry)}


def count_problems(what: str, found: int, expected: int) -> Iterator[str]:
    """Another number than there should be."""
    if found != expected:
        yield f'{what}: {found} instead of {expected}'


def missing_files(names: Sequence[str], folder: Path, suffix: str, present: set[str] | None = None) -> Iterator[str]:
    """Listed files that are not there, or are empty."""
    present = files_in(folder, suffix) if present is None else present
    for name in names:
        if name not in present:
            yield f'{folder / (name + suffix)} is missing or empty'


def read_names(path: Path) -> list[str]:
    """First column of a list of names; VOC's have a second one in some files.

    Raises:
        InputError: There is no such file, or it is no text.
    """
    if not path.is_file():
        raise InputError(f'there is no list {path}')
    return [line.split()[0] for line in read_lines(path)]


def refuse(root: Path, problems: Sequence[str], how: str) -> None:
    """Raise :class:`~mmbdg.errors.InputError` with the problems, if there are any, and how to get the data."""
    if problems:
        raise InputError(f'{root} is not whole ({len(problems)} problems):\n  {listed(problems)}\nhow to get it: {how}')
