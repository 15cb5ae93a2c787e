"""What a damaged dataset should consist of, from whatever of it is whole: which blocks, how many samples of each, and what they were."""

from collections.abc import Sequence
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.storage.checksums import lines_checksum
from mmbdg.storage.findings import Block
from mmbdg.storage.records import BlockRecords, Record
from mmbdg.storage.verify import MANIFEST, Dataset
from mmbdg.synthesis.plan import Synthesis


class Target(NamedTuple):
    """A block that belongs to the dataset."""

    samples: int | None = None
    """That were written; None if nothing says it: as many as there can be, of what is left of its class."""
    record: Record | None = None
    """As it was written, if that is known."""
    lines: list[dict] | None = None
    """Of the manifest, likewise."""
    lines_checksum: str | None = None
    """Of the lines, where at least that is known."""


class Evidence:
    """Of one dataset.

    Args:
        dataset: As far as it can be read.
        logs: Records of its synthesis, perhaps of none.
        plan: What was asked for.
        class_folders: Of the plan's classes.
    """

    def __init__(self, dataset: Dataset, logs: BlockRecords, plan: Synthesis, class_folders: Sequence[str]) -> None:
        self.dataset, self.logs, self.plan, self.class_folders = dataset, logs, plan, class_folders
        self._counts: dict[str, int] = {}

    def targets(self) -> dict[Block, Target]:
        """Every block of the dataset.

        Raises:
            InputError: Nothing is left that says which ones there were.
        """
        self._counts, numbers = self._extent()
        blocks = [(folder, block) for folder, number in numbers.items() for block in range(number)]
        return {block: self._known(block) or Target() for block in blocks}

    def left(self, targets: dict[Block, Target]) -> dict[str, int]:
        """How many samples of each class, of those whose number is known, are in blocks of which nothing is."""
        left = dict(self._counts)
        for (folder, _), target in targets.items():
            if folder in left:
                left[folder] -= target.samples or 0
        return left

    def proofs(self, targets: dict[Block, Target]) -> list[tuple[Block, int, str]]:
        """Blocks by which a plan can show that it made the dataset: how many samples, and the checksum that their lines must have; the best
        ones first. Those of a manifest without its checksum may be damaged themselves."""
        known = [(block, target.samples, target.lines_checksum) for block, target in targets.items() if target.lines_checksum]
        if not known:
            found = {block: self.dataset.lines_of(block) for block in self.dataset.blocks()}
            known = [(block, len(lines), lines_checksum(lines)) for block, lines in found.items()]
        return sorted((proof for proof in known if proof[1]), key=lambda proof: proof[1])

    def _extent(self) -> tuple[dict[str, int], dict[str, int]]:
        """Samples and number of blocks of each class folder; the blocks of a class are numbered from 0 without a gap."""
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
                f'{self.dataset.root} has lost blocks.jsonl, dataset.json and its logs: how many candidates were tried is no longer known, '
                'so it cannot be what it was. Make it anew in another folder'
            )
        counts = {}
        for folder in self.class_folders:
            numbers[folder] = max(numbers.get(folder, 0), self.plan.blocks)
            if numbers[folder] == self.plan.blocks:
                counts[folder] = self.plan.num_per_class
        return counts, numbers

    def _known(self, block: Block) -> Target | None:
        """From the dataset's own record, else from that of the synthesis, else from a whole manifest."""
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
