"""Which files a finished block has, and whether they are there as they were written."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from mmbdg.storage.checksums import KEY, file_checksum
from mmbdg.storage.layout import kinds_of, sample_files, shard_name
from mmbdg.storage.records import Record


class BlockFiles:
    """Of the blocks of a dataset.

    Args:
        root: The dataset's folder.
        info: What ``dataset.json`` says, or will say: its format, image_suffix, uncertainty_maps and tokens.
    """

    def __init__(self, root: str | os.PathLike, info: dict) -> None:
        self.root, self.sharded = Path(root), info.get('format', 'folder') == 'shards'
        self.suffix, self.kinds = info.get('image_suffix', '.png'), kinds_of(info)

    def names(self, record: Record, lines: Sequence[dict]) -> dict[str, str | None]:
        """The files' names, relative to the dataset, with the checksums they must have; None where none is known."""
        if self.sharded:
            return {shard_name(record['folder'], record['block']): record.get('shard')} if lines else {}
        found = {}
        for line in lines:
            names, checksums = sample_files(record['folder'], line['id'], self.suffix), line.get(KEY, {})
            found |= {names[kind]: checksums.get(kind) for kind in self.kinds}
        return found

    def look_whole(self, record: Record, lines: Sequence[dict], recorded_at: int) -> bool:
        """Whether the files are there, have the right size together, and those that changed after the record was written their checksums.

        Args:
            record: Of the block.
            lines: Of the manifest.
            recorded_at: When the record was written, nanoseconds. One in the future, of a clock that was ahead, tells nothing: the
                checksums are looked at.
        """
        size, changed, ahead = 0, {}, recorded_at > time.time_ns()
        for name, checksum in self.names(record, lines).items():
            try:
                state = os.stat(self.root / name)
            except OSError:
                return False
            size += state.st_size
            if ahead or state.st_mtime_ns > recorded_at:
                changed[name] = checksum
        return size == record['bytes'] and self._have(changed)

    def are_whole(self, record: Record, lines: Sequence[dict]) -> bool:
        """Whether all files are there and have their checksums."""
        return self._have(self.names(record, lines))

    def _have(self, checksums: dict[str, str | None]) -> bool:
        try:
            return all((self.root / name).is_file() and file_checksum(self.root / name) == checksum for name, checksum in checksums.items())
        except OSError:
            return False
