"""The sub-command ``synthesis``: the cost of a labelled image compared with a bare one, and the speed of several processes."""

import argparse
import itertools
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.common import (
    Comparison,
    as_record,
    check_out,
    generator_line,
    machine_lines,
    parameter_count,
    quartiles_cell,
    report,
    table,
)
from benchmarks.memory import weight_bytes
from benchmarks.timing import MIN_PAIRS, check_pairs, interleaved
from mmbdg.arguments import ConfigOptions, positive_int
from mmbdg.compat.config import check_requirements, read_config
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device
from mmbdg.sources import LabelledGeneratorSource
from mmbdg.synthesis import Synthesis
from mmbdg.synthesis.block import BlockResult
from mmbdg.synthesis.filters import FilterBatch
from mmbdg.synthesis.loading import build_maker
from mmbdg.synthesis.writer import BlockWriter

BARE, LABELLED, NAIVE, FULL = 'bare generator', 'synthesis', 'synthesis in the naive order', 'synthesis without early rejection'
COMPARISONS = ('filters', 'order', 'early', 'processes')
JUDGED, FULLY_JUDGED = 'candidates with early rejection', 'candidates without early rejection'
MIB = 2**20


class Blocks:
    """Functions that make the next block of a plan and write it to a temporary folder.

    Args:
        plan: Plan of the synthesis.
        device: Device of all networks.
        folder: Temporary folder for the blocks.

    Raises:
        InputError: The source of the plan is not a labelled generator.
    """

    def __init__(self, plan: Synthesis, device: str, folder: Path) -> None:
        self.maker = build_maker(plan, device)
        if not isinstance(self.maker.source, LabelledGeneratorSource):
            raise InputError('this benchmark compares with the bare generator: synthesis.source must be a labelled generator')
        self.generator = self.maker.source.generator
        self.writer = BlockWriter(folder, self.maker)
        self.numbers = itertools.count()

    def filtered(self) -> None:
        """Make a block in the usual order: candidates, rejection, labels of the survivors, uncertainty, files."""
        class_id, block = self.next()
        self.writer.write(class_id, block, self.maker.make(class_id, block), self.maker.plan.kept)

    def naive(self) -> None:
        """Make a block of the same size in the naive order: every candidate is labelled before the filters."""
        plan, (class_id, block) = self.maker.plan, self.next()
        indices, samples = range(block * plan.candidates, (block + 1) * plan.candidates), []
        for begin in range(0, len(indices), plan.batch_size):
            part = indices[begin : begin + plan.batch_size]
            samples += self.maker.label(class_id, part, self.maker.drawn(class_id, part))
            images = torch.from_numpy(np.stack([sample.image for sample in samples[begin:]])).permute(0, 3, 1, 2)
            batch = FilterBatch(class_id, part, images.to(self.generator.device), None, None, self.maker.catalogue.ignore)
            for entry in self.maker.image_filters:
                entry.scores(batch)
        self.writer.write(class_id, block, BlockResult(samples[: plan.kept], {}, len(samples)), plan.kept)

    def judged(self) -> None:
        """Judge the candidates of a block: all that comes before the labels."""
        class_id, block = self.next()
        self.maker.judge(class_id, self.maker.candidates(class_id, block))

    def bare(self) -> None:
        """Generate as many images as a block keeps, without labels and files."""
        plan, (class_id, block) = self.maker.plan, self.next()
        for begin in range(0, plan.kept, plan.batch_size):
            part = range(block * plan.kept + begin, block * plan.kept + min(begin + plan.batch_size, plan.kept))
            self.generator.images([class_id] * len(part), part)

    def next(self) -> tuple[int, int]:
        """Class and number of the next block."""
        number = next(self.numbers)
        return number % self.generator.num_classes, number // self.generator.num_classes


_worker: Blocks | None = None


def start_worker(plan: Synthesis, device: str, folder: Path) -> None:
    """Load the networks in a worker process and make a first block."""
    global _worker
    torch.set_num_threads(plan.threads)
    _worker = Blocks(plan, device, folder / str(os.getpid()))
    _worker.filtered()


def make_blocks(number: int) -> None:
    """Make blocks in a worker process."""
    for _ in range(number):
        _worker.filtered()


