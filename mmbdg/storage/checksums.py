"""Checksums of the stored data: BLAKE2b of 16 bytes, in hexadecimal.

The checksums form a chain. ``dataset.json`` holds its own checksum and those of ``manifest.jsonl`` and ``blocks.jsonl``.
A block record holds its own checksum and those of its manifest lines and of its shard. A manifest line holds the
checksums of the files of its sample.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated

from pydantic import Field

KEY = 'blake2b'
"""Key of the checksums in lines, records and dataset.json."""
_new = partial(hashlib.blake2b, digest_size=16)

Checksum = Annotated[str, Field(pattern=r'^[0-9a-f]{32}$')]


def checksum(data: bytes) -> str:
    """Return the checksum of bytes."""
    return _new(data).hexdigest()


def file_checksum(path: str | os.PathLike) -> str:
    """Return the checksum of a file.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, _new).hexdigest()


class RunningChecksum:
    """Checksum and size of a file, computed while the file is written."""

    def __init__(self) -> None:
        self._state, self.bytes = _new(), 0

    def add(self, data: bytes) -> bytes:
        """Add the next bytes of the file, and return them unchanged."""
        self._state.update(data)
        self.bytes += len(data)
        return data

    def facts(self) -> dict[str, int | str]:
        """Return the entry of the file in ``dataset.json``: size in bytes and checksum."""
        return {'bytes': self.bytes, KEY: self._state.hexdigest()}


def line_bytes(content: Mapping) -> bytes:
    """Return one line of a JSON lines file as it is stored."""
    return json.dumps(content, ensure_ascii=False).encode() + b'\n'


def lines_checksum(lines: Iterable[Mapping]) -> str:
    """Return the checksum of JSON lines as they are stored."""
    state = _new()
    for line in lines:
        state.update(line_bytes(line))
    return state.hexdigest()


def sealed(content: Mapping) -> dict:
    """Return the content with its own checksum as the last key."""
    bare = {key: value for key, value in content.items() if key != KEY}
    return {**bare, KEY: _seal(bare)}


def is_sealed(content: Mapping) -> bool:
    """Whether the content holds its own checksum and matches it."""
    return content.get(KEY) == _seal({key: value for key, value in content.items() if key != KEY})


def _seal(content: Mapping) -> str:
    return checksum(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())
