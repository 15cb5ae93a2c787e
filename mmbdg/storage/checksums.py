"""Checksums of what a dataset stores: BLAKE2b of 16 bytes, in hexadecimal.

A chain that begins in ``dataset.json``, which bears its own: it names those of ``manifest.jsonl`` and ``blocks.jsonl``; a record of a block
bears its own and names that of its lines of the manifest (and of its shard); a line names those of its sample's files.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated

from pydantic import Field

KEY = 'blake2b'
"""Under which lines, records and dataset.json have them."""
_new = partial(hashlib.blake2b, digest_size=16)

Checksum = Annotated[str, Field(pattern=r'^[0-9a-f]{32}$')]


def checksum(data: bytes) -> str:
    """Of bytes."""
    return _new(data).hexdigest()


def file_checksum(path: str | os.PathLike) -> str:
    """Of a file.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, _new).hexdigest()


class RunningChecksum:
    """Of a file, and its size, while it is written."""

    def __init__(self) -> None:
        self._state, self.bytes = _new(), 0

    def add(self, data: bytes) -> bytes:
        """What is written next, unchanged."""
        self._state.update(data)
        self.bytes += len(data)
        return data

    def facts(self) -> dict[str, int | str]:
        """What ``dataset.json`` says of the file."""
        return {'bytes': self.bytes, KEY: self._state.hexdigest()}


def line_bytes(content: Mapping) -> bytes:
    """One line of a file of JSON objects, as it is stored."""
    return json.dumps(content, ensure_ascii=False).encode() + b'\n'


def lines_checksum(lines: Iterable[Mapping]) -> str:
    """Of lines as they are stored."""
    state = _new()
    for line in lines:
        state.update(line_bytes(line))
    return state.hexdigest()


def sealed(content: Mapping) -> dict:
    """The content with its own checksum as the last key."""
    bare = {key: value for key, value in content.items() if key != KEY}
    return {**bare, KEY: _seal(bare)}


def is_sealed(content: Mapping) -> bool:
    """Whether content bears its own checksum, and is what it was then."""
    return content.get(KEY) == _seal({key: value for key, value in content.items() if key != KEY})


def _seal(content: Mapping) -> str:
    return checksum(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())
