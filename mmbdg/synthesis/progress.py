"""Which blocks of a dataset are made, and making one that is not."""

from collections.abc import Sequence
from pathlib import Path

from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.layout import BlockRecords, sample_files, shard_name
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.throughput import Throughput
from mmbdg.synthesis.writer import BlockWriter

Block = tuple[int, int]
"""Class and number of a block in its class."""


def missing_blocks(maker: BlockMaker, blocks: Sequence[Block], out: Path, look: bool = True) -> list[Block]:
    """Those that are not finished or, with ``look``, whose files are not whole."""
    plan, folders = maker.plan, maker.generator.folders
    return [(c, block) for c, block in blocks if not is_finished(plan, folders[c], block, out, first_wanted(plan, block), look)]


def first_wanted(plan: Synthesis, block: int) -> int:
    """Samples of a block that are needed even if all blocks before it give all they can."""
    return min(plan.kept, plan.num_per_class - block * plan.kept)


def is_finished(plan: Synthesis, folder: str, block: int, out: Path, wanted: int, look: bool = True) -> bool:
    """Whether a block has given ``wanted`` samples, or all it can; with ``look`` its files must be there and of their size."""
    recorded = BlockRecords(out).read(folder, block)
    if recorded is None:
        return False
    outcome, lines = recorded
    enough = len(lines) >= min(wanted, outcome['kept'])
    return enough and not (look and _bytes(plan, folder, block, out, lines) != outcome['bytes'])


def _bytes(plan: Synthesis, folder: str, block: int, out: Path, lines: Sequence[dict]) -> int:
    """Of a block's files that are there."""
    if plan.format == 'shards':
        names = [shard_name(folder, block)] if lines else []
    else:
        kinds = ['image', 'mask', *(['uncertainty'] if plan.uncertainty_maps else []), *(['tokens'] if plan.tokens else [])]
        names = [sample_files(folder, line['id'], plan.image_suffix)[kind] for line in lines for kind in kinds]
    return sum(path.stat().st_size for name in names if (path := out / name).is_file())


def make_block(maker: BlockMaker, writer: BlockWriter, throughput: Throughput, class_id: int, block: int, wanted: int) -> None:
    """Make a block and write its first samples, at least as many as were there before."""
    recorded = writer.records.read(maker.generator.folders[class_id], block)
    if recorded:
        wanted = max(wanted, len(recorded[1]))  # a lost file is made again, none of the others is forgotten
    result = maker.make(class_id, block)
    writer.write(class_id, block, result, wanted)
    throughput.add(result.outcome, min(wanted, len(result.samples)))
