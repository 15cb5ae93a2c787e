"""The manifest: a JSON lines file with one line per sample."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NotRequired

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict

from mmbdg.files import write_atomically
from mmbdg.reading import parsed_json, read_bytes
from mmbdg.schema import PlainName, validated
from mmbdg.storage.checksums import Checksum
from mmbdg.storage.originals import OriginalFacts

# The functional form is needed because "class" is a keyword of Python.
Line = TypedDict(
    'Line',
    {
        'id': Annotated[str, Field(pattern=r'^[0-9]{8,18}$')],
        'class': Annotated[int, Field(ge=0, lt=2**31)],
        'wnid': NotRequired[PlainName],
        'slug': NotRequired[PlainName],
        'seed': NotRequired[int],
        'classifier_score': NotRequired[float | None],
        'uncertainty': NotRequired[float | None],
        'foreground_ratio': NotRequired[float | None],
        'original': NotRequired[OriginalFacts],
        'unchanged': NotRequired[bool],
        'shard': NotRequired[Annotated[str, Field(pattern=r'^shards/[^/\\]+/[0-9]{6,18}\.tar$')]],
        'blake2b': NotRequired[dict[Literal['image', 'mask', 'uncertainty', 'tokens'], Checksum]],
    },
)
"""Schema of a sample's line. Further keys are allowed and kept."""


class Manifest(Sequence):
    """Lines of a JSON lines file that are parsed on access.

    The memory is the size of the file. Parsed lines would take about ten times as much.

    Args:
        path: Path of the file.
        schema: Schema of each line; None for any JSON. Default: the schema of a sample's line.

    Raises:
        InputError: There is no such file. On access: a line is not a JSON object or does not follow the schema.
    """

    def __init__(self, path: str | os.PathLike, schema: type | None = Line) -> None:
        self._path, self._text, self._schema = Path(path), read_bytes(path), schema
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord('\n'))
        if self._text and not self._text.endswith(b'\n'):
            ends = np.append(ends, len(self._text))
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int | slice) -> dict | list[dict]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]  # raises IndexError
        begin = self._ends[number - 1] + 1 if number else 0
        return parse_line(self._text[begin : self._ends[number]], self._path, number + 1, self._schema)

    def __iter__(self) -> Iterator[dict]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class ManifestPart(Sequence):
    """Some lines of a manifest, parsed on access.

    Args:
        lines: Lines of the whole manifest.
        places: Indices of the lines, int64 (N,), ascending.
    """

    def __init__(self, lines: Manifest, places: np.ndarray) -> None:
        self._lines, self._places = lines, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int | slice) -> dict | list[dict]:
        if isinstance(index, slice):
            return [self._lines[place] for place in self._places[index].tolist()]
        return self._lines[self._places[range(len(self))[index]].item()]

    def __iter__(self) -> Iterator[dict]:
        return (self._lines[place.item()] for place in self._places)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def parse_line(text: bytes | str, path: Path, number: int, schema: type | None = None) -> dict:
    """Parse one line.

    Raises:
        InputError: The line is not JSON, is truncated or does not follow the schema.
    """
    where = f'{path}, line {number},'
    content = parsed_json(text, where)
    return validated(schema, content, where) if schema else content


def write_jsonl(path: str | os.PathLike, lines: Sequence[dict]) -> None:
    """Write a JSON lines file: one JSON object per line."""
    text = ''.join(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'))


def read_jsonl(path: str | os.PathLike) -> list[dict]:
    """Read a JSON lines file: one JSON object per line.

    Raises:
        InputError: A line is not a JSON object; the file may be truncated.
    """
    return list(Manifest(path, schema=None))
