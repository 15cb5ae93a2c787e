"""Reconstruction of the blocks of a damaged dataset from its undamaged parts: their numbers, sample counts and checksums."""

from collections.abc import Sequence
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.storage.checksums import lines_checksum
from mmbdg.storage.findings import Block
from mmbdg.storage.records import BlockRecords, Record
from mmbdg.storage.verify import MANIFEST, Dataset
from mmbdg.synthesis.extent import Extent
from mmbdg.synthesis.plan import Synthesis


class Target(NamedTuple):
    """A block that belongs to the dataset, with all that is known of it."""

    samples: int | None = None
    """Number of written samples. None if it is unknown: then as many as possible of the remaining samples of its class."""
    record: Record | None = None
    """Original record of the block."""
    lines: list[dict] | None = None
    """Original manifest lines of the block."""
    lines_checksum: str | None = None
    """Checksum of the manifest lines. It can be known even if the lines are not."""


class Evidence:
    """The information about the blocks of a damaged dataset.

    Args:
        dataset: Readable part of the dataset.
        logs: Records in ``logs/blocks``; they may be empty.
        plan: Plan of the dataset.
        extent: Its numbers of samples and blocks.
        class_folders: Folders of all classes of the source.
    """

    def __init__(self, dataset: Dataset, logs: BlockRecords, plan: Synthesis, extent: Extent, class_folders: Sequence[str]) -> None:
        self.dataset, self.logs, self.plan, self.extent = dataset, logs, plan, extent
        self.class_ids = {folder: class_id for class_id, folder in enumerate(class_folders)}
        self._counts: dict[str, int] = {}

    def targets(self) -> dict[Block, Target]:
        """Return all blocks of the dataset.

        Raises:
            InputError: The number of blocks cannot be reconstructed.
        """
        self._counts, ends = self._ends()
        blocks = [(folder, block) for folder, end in ends.items() for block in range(self._first(folder), end)]
        return {block: self._known(block) or Target() for block in blocks}

    def left(self, targets: dict[Block, Target]) -> dict[str, int]:
        """Return, for each class with a known number of samples, how many of them are in blocks of unknown size."""
        left = dict(self._counts)
        for (folder, _), target in targets.items():
            if folder in left:
                left[folder] -= target.samples or 0
        return left

    def proofs(self, targets: dict[Block, Target]) -> list[tuple[Block, int, str]]:
        """Return the blocks that can prove that a plan made the dataset: (block, number of samples, checksum of the lines).

        Small blocks come first. If only a manifest without a valid checksum is left, its blocks may be damaged themselves.
        """
        known = [(block, target.samples, target.lines_checksum) for block, target in targets.items() if target.lines_checksum]
        if not known:
            found = {block: self.dataset.lines_of(block) for block in self.dataset.blocks()}
            known = [(block, len(lines), lines_checksum(lines)) for block, lines in found.items()]
        return sorted((proof for proof in known if proof[1]), key=lambda proof: proof[1])

    def _first(self, folder: str) -> int:
        """Return the number of the first block of a class folder. The numbers of the others follow without gaps."""
        return self.extent.first_block(self.class_ids[folder]) if folder in self.class_ids else 0

    def _ends(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return number of samples, and number of the last block plus 1, of each class folder."""
        if (info := self.dataset.sealed_info) and info['filters']:
            numbers = {folder: -(-outcome.get('candidates', 0) // self.plan.candidates) for folder, outcome in info['filters'].items()}
            return info['counts'], {folder: self._first(folder) + number for folder, number in numbers.items()}
        ends: dict[str, int] = {}
        known = self.dataset.blocks()
        if not self.dataset.records_whole:
            known += [(folder, block) for folder in self.logs.folders() for block in self.logs.blocks(folder)]
        for folder, block in known:
            ends[folder] = max(ends.get(folder, 0), block + 1)
        if self.dataset.records_whole:
            return {}, ends
        if self.plan.may_fall_short and not self.logs.folders():
            raise InputError(
                f'{self.dataset.root} has lost blocks.jsonl, dataset.json and its logs: the number of candidates is unknown, so it cannot '
                'be repaired. Make the dataset again in another folder'
            )
        counts = {}
        folders = list(self.class_ids)
        for class_id in self.extent.class_ids:
            folder, needed = folders[class_id], self.extent.needed(class_id)
            ends[folder] = max(ends.get(folder, 0), needed.stop)
            if ends[folder] == needed.stop:
                counts[folder] = self.extent.samples(class_id)
        return counts, ends

    def _known(self, block: Block) -> Target | None:
        """Return what is known of a block, from blocks.jsonl, the logs of the synthesis or an undamaged manifest."""
        lines, record, logged = self.dataset.lines_of(block), self.dataset.records.get(block), self.logs.read(*block)
        if record is None and MANIFEST in self.dataset.intact:
            checksum = lines_checksum(lines)
            same = logged and logged.record['lines'] == checksum
            return Target(len(lines), logged.record if same else None, lines, checksum)
        if record is None:
            return logged and Target(len(logged.lines), logged.record, logged.lines, logged.record['lines'])
        if lines_checksum(lines) == record['lines']:
            return Target(record['samples'], record, lines, record['lines'])
        same = logged and logged.record['lines'] == record['lines']
        return Target(record['samples'], record, logged.lines if same else None, record['lines'])
