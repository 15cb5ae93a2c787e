"""The files of a finished block, and checks that they exist and are unchanged."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from mmbdg.storage.checksums import KEY, file_checksum
from mmbdg.storage.layout import kinds_of, sample_files, shard_name
from mmbdg.storage.records import Record


class BlockFiles:
    """Names and checks of the files of a dataset's blocks.

    Args:
        root: Folder of the dataset.
        info: Present or future content of ``dataset.json``: format, image_suffix, uncertainty_maps and tokens.
    """

    def __init__(self, root: str | os.PathLike, info: dict) -> None:
        self.root, self.sharded = Path(root), info.get('format', 'folder') == 'shards'
        self.suffix, self.kinds = info.get('image_suffix', '.png'), kinds_of(info)

    def names(self, record: Record, lines: Sequence[dict]) -> dict[str, str | None]:
        """Return the names of the files, relative to the dataset, with their expected checksums (None if unknown)."""
        if self.sharded:
            return {shard_name(record['folder'], record['block']): record.get('shard')} if lines else {}
        found = {}
        for line in lines:
            names, checksums = sample_files(record['folder'], line['id'], self.suffix), line.get(KEY, {})
            found |= {names[kind]: checksums.get(kind) for kind in self.kinds}
        return found

    def look_whole(self, record: Record, lines: Sequence[dict], recorded_at: int) -> bool:
        """Whether the files exist and have the recorded total size.

        The checksums are compared too for files that changed after the record was written.

        Args:
            record: Record of the block.
            lines: Lines of the block in the manifest.
            recorded_at: Time at which the record was written, in nanoseconds. If it lies in the future, because a clock
                was ahead, all checksums are compared.
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
        """Whether all files exist and match their checksums."""
        return self._have(self.names(record, lines))

    def _have(self, checksums: dict[str, str | None]) -> bool:
        try:
            return all((self.root / name).is_file() and file_checksum(self.root / name) == checksum for name, checksum in checksums.items())
        except OSError:
            return False
