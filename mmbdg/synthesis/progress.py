"""What of a dataset is made, and making what is not."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbdg.storage.block_files import BlockFiles
from mmbdg.storage.records import BlockRecords, Recorded
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.throughput import Throughput
from mmbdg.synthesis.writer import BlockWriter


class Unit(NamedTuple):
    """Blocks of a class that one process makes, one after the other."""

    class_id: int
    blocks: range


class Wanted(NamedTuple):
    """A block that is needed."""

    class_id: int
    block: int
    samples: int
    """Of which so many are."""


class Missing(NamedTuple):
    """What is needed and not there, as far as is known before it is made."""

    first: Wanted | None
    blocks: int
    samples: int


class Units(Sequence):
    """All work of a plan, each unit made when it is looked at: there may be millions.

    Where a block can give fewer samples than expected, a unit is a whole class: how many blocks it takes shows while they are made. Else it
    is a block.

    Args:
        maker: Makes the blocks.
        class_ids: Classes that are asked for.
        places: A part of the units; default: all.
    """

    def __init__(self, maker: BlockMaker, class_ids: Sequence[int], places: range | None = None) -> None:
        self.maker, self.class_ids = maker, class_ids
        self.whole_classes = maker.may_fall_short
        self.of_class = 1 if self.whole_classes else maker.plan.blocks
        self.places = range(len(class_ids) * self.of_class) if places is None else places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int | slice) -> 'Unit | Units':
        if isinstance(index, slice):
            return Units(self.maker, self.class_ids, self.places[index])
        class_place, block = divmod(self.places[index], self.of_class)
        class_id = self.class_ids[class_place]
        return Unit(class_id, range(self.maker.max_blocks(class_id)) if self.whole_classes else range(block, block + 1))


class Progress:
    """Of one dataset.

    Args:
        maker: Makes its blocks.
        out: Its folder.
        run: Name of this run. The files of blocks that other runs finished are looked at: some may be lost. '' looks at all.
    """

    def __init__(self, maker: BlockMaker, out: Path, run: str = '') -> None:
        self.maker, self.plan, self.out, self.records = maker, maker.plan, out, BlockRecords(out, run)
        self.files = BlockFiles(out, maker.layout)
        self._damaged: set[tuple[int, int]] = set()

    def missing(self, unit: Unit) -> list[Wanted]:
        """Blocks of a unit that are needed and not there, as far as is known before they are made."""
        return [wanted for wanted in self._needed(unit) if not self._is_there(wanted)]

    def all_missing(self, class_ids: Sequence[int]) -> Missing:
        """Of whole classes. Takes as long as there are records, however many blocks are wanted."""
        first, blocks, samples = None, 0, 0
        for class_id in class_ids:
            recorded = self.records.blocks(self._folder(class_id))
            if not recorded:
                expected = min(self.plan.blocks, self.maker.max_blocks(class_id))
                lacking = list(self._needed(Unit(class_id, range(min(expected, 1)))))
                blocks, samples = blocks + expected, samples + min(self.plan.num_per_class, expected * self.plan.kept)
            elif self.maker.may_fall_short:
                lacking = self.missing(Unit(class_id, range(self.maker.max_blocks(class_id))))
                blocks, samples = blocks + len(lacking), samples + sum(wanted.samples for wanted in lacking)
            else:
                needed = [wanted for block in recorded for wanted in self._needed(Unit(class_id, range(block, block + 1)))]
                there = [wanted for wanted in needed if self._is_there(wanted)]
                lacking = self._first_without(class_id, {wanted.block for wanted in there})
                blocks += self.plan.blocks - len(there)
                samples += self.plan.num_per_class - sum(wanted.samples for wanted in there)
            first = first or next(iter(lacking), None)
        return Missing(first, blocks, samples)

    def check(self, unit: Unit) -> None:
        """Read all files of a unit's blocks that other runs finished; those that are damaged count as missing from here on."""
        for wanted in self._needed(unit):
            recorded = self.records.read(self._folder(wanted.class_id), wanted.block)
            if recorded is None or self._is_new(recorded):
                continue
            if self.files.are_whole(recorded.record, recorded.lines):
                self.records.write(recorded.record, recorded.lines, sync=False)  # under this run's name: no other process reads them again
            else:
                self._damaged.add((wanted.class_id, wanted.block))

    def make(self, unit: Unit, writer: BlockWriter, throughput: Throughput) -> None:
        """What is missing of a unit."""
        for wanted in self._needed(unit):
            if self._is_there(wanted):
                continue
            recorded = self.records.read(self._folder(unit.class_id), wanted.block)
            samples = (
                max(wanted.samples, len(recorded.lines)) if recorded else wanted.samples
            )  # mending a block forgets none of its samples
            result = self.maker.make(unit.class_id, wanted.block)
            writer.write(unit.class_id, wanted.block, result, samples)
            throughput.add(result.outcome, min(samples, len(result.samples)))
            if len(unit.blocks) > 1:
                writer.wait()  # what it gave decides what more is needed

    def _needed(self, unit: Unit) -> Iterator[Wanted]:
        """The blocks, until there are enough samples; a block that is not there yet is taken to give all it can."""
        have = unit.blocks.start * self.plan.kept
        for block in unit.blocks:
            samples = min(self.plan.kept, self.plan.num_per_class - have)
            if samples <= 0:
                return
            yield Wanted(unit.class_id, block, samples)
            if len(unit.blocks) > 1:
                recorded = self.records.read(self._folder(unit.class_id), block)
                have += len(recorded.lines) if recorded else self.plan.kept

    def _is_there(self, wanted: Wanted) -> bool:
        recorded = self.records.read(self._folder(wanted.class_id), wanted.block)
        if recorded is None or len(recorded.lines) < min(wanted.samples, recorded.record['kept']):
            return False
        if self._is_new(recorded):
            return True
        damaged = (wanted.class_id, wanted.block) in self._damaged
        return not damaged and self.files.look_whole(recorded.record, recorded.lines, recorded.written_at)

    def _is_new(self, recorded: Recorded) -> bool:
        return bool(self.records.run) and recorded.run == self.records.run

    def _first_without(self, class_id: int, there: set[int]) -> list[Wanted]:
        block = next((block for block in range(self.plan.blocks) if block not in there), None)
        return [] if block is None else list(self._needed(Unit(class_id, range(block, block + 1))))

    def _folder(self, class_id: int) -> str:
        return self.maker.catalogue.folders[class_id]
