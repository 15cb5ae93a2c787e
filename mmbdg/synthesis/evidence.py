"""Reconstruction of the blocks of a damaged dataset from its undamaged parts: their numbers, sample counts and checksums."""

from collections.abc import Sequence
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.storage.checksums import lines_checksum
from mmbdg.storage.findings import Block
from mmbdg.storage.records import BlockRecords, Record
from mmbdg.storage.verify import MANIFEST, Dataset
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
        class_folders: Folders of the plan's classes.
    """

    def __init__(self, dataset: Dataset, logs: BlockRecords, plan: Synthesis, class_folders: Sequence[str]) -> None:
        self.dataset, self.logs, self.plan, self.class_folders = dataset, logs, plan, class_folders
        self._counts: dict[str, int] = {}

    def targets(self) -> dict[Block, Target]:
        """Return all blocks of the dataset.

        Raises:
            InputError: The number of blocks cannot be reconstructed.
        """
        self._counts, numbers = self._extent()
        blocks = [(folder, block) for folder, number in numbers.items() for block in range(number)]
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

    def _extent(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return number of samples and number of blocks of each class folder. Block numbers begin at 0 and have no gaps."""
        if (info := self.dataset.sealed_info) and info['filters']:
            numbers = {folder: -(-outcome.get('candidates', 0) // self.plan.candidates) for folder, outcome in info['filters'].items()}
            return info['counts'], numbers
        numbers: dict[str, int] = {}
        known = self.dataset.blocks()
        if not self.dataset.records_whole:
            known += [(folder, block) for folder in self.logs.folders() for block in self.logs.blocks(folder)]
        for folder, block in known:
            numbers[folder] = max(numbers.get(folder, 0), block + 1)
        if self.dataset.records_whole:
            return {}, numbers
        if self.plan.may_fall_short and not self.logs.folders():
            raise InputError(
                f'{self.dataset.root} has lost blocks.jsonl, dataset.json and its logs: the number of candidates is unknown, so it cannot '
                'be repaired. Make the dataset again in another folder'
            )
        counts = {}
        for folder in self.class_folders:
            numbers[folder] = max(numbers.get(folder, 0), self.plan.blocks)
            if numbers[folder] == self.plan.blocks:
                counts[folder] = self.plan.num_per_class
        return counts, numbers

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
