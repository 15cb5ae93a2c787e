"""Reads entries from files and folders, and refuses those that are incomplete or inconsistent."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.leaderboard.checks import check_entry, check_together
from mmbdg.leaderboard.entry import Entry
from mmbdg.leaderboard.links import check_in_repository
from mmbdg.listing import list_files
from mmbdg.reading import parsed_json, read_bytes
from mmbdg.schema import validated

MOST_BYTES = 2**20
"""Largest size of an entry; one of seven tasks with 100 seeds has a twentieth of it."""
MOST_ENTRIES = 10_000


class NamedEntry(NamedTuple):
    """An entry with the name of its file."""

    file: str
    entry: Entry


def read_entries(sources: Sequence[str | os.PathLike], root: Path) -> list[NamedEntry]:
    """Read entries and check each by itself and all together.

    Args:
        sources: JSON files, and folders of which all JSON files are read.
        root: Folder of the repository that paths in entries belong to.

    Returns:
        Entries in the order of the sources; those of a folder in the order of their names.

    Raises:
        InputError: A file cannot be read, a folder holds none, or an entry is refused; the message says which one and why.
    """
    files, found = _files(sources), []
    for path in files:
        entry = read_entry(path)
        for address in {*(figures.config for figures in entry.tasks.values()), entry.docs}:
            if address is not None:
                check_in_repository(address, root, str(path))
        found.append(NamedEntry(path.name, entry))
    check_together([(str(path), entry) for path, (_, entry) in zip(files, found, strict=True)])
    return found


def read_entry(path: str | os.PathLike) -> Entry:
    """Read an entry and check it by itself, without a look at the files that it names.

    Raises:
        InputError: The file cannot be read, or the entry is refused.
    """
    content = parsed_json(read_bytes(path, MOST_BYTES), path)
    return parsed_entry(content, str(path))


def parsed_entry(content: object, where: str) -> Entry:
    """Make an entry of JSON content and check it by itself.

    Raises:
        InputError: The entry is refused.
    """
    entry = Entry.model_validate(validated(Entry, content, where), strict=True)
    check_entry(entry, where)
    return entry


def _files(sources: Sequence[str | os.PathLike]) -> list[Path]:
    files: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            listed = list_files(source, ('.json',)).log().files
            if not listed:
                raise InputError(f'{source} holds no entries (*.json)')
            files += listed
        else:
            files.append(source)
    if len(files) > MOST_ENTRIES:
        raise InputError(f'{len(files):,} entries are more than {MOST_ENTRIES:,}; give fewer')
    seen: dict[str, Path] = {}
    for path in files:
        first = seen.setdefault(os.path.realpath(path), path)
        if first is not path:
            raise InputError(f'{path} is given twice')
    return files
