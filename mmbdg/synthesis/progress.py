"""What of a dataset is made, and making what is not."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.layout import BlockRecords, sample_files, shard_name
from mmbdg.synthesis.plan import Synthesis
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


def units_of(plan: Synthesis, class_ids: Sequence[int]) -> list[Unit]:
    """All work of a plan. Where a bound drops samples, how many blocks a class takes shows while they are made."""
    if plan.has_bounds:
        return [Unit(class_id, range(plan.max_blocks)) for class_id in class_ids]
    return [Unit(class_id, range(block, block + 1)) for class_id in class_ids for block in range(plan.blocks)]


class Progress:
    """Of one dataset.

    Args:
        maker: Makes its blocks.
        out: Its folder.
        since: A time in nanoseconds. The files of blocks that were finished before are looked at: some may be lost.
    """

    def __init__(self, maker: BlockMaker, out: Path, since: int) -> None:
        self.maker, self.plan, self.out, self.since, self.records = maker, maker.plan, out, since, BlockRecords(out)

    def missing(self, unit: Unit) -> list[Wanted]:
        """Blocks of a unit that are needed and not there, as far as is known before they are made."""
        return [wanted for wanted in self._needed(unit) if not self._is_there(wanted)]

    def make(self, unit: Unit, writer: BlockWriter, throughput: Throughput) -> None:
        """What is missing of a unit."""
        for wanted in self._needed(unit):
            if self._is_there(wanted):
                continue
            recorded = self.records.read(self._folder(unit), wanted.block)
            samples = max(wanted.samples, len(recorded[1])) if recorded else wanted.samples  # mending a block forgets none of its samples
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
            recorded = self.records.read(self._folder(unit), block)
            have += len(recorded[1]) if recorded else self.plan.kept

    def _is_there(self, wanted: Wanted) -> bool:
        folder = self._folder(wanted)
        recorded = self.records.read(folder, wanted.block)
        if recorded is None:
            return False
        outcome, lines = recorded
        if len(lines) < min(wanted.samples, outcome['kept']):
            return False
        new = self.records.written_at(folder, wanted.block) > self.since
        return new or self._bytes(folder, wanted.block, lines) == outcome['bytes']

    def _bytes(self, folder: str, block: int, lines: Sequence[dict]) -> int:
        """Of a block's files that are there."""
        if self.plan.format == 'shards':
            names = [shard_name(folder, block)] if lines else []
        else:
            further = dict(uncertainty=self.plan.uncertainty_maps, tokens=self.plan.tokens)
            kinds = ['image', 'mask', *(kind for kind, written in further.items() if written)]
            names = [sample_files(folder, line['id'], self.plan.image_suffix)[kind] for line in lines for kind in kinds]
        return sum(path.stat().st_size for name in names if (path := self.out / name).is_file())

    def _folder(self, place: Unit | Wanted) -> str:
        return self.maker.generator.folders[place.class_id]