def sharing(pools: Sequence[ProcessPoolExecutor], blocks: int) -> Callable[[], None]:
    """A function that makes ``blocks`` blocks, distributed equally over the processes."""

    def call() -> None:
        running = [pool.submit(make_blocks, blocks // len(pools)) for pool in pools]
        wait(running)
        for future in running:
            future.result()

    return call


def synthesis_command(args: argparse.Namespace) -> None:
    """Measure a synthesis, print a table and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    device = usable_device(args.device)
    cfg = read_config(args.config, args.cfg_options)
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...); give a config such as configs/synthesis/biggan32_fashion.py')
    check_requirements(cfg)
    plan = Synthesis.from_config(cfg.synthesis)
    check_compare(args.compare, plan, args.processes)
    torch.set_num_threads(plan.threads)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        blocks = Blocks(plan, args.device, Path(folder))
        generator = blocks.generator._generator.on(device)
        result = dict(
            command='synthesis',
            config=args.config,
            generator=dict(
                type=type(generator).__name__,
                resolution=generator.resolution,
                parameters=parameter_count(generator),
                weights_mib=round(weight_bytes(generator) / MIB, 2),
                weights='as configured',
            ),
            block=dict(candidates=plan.candidates, survivors=plan.survivors, kept=plan.kept, batch_size=plan.batch_size),
            environment=describe_machine(device) | dict(load_before=load_average()),
            pairs=args.pairs,
        )
        comparisons = [Comparison('filters', LABELLED, BARE, (blocks.filtered, blocks.bare))]
        if blocks.maker.image_filters:
            comparisons.append(Comparison('order', NAIVE, LABELLED, (blocks.naive, blocks.filtered)))
        if blocks.maker.early and 'early' in args.compare:
            without = Blocks(without_early(plan), args.device, Path(folder))
            comparisons.append(Comparison('early', LABELLED, FULL, (blocks.filtered, without.filtered)))
            comparisons.append(Comparison('early-candidates', JUDGED, FULLY_JUDGED, (blocks.judged, without.judged)))
        comparisons = [comparison for comparison in comparisons if comparison.compare.removesuffix('-candidates') in args.compare]
        in_processes = args.processes > 1 and 'processes' in args.compare
        rounds = len(comparisons) + in_processes
        with tqdm(total=rounds * args.pairs, unit='pair', dynamic_ncols=True) as bar:
            for comparison in comparisons:
                bar.set_description_str(f'{comparison.first} to {comparison.second}')
                pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
                records.append(as_record(comparison, pairs, 'ratio'))
            if in_processes:
                records.append(measure_processes(plan, args, Path(folder), bar))
    seconds = {name: taken for record in reversed(records) for name, taken in record['seconds'].items() if name in (LABELLED, BARE, FULL)}
    result['images_per_second'] = {name: plan.kept / median(taken) for name, taken in seconds.items()}
    result['environment']['load_after'] = load_average()
    result['comparisons'] = records
    report(result, as_text(result), args.out)


def check_compare(names: Sequence[str], plan: Synthesis, processes: int) -> None:
    """Check that the named comparisons are possible. All of them stand for those that are possible.

    Raises:
        InputError: A comparison needs a filter that the plan has not, or more processes.
    """
    if set(names) == set(COMPARISONS):
        return
    stages = {entry.stage for entry in plan.built_filters}
    if 'early' in names and 'coarse' not in stages:
        raise InputError('--compare early: this synthesis has no early rejection; set early=True in its RejectionSampling')
    if 'order' in names and 'image' not in stages:
        raise InputError('--compare order: this synthesis has no filter of images; add RejectionSampling to synthesis.filters')
    if 'processes' in names and processes == 1:
        raise InputError('--compare processes compares several processes with one: set --processes to 2 or more')


def without_early(plan: Synthesis) -> Synthesis:
    """The plan with the same number of kept samples and without early rejection.

    Raises:
        InputError: Early rejection is a filter of its own, so the rate of the filter after it is relative to it.
    """
    if any(entry['type'] == 'mmbdg.EarlyRejection' for entry in plan.filters):
        raise InputError('this benchmark compares with full rejection: give RejectionSampling the key early instead of EarlyRejection')
    return plan.changed(filters=[{key: value for key, value in entry.items() if key != 'early'} for entry in plan.filters])


def measure_processes(plan: Synthesis, args: argparse.Namespace, folder: Path, bar: tqdm) -> dict:
    """Measure how many times as fast several processes make the same number of blocks as one. All processes stay loaded."""
    names = 'one process', f'{args.processes} processes'
    bar.set_description_str(f'{names[0]} to {names[1]}')
    given = dict(mp_context=get_context('spawn'), initializer=start_worker, initargs=(plan, args.device, folder))
    pools = [ProcessPoolExecutor(1, **given) for _ in range(args.processes)]
    try:
        calls = sharing(pools[:1], args.processes), sharing(pools, args.processes)
        pairs = interleaved(*calls, args.pairs, after_pair=partial(bar.update, 1))
    finally:
        for pool in pools:
            pool.shutdown()
    return as_record(Comparison('processes', *names, calls), pairs, 'ratio')


def as_text(result: dict) -> str:
    """The table, aligned and valid Markdown."""
    rates = result['images_per_second']
    rows = [[record['first'], record['second'], f'{record["ratio"]:.3f}', quartiles_cell(record)] for record in result['comparisons']]
    return '\n'.join(
        [
            generator_line(result['generator']),
            'a block: {candidates} candidates, {survivors} survivors, {kept} kept; batches of {batch_size}'.format(**result['block']),
            *machine_lines(result['environment']),
            '',
            *table(['seconds of', 'times those of', 'ratio', 'quartiles'], rows),
            '',
            *([f'{rates[LABELLED]:.2f} kept labelled images per second.'] if LABELLED in rates else []),
            *([f'{rates[BARE]:.1f} images per second of the bare generator.'] if BARE in rates else []),
            f'Medians over {result["pairs"]} interleaved pairs, for the same number of images or blocks.',
        ]
    )


def add_synthesis(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``synthesis``."""
    command = commands.add_parser('synthesis', help='cost of a labelled image compared with a bare one; speed of several processes')
    command.add_argument('config', help='config with synthesis=dict(...)')
    command.add_argument(
        '--processes', type=positive_int, default=2, help='number of processes to compare with one; 1: no comparison; default: 2'
    )
    command.add_argument(
        '--compare', nargs='+', choices=COMPARISONS, default=COMPARISONS, help='comparisons to make; default: all that the filters allow'
    )
    command.add_argument('--device', default='cpu', help='device of all networks, e.g. cuda; default: cpu')
    command.add_argument(
        '--pairs',
        type=positive_int,
        default=MIN_PAIRS,
        help=f'interleaved pairs for each ratio, at least {MIN_PAIRS}; default: {MIN_PAIRS}',
    )
    command.add_argument('--out', type=Path, help='.json file for the results, with the seconds of every pass')
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    command.set_defaults(run=synthesis_command)
