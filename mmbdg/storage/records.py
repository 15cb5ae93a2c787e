"""Records of finished blocks: the counts of a block's candidates and the checksums of its data.

During synthesis each block has a file ``logs/blocks/<class folder>/<block>.jsonl`` with its record and its manifest lines.
In the finished dataset the records are the lines of ``blocks.jsonl``, in the order of the manifest: the first ``samples``
lines of the manifest belong to the first record.
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
"""Prefix of the keys that hold the number of candidates after a filter; the filter's name follows."""
Count = Annotated[int, Field(ge=0, lt=2**53)]


@with_config(ConfigDict(extra='allow'))
class Record(TypedDict):
    """Record of a finished block. Further keys ``after_<name>`` hold the number of candidates after each filter."""

    folder: PlainName
    block: Count
    candidates: Count
    kept: Count
    """Number of samples that passed all filters."""
    samples: Count
    """Number of samples that were written, at most ``kept``."""
    bytes: Count
    """Total size of the block's files."""
    shard: NotRequired[Checksum]
    """Checksum of the block's tar file, in the format "shards"."""
    lines: Checksum
    """Checksum of the block's manifest lines."""
    blake2b: Checksum
    """Checksum of the record."""


class Recorded(NamedTuple):
    """Content of a block's file in ``logs/blocks``."""

    record: Record
    lines: list[dict]
    """Manifest lines of the block."""
    run: str
    """Name of the run that finished the block."""
    written_at: int
    """Modification time of the file in nanoseconds, by the clock of the file system."""


def new_record(
    folder: str, block: int, outcome: Mapping[str, int], lines: Sequence[Mapping], size: int, shard: str | None = None
) -> Record:
    """Return the record of a block.

    Args:
        folder, block: Class folder and number of the block.
        outcome: Counts of candidates: all, after each filter in their order, and kept.
        lines: Manifest lines of the written samples.
        size: Total size of the block's files in bytes.
        shard: Checksum of the block's shard. Default: None, for the format "folder".
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
    """Return a record after checking its schema and checksum.

    Raises:
        InputError: The content is not a record, or it was changed after it was written.
    """
    record = validated(Record, content, where)
    for key in set(record) - set(Record.__annotations__):
        if not is_filter_count(key):
            raise InputError(f'{where} is not as it should be: unknown key {key[:80]}')
        validated(Count, record[key], f'{where} {key}')
    if not is_sealed(record):
        raise InputError(f'{where} does not match its checksum: it was changed after it was written')
    return record


def read_blocks(path: str | os.PathLike) -> Iterator[Record]:
    """Yield the records of a finished dataset.

    Raises:
        InputError: There is no such file, or a record is damaged.
    """
    for number, content in enumerate(Manifest(path, schema=None), start=1):
        yield checked_record(content, f'{path}, line {number},')


def total_outcome(records: Iterable[Mapping]) -> dict[str, int]:
    """Return the counts of candidates summed over many blocks."""
    total: dict[str, int] = {}
    for record in records:
        for key, count in outcome_of(record).items():
            total[key] = total.get(key, 0) + count
    return outcome_of(total)


def is_filter_count(key: str) -> bool:
    """Whether a key holds the number of candidates after a filter."""
    return key.startswith(AFTER) and key.removeprefix(AFTER).isidentifier()


def outcome_of(record: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of a record: candidates, after each filter in their order, kept."""
    return {key: record[key] for key in ('candidates', *filter(is_filter_count, record), 'kept') if key in record}


class BlockRecords:
    """The records of a dataset in ``logs/blocks`` during synthesis.

    Args:
        root: Folder of the dataset.
        run: Unique name of the run that writes the records. It is stored with them. Default: ''.
    """

    def __init__(self, root: str | os.PathLike, run: str = '') -> None:
        self.root, self.run = Path(root) / 'logs' / 'blocks', run

    def read(self, folder: str, block: int) -> Recorded | None:
        """Return the record of a block. None if the block is unfinished, or its record is damaged or has an older format."""
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
        """Write the record of a block. Call it after the files of the block are written."""
        text = b''.join(map(line_bytes, [dict(run=self.run, record=record), *lines]))
        write_atomically(self.path(record['folder'], record['block']), lambda part: part.write_bytes(text), sync)

    def remove(self, folder: str, block: int) -> None:
        """Remove the record of a block. The block then counts as unfinished."""
        self.path(folder, block).unlink(missing_ok=True)

    def blocks(self, folder: str) -> list[int]:
        """Return the numbers of the blocks of a class that have a record, including damaged ones."""
        try:
            names = [entry.name.removesuffix('.jsonl') for entry in os.scandir(self.root / folder) if entry.name.endswith('.jsonl')]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def of_class(self, folder: str) -> Iterator[Recorded]:
        """Yield the records of all finished blocks of a class, in their order.

        Raises:
            InputError: A record is damaged.
        """
        for block in self.blocks(folder):
            recorded = self.read(folder, block)
            if recorded is None:
                raise InputError(
                    f'{self.path(folder, block)} is damaged: run the synthesis again with the same number of samples and the same classes '
                    'to write it again'
                )
            yield recorded

    def folders(self) -> set[str]:
        """Return the folders of the classes with finished blocks."""
        return {path.name for path in self.root.glob('*') if path.is_dir()}

    def path(self, folder: str, block: int) -> Path:
        """Return the path of a block's file."""
        return self.root / folder / f'{block:06d}.jsonl'


def by_block(records: Iterable[Record]) -> dict[tuple[str, int], Record]:
    """Return a mapping from (folder, number) to record."""
    return {(record['folder'], record['block']): record for record in records}
