"""Estimate of the time and disk space of a synthesis from a short probe."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.files import link_atomically
from mmbdg.synthesis.block import BlockMaker, Sample
from mmbdg.synthesis.progress import Missing
from mmbdg.synthesis.writer import BlockWriter

PROBED = 4
PAGE, TAR_BLOCK = 4096, 512
"""Allocation units in bytes of most file systems and of tar files."""


@dataclass(frozen=True)
class Estimate:
    """Estimate for the missing blocks."""

    blocks: int
    candidates: int
    samples: int
    seconds: float
    """Computing time summed over all processes."""
    bytes: float
    free: int
    """Free space of the disk in bytes."""
    processes: int
    more: bool = False
    """Whether bounds of filters may make further blocks necessary."""

    def text(self) -> str:
        """Return the estimate as one line."""
        if not self.blocks:
            return 'nothing is missing'
        hours = self.seconds / 3600 / self.processes
        time_needed = f'{hours:,.1f} hours' if hours >= 1 else f'{60 * hours:.1f} minutes'
        return (
            f'{self.samples:,} samples of {self.candidates:,} candidates in {self.blocks:,} blocks: about {time_needed} with '
            f'{self.processes} processes like this one, {size_text(self.bytes)} ({size_text(self.free)} are free)'
            + ('; more if bounds drop samples' if self.more else '')
        )


def estimate(maker: BlockMaker, missing: Missing, out: Path, processes: int) -> Estimate:
    """Estimate time and disk space by one batch through each stage. Nothing is written.

    Args:
        maker: Maker of the blocks.
        missing: Missing blocks.
        out: Folder of the dataset.
        processes: Number of processes of the job.
    """
    plan, free = maker.plan, free_bytes(out)
    if not missing.first:
        return Estimate(0, 0, 0, 0.0, 0.0, free, processes)
    class_id = missing.first.class_id
    probe = maker.candidates(class_id, 0)[: plan.batch_size]
    size, judging = len(probe), 0.0
    if maker.early or maker.image_filters or not maker.catalogue.has_masks:
        maker.judge(class_id, probe[:1])  # warm-up: libraries are loaded on first use
        start = time.perf_counter()
        judged = maker.judge(class_id, probe, every=True)
        judging = (time.perf_counter() - start) / size
    else:
        judged = maker.judge(class_id, probe)
    labelled = min(len(judged.indices), plan.survivors)
    maker.label(class_id, judged.indices[:1], judged)
    start = time.perf_counter()
    samples = maker.label(class_id, judged.indices[:labelled], judged)
    labelling = (time.perf_counter() - start) / labelled
    start = time.perf_counter()
    sample_bytes = _mean_bytes(maker, samples)
    writing = (time.perf_counter() - start) / len(samples)
    number, blocks = missing.samples, missing.blocks
    left = blocks * plan.survivors if maker.filters else missing.drawn
    seconds = missing.drawn * judging + left * labelling + number * writing
    return Estimate(blocks, missing.drawn, number, seconds, number * sample_bytes, free, processes, maker.may_fall_short)


def check_disk(maker: BlockMaker, missing: Missing, out: Path) -> None:
    """Check by a few samples that the missing blocks fit on the disk.

    Raises:
        InputError: The disk has not enough free space.
    """
    if not missing.first:
        return
    plan, class_id = maker.plan, missing.first.class_id
    indices = maker.candidates(class_id, 0)[: min(PROBED, plan.survivors, plan.batch_size)]
    samples = maker.label(class_id, indices, maker.drawn(class_id, indices))
    number, free = missing.samples, free_bytes(out)
    needed = number * _mean_bytes(maker, samples)
    check_links(BlockWriter(out, maker), samples, out / 'logs')
    maker.stages.seconds.clear(), maker.stages.images.clear()  # the probe must not count
    if needed > free:
        raise InputError(
            f'{out} needs about {size_text(needed)} more for {number:,} samples, its disk has {size_text(free)} free: '
            'free some space, choose another disk, or use image="jpeg", a smaller resolution or fewer samples'
        )


def check_links(writer: BlockWriter, samples: Sequence[Sample], folder: Path) -> None:
    """Check by one sample that images can be linked into the folder of the dataset.

    Raises:
        InputError: The file system makes no such link.
    """
    if linked := [sample.original.path for sample in samples if writer.links and writer.is_unchanged(sample)]:
        link_atomically(linked[0], folder / 'tried')
        (folder / 'tried').unlink()


def size_text(number: float) -> str:
    """Return a size in bytes as text with three digits and a unit: ``38.2 kB``."""
    for unit in ('bytes', 'kB', 'MB', 'GB'):
        if number < 999.5:
            return f'{number:.3g} {unit}'
        number /= 1000
    return f'{number:,.3g} TB' if number < 999.5 else f'{number:,.0f} TB'


def free_bytes(out: Path) -> int:
    """Return the free bytes of the disk of a folder, which may not exist yet."""
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _mean_bytes(maker: BlockMaker, samples: Sequence[Sample]) -> float:
    """Return the mean size of a sample on the disk, including the overhead of file systems and tar files."""
    writer = BlockWriter(Path(), maker)
    sizes = [
        len(content)
        for sample in samples
        for kind, content in writer.encode(sample).items()
        if not (kind == 'image' and writer.links and writer.is_unchanged(sample))
    ]
    if maker.plan.format == 'shards':
        return sum(TAR_BLOCK + _rounded(size, TAR_BLOCK) for size in sizes) / len(samples) + 2 * TAR_BLOCK  # + the manifest line
    return sum(_rounded(size, PAGE) for size in sizes) / len(samples)


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
