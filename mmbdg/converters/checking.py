"""Checks of the number of files in unpacked archives."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbdg.datasets.looking_up import has_contents
from mmbdg.errors import InputError, listed
from mmbdg.reading import read_lines


def files_in(folder: Path, suffix: str) -> set[str]:
    """Names of the files in a folder, without their suffix. Empty files, left by an interrupted unpacking, are omitted."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix) and has_contents(entry)}


def count_problems(what: str, found: int, expected: int) -> Iterator[str]:
    """A message if the number found differs from the expected one."""
    if found != expected:
        yield f'{what}: {found} instead of {expected}'


def missing_files(names: Sequence[str], folder: Path, suffix: str, present: set[str] | None = None) -> Iterator[str]:
    """A message for each listed file that is missing or empty."""
    present = files_in(folder, suffix) if present is None else present
    for name in names:
        if name not in present:
            yield f'{folder / (name + suffix)} is missing or empty'


def read_names(path: Path) -> list[str]:
    """First column of a list of names. Some lists of VOC have a second column.

    Raises:
        InputError: The file is missing or is not a text file.
    """
    if not path.is_file():
        raise InputError(f'there is no list {path}')
    return [line.split()[0] for line in read_lines(path)]


def refuse(root: Path, problems: Sequence[str], how: str) -> None:
    """Raise :class:`~mmbdg.errors.InputError` if there are problems. The message lists them and says how to get the data."""
    if problems:
        raise InputError(f'{root} is incomplete ({len(problems)} problems):\n  {listed(problems)}\nhow to get it: {how}')
