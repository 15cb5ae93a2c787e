"""Records of finished blocks: what became of a block's candidates, and its lines of the manifest.

While a dataset is made they are files ``logs/blocks/<class folder>/<block>.jsonl``, the record and then the lines. In the finished
dataset the records are the lines of ``blocks.jsonl``, in the order of the manifest: its first ``samples`` lines belong to the first record.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.reading import parsed_json, read_bytes
from mmbdg.schema import PlainName, validated
from mmbdg.storage.checksums import Checksum, checksum, is_sealed, line_bytes, lines_checksum, sealed
from mmbdg.storage.manifest import Manifest

BLOCKS = 'blocks.jsonl'
AFTER = 'after_'
"""Before the name of a filter: the count of what it left."""
Count = Annotated[int, Field(ge=0, lt=2**53)]


@with_config(ConfigDict(extra='allow'))
class Record(TypedDict):
    """What is known of a finished block; the counts of what each filter left, ``after_<name>``, are further keys."""

    folder: PlainName
    block: Count
    candidates: Count
    kept: Count
    """Samples that passed all filters."""
    samples: Count
    """Of which so many were written."""
    bytes: Count
    """Of the block's files."""
    shard: NotRequired[Checksum]
    """Of the tar file, if it has one."""
    lines: Checksum
    """Of its lines of the manifest."""
    blake2b: Checksum
    """Of the record."""


class Recorded(NamedTuple):
    """A finished block as ``logs/blocks`` has it."""

    record: Record
    lines: list[dict]
    """Of the manifest."""
    run: str
    """That finished it."""
    written_at: int
    """By the clock of the file system, nanoseconds."""


def new_record(
    folder: str, block: int, outcome: Mapping[str, int], lines: Sequence[Mapping], size: int, shard: str | None = None
) -> Record:
    """The record of a block.

    Args:
        folder, block: Which one.
        outcome: Number of candidates, what each filter left in their order, and what was kept.
        lines: Of the manifest, of the samples that were written.
        size: Of all its files in bytes.
        shard: Checksum of its shard.
    """
    return sealed(
        dict(
            folder=folder,
            block=block,
            **outcome_of(outcome),
            samples=len(lines),
            bytes=size,
            **({} if shard is None else dict(shard=shard)),
            lines=lines_checksum(lines),
        )
    )


def checked_record(content: object, where: str) -> Record:
    """A record as it was written.

    Raises:
        InputError: It is none, or was changed since.
    """
    record = validated(Record, content, where)
    for key in set(record) - set(Record.__annotations__):
        if not is_filter_count(key):
            raise InputError(f'{where} is not as it should be: {key[:80]}: unknown')
        validated(Count, record[key], f'{where} {key}')
    if not is_sealed(record):
        raise InputError(f'{where} is not of its checksum: it was changed since it was written')
    return record


def read_blocks(path: str | os.PathLike) -> Iterator[Record]:
    """The records of a finished dataset.

    Raises:
        InputError: There is no such file, or one of them is damaged.
    """
    for number, content in enumerate(Manifest(path, schema=None), start=1):
        yield checked_record(content, f'{path}, line {number},')


def total_outcome(records: Iterable[Mapping]) -> dict[str, int]:
    """What became of the candidates of many blocks."""
    total: dict[str, int] = {}
    for record in records:
        for key, count in outcome_of(record).items():
            total[key] = total.get(key, 0) + count
    return outcome_of(total)


def is_filter_count(key: str) -> bool:
    """Whether a key is a count of what a filter left."""
    return key.startswith(AFTER) and key.removeprefix(AFTER).isidentifier()


def outcome_of(record: Mapping[str, Any]) -> dict[str, int]:
    """The counts of a record: candidates, what each filter left in their order, what was kept."""
    return {key: record[key] for key in ('candidates', *filter(is_filter_count, record), 'kept') if key in record}


class BlockRecords:
    """The records of a dataset that is made, in ``logs/blocks``.

    Args:
        root: The dataset's folder.
        run: Name of the run that writes, which no other has; it is written into the records.
    """

    def __init__(self, root: str | os.PathLike, run: str = '') -> None:
        self.root, self.run = Path(root) / 'logs' / 'blocks', run

    def read(self, folder: str, block: int) -> Recorded | None:
        """A block's record; None if the block is not finished, or its record is damaged or of an older version."""
        path = self.path(folder, block)
        try:
            head, _, rest = read_bytes(path).partition(b'\n')
            first = parsed_json(head, path)
            record = checked_record(first['record'], str(path))
            if (record['folder'], record['block'], record['lines']) != (folder, block, checksum(rest)):
                return None
            lines = [parsed_json(line, path) for line in rest.splitlines()]
            return Recorded(record, lines, str(first.get('run', '')), path.stat().st_mtime_ns)
        except (InputError, OSError, KeyError, TypeError, AttributeError):
            return None

    def write(self, record: Record, lines: Iterable[Mapping], sync: bool = True) -> None:
        """After the block's files."""
        text = b''.join(map(line_bytes, [dict(run=self.run, record=record), *lines]))
        write_atomically(self.path(record['folder'], record['block']), lambda part: part.write_bytes(text), sync)

    def remove(self, folder: str, block: int) -> None:
        """The block then counts as not made."""
        self.path(folder, block).unlink(missing_ok=True)

    def blocks(self, folder: str) -> list[int]:
        """Numbers of the blocks of a class that have a record, damaged ones too."""
        try:
            names = [entry.name.removesuffix('.jsonl') for entry in os.scandir(self.root / folder) if entry.name.endswith('.jsonl')]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def of_class(self, folder: str) -> Iterator[Recorded]:
        """Of all finished blocks of a class, in their order.

        Raises:
            InputError: A record is damaged.
        """
        for block in self.blocks(folder):
            recorded = self.read(folder, block)
            if recorded is None:
                raise InputError(
                    f'{self.path(folder, block)} is damaged: run the synthesis again for as many samples and classes as before, it is made '
                    'anew'
                )
            yield recorded

    def folders(self) -> set[str]:
        """Classes of which there is a finished block."""
        return {path.name for path in self.root.glob('*') if path.is_dir()}

    def path(self, folder: str, block: int) -> Path:
        """Of the file."""
        return self.root / folder / f'{block:06d}.jsonl'


def by_block(records: Iterable[Record]) -> dict[tuple[str, int], Record]:
    """Records by folder and number."""
    return {(record['folder'], record['block']): record for record in records}
