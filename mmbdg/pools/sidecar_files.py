"""A folder with text and JSON files beside each image, such as img2dataset's output format "files"."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError
from mmbdg.listing import IMAGE_SUFFIXES, list_files
from mmbdg.paths import inside
from mmbdg.pools.base import Pool, size_of
from mmbdg.pools.entry import Entry, facts_in
from mmbdg.pools.faults import BROKEN_CAPTION, MISSING_CAPTION, MISSING_IMAGE, Faults
from mmbdg.reading import decoded, parsed_json, read_bytes

SIDECARS = ('.txt', '.json')
STATISTICS = re.compile(r'\d+_stats\.json')
"""Name pattern of img2dataset's reports, which are not samples."""
MOST_BYTES = 2**24
"""Largest size in bytes of a text or JSON file of one image."""


class SidecarFiles(Pool):
    """Files ``KEY.jpg``, ``KEY.txt`` and ``KEY.json`` in a folder and its subfolders.

    The caption is the text file, else ``caption`` in the JSON file, which may also state ``url``, ``LICENSE``, ``NSFW`` and
    ``similarity``. img2dataset's ``.parquet`` files and its reports ``00000_stats.json`` are ignored.

    Args:
        folder: Path of the folder.
    """

    layout = 'sidecar_files'

    def entries(self, faults: Faults) -> Iterator[Entry]:
        for key, files in self._by_key().items():
            images = [path for suffix, path in files.items() if suffix in IMAGE_SUFFIXES]
            if not images:
                faults.note(MISSING_IMAGE, key, 'only ' + ', '.join(path.name for path in files.values()))
                continue
            name = self._name(images[0])
            if len(images) > 1:
                raise InputError(f'{images[0]} and {images[1]} have the same name without suffix: which one is meant?')
            contents = {suffix: path for suffix, path in files.items() if suffix in SIDECARS}
            if entry := entry_of(name, size_of(images[0]), contents, self._read, faults):
                yield entry

    def _by_key(self) -> dict[str, dict[str, Path]]:
        """Files by key and suffix, in natural order."""
        found: dict[str, dict[str, Path]] = {}
        left_out = 0
        for path in list_files(self.folder, ()).files:
            suffix = path.suffix.lower()
            if suffix not in (*IMAGE_SUFFIXES, *SIDECARS) or STATISTICS.fullmatch(path.name):
                left_out += 1
                continue
            found.setdefault(path.relative_to(self.folder).with_suffix('').as_posix(), {})[suffix] = path
        if left_out:
            self.notes.append(f'{self.folder}: {left_out} files are not images, captions or JSON of an image, and are not used')
        return found

    def _read(self, path: Path) -> bytes:
        return read_bytes(inside(self.folder, self._name(path)), MOST_BYTES)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def file(self, name: str) -> Path:
        return inside(self.folder, name)

    def files(self) -> Iterator[tuple[str, int | str]]:
        for path in list_files(self.folder, ()).files:
            if path.suffix.lower() in (*IMAGE_SUFFIXES, *SIDECARS):
                yield self._name(path), size_of(path)


def entry_of(name: str, size: int, contents: Mapping[str, Any], read: Callable[[Any], bytes], faults: Faults) -> Entry | None:
    """Make the entry of an image from its text and JSON. Without a readable caption it notes a fault and returns None.

    Args:
        name, size: Name and size in bytes of the image.
        contents: Arguments of ``read`` by suffix, ``.txt`` and ``.json``.
        read: Function that returns the bytes of a file.
        faults: Collects the fault.
    """
    try:
        columns = parsed_json(read(contents['.json']), f'the JSON of {name}') if '.json' in contents else {}
        if not isinstance(columns, dict):
            raise InputError(f'the JSON of {name} is not an object')
        if '.txt' in contents:
            columns = {key: value for key, value in columns.items() if key.lower() not in ('caption', 'text', 'alt')}
            columns['caption'] = decoded(read(contents['.txt']), f'the text of {name}')
        facts = facts_in(columns, f'the JSON of {name}')
    except InputError as error:
        faults.note(BROKEN_CAPTION, name, error)
        return None
    if not facts['caption']:
        faults.note(MISSING_CAPTION, name)
        return None
    return Entry(name, size, **facts)
