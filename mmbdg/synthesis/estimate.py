"""What a synthesis will take, from a short probe."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.synthesis.block import BlockMaker, Sample
from mmbdg.synthesis.writer import BlockWriter

PROBED = 4


@dataclass(frozen=True)
class Estimate:
    """Of the blocks that are missing."""

    blocks: int
    candidates: int
    samples: int
    seconds: float
    """Of all processes together."""
    bytes: float
    free: int
    processes: int

    def text(self) -> str:
        """For people."""
        if not self.blocks:
            return 'nothing is missing'
        hours = self.seconds / 3600 / self.processes
        time_needed = f'{hours:.1f} hours' if hours >= 1 else f'{60 * hours:.1f} minutes'
        return (
            f'{self.samples:,} samples of {self.candidates:,} candidates in {self.blocks:,} blocks: about {time_needed} with '
            f'{self.processes} processes like this one, {self.bytes / 1e9:.2f} GB ({self.free / 1e9:.1f} GB are free)'
        )


def estimate(maker: BlockMaker, missing: Sequence[tuple[int, int]], out: Path, processes: int) -> Estimate:
    """From one batch through each stage. Nothing is written.

    Args:
        maker: Makes the blocks.
        missing: The blocks, class and number.
        out: Where they will lie.
        processes: How many will work at once.
    """
    plan, free = maker.plan, free_bytes(out)
    if not missing:
        return Estimate(0, 0, 0, 0.0, 0.0, free, processes)
    class_id, size = missing[0][0], min(plan.batch_size, plan.candidates)
    judged, tokens = 0.0, {}
    if maker.classifier:
        maker.judge(class_id, range(1))  # libraries load on first use
        start = time.perf_counter()
        _, tokens = maker.judge(class_id, range(size))
        judged = (time.perf_counter() - start) / size
    labelled = min(size, plan.survivors)
    maker.label(class_id, range(1), tokens)
    start = time.perf_counter()
    samples = maker.label(class_id, range(labelled), tokens)
    labelling = (time.perf_counter() - start) / labelled
    start = time.perf_counter()
    sample_bytes = _mean_bytes(maker, samples)
    writing = (time.perf_counter() - start) / len(samples)
    number = _number(maker, missing)
    seconds = len(missing) * (plan.candidates * judged + plan.survivors * labelling) + number * writing
    return Estimate(len(missing), len(missing) * plan.candidates, number, seconds, number * sample_bytes, free, processes)


def check_disk(maker: BlockMaker, missing: Sequence[tuple[int, int]], out: Path) -> None:
    """See, from a few samples, that what is missing fits on the disk.

    Raises:
        InputError: It does not.
    """
    plan, class_id = maker.plan, missing[0][0]
    indices = range(min(PROBED, plan.survivors, plan.batch_size))
    latents = maker.generator.latents([class_id] * len(indices), indices).cpu()
    samples = maker.label(class_id, indices, dict(zip(indices, latents, strict=True)))
    needed, free = _number(maker, missing) * _mean_bytes(maker, samples), free_bytes(out)
    maker.stages.seconds.clear(), maker.stages.images.clear()  # the probe is no part of the work
    if needed > free:
        raise InputError(
            f'{out} needs about {needed / 1e9:.2f} GB more for {_number(maker, missing):,} samples, its disk has {free / 1e9:.2f} GB free: '
            'free some, choose another disk, or ask for image="jpeg", a smaller resolution or fewer samples'
        )


def free_bytes(out: Path) -> int:
    """Of the disk on which a folder lies or will lie."""
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _number(maker: BlockMaker, missing: Sequence[tuple[int, int]]) -> int:
    plan = maker.plan
    return sum(min(plan.kept, plan.num_per_class - block * plan.kept) for _, block in missing)


def _mean_bytes(maker: BlockMaker, samples: Sequence[Sample]) -> float:
    writer = BlockWriter(Path(), maker.plan, maker.generator, maker.stages)
    return sum(len(content) for sample in samples for content in writer.encode(sample).values()) / len(samples)
