"""The progress of a dataset: finds the missing blocks and makes them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from mmbdg.storage.block_files import BlockFiles
from mmbdg.storage.records import BlockRecords, Recorded
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.throughput import Throughput
from mmbdg.synthesis.writer import BlockWriter


class Unit(NamedTuple):
    """Unit of work: blocks of a class that one process makes one after the other."""

    class_id: int
    blocks: range


class Wanted(NamedTuple):
    """A needed block."""

    class_id: int
    block: int
    samples: int
    """Number of needed samples of the block."""


class Missing(NamedTuple):
    """Numbers of missing blocks and samples, as far as they are known in advance."""

    first: Wanted | None
    blocks: int
    samples: int
    drawn: int
    """Number of candidates that are drawn for them."""


class Units(Sequence):
    """All units of work of a plan. They are created on access, because there may be millions.

    A unit is one block. If a block can have fewer samples than expected, a unit is a whole class instead, because the number
    of blocks is only known after they are made.

    Args:
        maker: Maker of the blocks.
        class_ids: Indices of the requested classes.
        places: Range of the units, to use a part of them. Default: None, for all units.
    """

    def __init__(self, maker: BlockMaker, class_ids: Sequence[int], places: range | None = None) -> None:
        self.maker, self.class_ids = maker, class_ids
        self.whole_classes = maker.may_fall_short
        lengths = (1 if self.whole_classes else len(maker.extent.needed(class_id)) for class_id in class_ids)
        self.starts = [0, *accumulate(lengths)]
        self.places = range(self.starts[-1]) if places is None else places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int | slice) -> 'Unit | Units':
        if isinstance(index, slice):
            return Units(self.maker, self.class_ids, self.places[index])
        place = self.places[index]
        class_place = bisect_right(self.starts, place) - 1
        class_id = self.class_ids[class_place]
        if self.whole_classes:
            return Unit(class_id, self.maker.possible_blocks(class_id))
        block = self.maker.extent.needed(class_id)[place - self.starts[class_place]]
        return Unit(class_id, range(block, block + 1))


class Progress:
    """The progress of one dataset.

    Args:
        maker: Maker of the blocks.
        out: Folder of the dataset.
        run: Name of this run. The files of blocks that other runs finished are checked, because some may be lost. Default:
            '', to check all blocks.
    """

    def __init__(self, maker: BlockMaker, out: Path, run: str = '') -> None:
        self.maker, self.plan, self.out, self.records = maker, maker.plan, out, BlockRecords(out, run)
        self.files = BlockFiles(out, maker.layout)
        self._damaged: set[tuple[int, int]] = set()

    def missing(self, unit: Unit) -> list[Wanted]:
        """Return the needed blocks of a unit that do not exist, as far as they are known in advance."""
        return [wanted for wanted in self._needed(unit) if not self._is_there(wanted)]

    def all_missing(self, class_ids: Sequence[int]) -> Missing:
        """Return the missing part of whole classes. The time depends on the number of records, not on the number of blocks."""
        first, blocks, samples, drawn, draws = None, 0, 0, 0, self.maker.to_draw
        for class_id in class_ids:
            wanted_samples, needed = self.maker.extent.samples(class_id), self.maker.extent.needed(class_id)
            possible = self.maker.possible_blocks(class_id)
            rest = wanted_samples - (len(needed) - 1) * self.plan.kept
            whole = (len(needed) - 1) * self.plan.candidates + draws(rest)
            recorded = self.records.blocks(self._folder(class_id))
            if not recorded:
                expected = min(len(needed), len(possible))
                lacking = list(self._needed(Unit(class_id, needed[: min(expected, 1)])))
                most = whole if expected == len(needed) else expected * self.plan.candidates
                available = self.maker.source.available(class_id)
                most = most if available is None else min(most, max(0, available - needed.start * self.plan.candidates))
                blocks, drawn = blocks + expected, drawn + most
                samples += min(wanted_samples, expected * self.plan.kept, most)
            elif self.maker.may_fall_short:
                lacking = self.missing(Unit(class_id, possible))
                blocks, samples = blocks + len(lacking), samples + sum(wanted.samples for wanted in lacking)
                drawn += sum(draws(wanted.samples) for wanted in lacking)
            else:
                begun = [wanted for block in recorded for wanted in self._needed(Unit(class_id, range(block, block + 1)))]
                there = [wanted for wanted in begun if self._is_there(wanted)]
                lacking = self._first_without(class_id, {wanted.block for wanted in there})
                blocks += len(needed) - len(there)
                samples += wanted_samples - sum(wanted.samples for wanted in there)
                drawn += whole - sum(draws(wanted.samples) for wanted in there)
            first = first or next(iter(lacking), None)
        return Missing(first, blocks, samples, drawn)

    def check(self, unit: Unit) -> None:
        """Read all files of a unit's blocks that other runs finished. Damaged blocks count as missing from now on."""
        for wanted in self._needed(unit):
            recorded = self.records.read(self._folder(wanted.class_id), wanted.block)
            if recorded is None or self._is_new(recorded):
                continue
            if self.files.are_whole(recorded.record, recorded.lines):
                # Written again with the name of this run, so that no other process checks the files again.
                self.records.write(recorded.record, recorded.lines, sync=False)
            else:
                self._damaged.add((wanted.class_id, wanted.block))

    def make(self, unit: Unit, writer: BlockWriter, throughput: Throughput) -> None:
        """Make the missing blocks of a unit."""
        for wanted in self._needed(unit):
            if self._is_there(wanted):
                continue
            recorded = self.records.read(self._folder(unit.class_id), wanted.block)
            # a repaired block keeps all its samples
            samples = max(wanted.samples, len(recorded.lines)) if recorded else wanted.samples
            result = self.maker.make(unit.class_id, wanted.block, samples)
            writer.write(unit.class_id, wanted.block, result, samples)
            made = dict(candidates=result.drawn, kept=len(result.samples))
            throughput.add(result.outcome | made, min(samples, len(result.samples)))
            if len(unit.blocks) > 1:
                writer.wait()  # the record decides how many more blocks are needed

    def _needed(self, unit: Unit) -> Iterator[Wanted]:
        """Yield the blocks of a unit until there are enough samples. A missing block counts with its largest number of samples."""
        extent = self.maker.extent
        have = (unit.blocks.start - extent.first_block(unit.class_id)) * self.plan.kept
        for block in unit.blocks:
            samples = min(self.plan.kept, extent.samples(unit.class_id) - have)
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
        block = next((block for block in self.maker.extent.needed(class_id) if block not in there), None)
        return [] if block is None else list(self._needed(Unit(class_id, range(block, block + 1))))

    def _folder(self, class_id: int) -> str:
        return self.maker.catalogue.folders[class_id]
