"""The manifest: one JSON object a line, a line a sample."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import write_atomically


class Manifest(Sequence):
    """Lines that are parsed when they are looked at: a million of them take their file's size in memory, not ten times that.

    Args:
        path: Of the file.

    Raises:
        InputError: On access, if a line is no JSON object.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self._path, self._text = Path(path), Path(path).read_bytes()
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord('\n'))
        if self._text and not self._text.endswith(b'\n'):
            ends = np.append(ends, len(self._text))
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int | slice) -> dict | list[dict]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]  # the sequence's own IndexError
        begin = self._ends[number - 1] + 1 if number else 0
        return parse_line(self._text[begin : self._ends[number]], self._path, number + 1)

    def __iter__(self) -> Iterator[dict]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def parse_line(text: bytes | str, path: Path, number: int) -> dict:
    """One line.

    Raises:
        InputError: It is no JSON; the file may be cut off.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f'{path}, line {number}, is no JSON; the file may be cut off: run the synthesis again') from error


def write_jsonl(path: str | os.PathLike, lines: Sequence[dict]) -> None:
    """One JSON object a line."""
    text = ''.join(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'))


def read_jsonl(path: str | os.PathLike) -> list[dict]:
    """One JSON object a line.

    Raises:
        InputError: A line is no JSON object; the file may be cut off.
    """
    return list(Manifest(path))
