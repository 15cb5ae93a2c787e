"""Functions shared by the sub-commands: generators and passes, memory in a new process, checks of options, and printing."""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from benchmarks.timing import MIN_PAIRS, Pairs, check_pairs
from mmbdg.arguments import ConfigOptions, positive_int
from mmbdg.compat.config import check_keys, check_requirements, generator_config
from mmbdg.errors import InputError
from mmbdg.files import check_place, write_json
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.generators.frozen import PRECISIONS, Frozen
from mmbdg.sources.latents import generator_inputs

MIB = 2**20

Call = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Two callables to compare.

    Attributes:
        compare: Name of the comparison, a value of ``--compare`` in most sub-commands.
        first, second: Names of the two callables.
        calls: The two callables, each for one timed pass.
    """

    compare: str
    first: str
    second: str
    calls: tuple[Call, Call]


def measured_config(cfg: Config, random_weights: bool) -> dict:
    """The generator's part of a config, without ``init_cfg`` for random weights.

    Raises:
        InputError: The config has no generator, or its weights are missing.
    """
    check_keys(cfg, 'generator', 'model')
    config = generator_config(cfg).to_dict()
    if random_weights:
        config.pop('init_cfg', None)
        return config
    check_requirements(cfg)
    if not config.get('init_cfg'):
        raise InputError(
            f'the generator of {cfg.filename} has no weights (init_cfg); give --random-weights: the speed does not depend on the weights'
        )
    return config


def inputs(generator: ClassConditionalGenerator, batch_size: int) -> tuple[Tensor, Tensor]:
    """Latents and classes of a batch, on the generator's device."""
    return generator_inputs(generator, 0, [i % generator.num_classes for i in range(batch_size)], range(batch_size))


def one_pass(frozen: Frozen, do: Callable[..., object], *given: Tensor) -> Call:
    """A callable that calls ``do(*given)`` without gradients, in the precision of ``frozen``."""

    def call() -> object:
        with torch.no_grad(), frozen.autocast(given[0].device):
            return do(*given)

    return call


def warm_libraries(frozen: Frozen) -> None:
    """Run a tiny network on the CPU in the precision of ``frozen``, because libraries are loaded at their first use."""
    one_pass(frozen, torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3), torch.nn.Linear(6, 8)), torch.zeros(1, 8, 8, 8))()


def in_fresh_process(measure: Callable[..., Sequence[int] | None], *given: Any) -> Sequence[int] | str:
    """Result of ``measure(*given)`` in a new process, in bytes, or the reason why there is no result."""
    try:
        with ProcessPoolExecutor(1, get_context('spawn')) as pool:
            peaks = pool.submit(measure, *given).result()
    except BrokenProcessPool:
        return 'the process was killed'
    return 'not available on this system' if peaks is None else peaks


def in_mib(peak: float, weights: int) -> dict[str, float]:
    """JSON record of a peak given in bytes."""
    return dict(beyond_weights_mib=round(peak / MIB, 2), with_weights_mib=round((peak + weights) / MIB, 2))


def as_record(comparison: Comparison, pairs: Pairs, name: str) -> dict:
    """JSON record of a comparison. Its ratio, with the key ``name``, is the time of the first divided by the time of the second."""
    return {
        'compare': comparison.compare,
        'first': comparison.first,
        'second': comparison.second,
        name: pairs.ratio,
        'quartiles': list(pairs.quartiles),
        'seconds': {comparison.first: pairs.first, comparison.second: pairs.second},
    }


def describe_generator(generator: ClassConditionalGenerator, random_weights: bool) -> dict:
    """JSON record of a generator."""
    return dict(
        type=type(generator).__name__,
        resolution=generator.resolution,
        parameters=parameter_count(generator),
        weights='random' if random_weights else 'as configured',
    )


def parameter_count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def check_settings(args: argparse.Namespace) -> None:
    """Check settings before the measurement, and remove duplicates from lists.

    Raises:
        InputError: A setting is out of range.
    """
    check_pairs(args.pairs)
    args.compare, args.precision, args.batch_sizes = (list(dict.fromkeys(x)) for x in (args.compare, args.precision, args.batch_sizes))
    check_out(args.out)


def check_out(out: Path | None) -> None:
    """Check before the measurement that the result can be written.

    Raises:
        InputError: The name does not end in .json, or it is a folder.
        OSError: The file cannot be written.
    """
    if out and (out.suffix != '.json' or out.is_dir()):
        raise InputError(f'--out must be a file that ends in .json, got {out}')
    if out:
        check_place(out)


def generator_line(generator: dict) -> str:
    return '{type}, {resolution} px, {parameters:,} parameters ({weights_mib:,} MiB, {weights})'.format(**generator)


def machine_lines(machine: dict) -> tuple[str, str]:
    return (
        'torch {torch}, {device}, {threads} threads of {cores} cores ({cpu})'.format(**machine),
        f'{machine["date"]}, load average {machine["load_before"]} before, {machine["load_after"]} after',
    )


def quartiles_cell(record: dict) -> str:
    return '{:.3f} to {:.3f}'.format(*record['quartiles'])


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table with its columns aligned."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ['-' * width for width in widths], *rows]
    return ['| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + ' |' for line in lines]


def comparison_table(records: list[dict], what: dict[str, str]) -> list[str]:
    """Lines of a table of comparisons by their seconds; ``what`` maps the name of a comparison to its description."""
    rows = [
        [
            what[record['compare']],
            f'{record["times_the_seconds"]:.3f}',
            quartiles_cell(record),
            *(f'{median(record["seconds"][record[name]]):.3g}' for name in ('first', 'second')),
        ]
        for record in records
    ]
    return table(['compared', 'times the seconds', 'quartiles', 'median s', 'to'], rows)


def comparison_text(title: str, result: dict, what: dict[str, str]) -> str:
    """Title, machine and table of a measurement, aligned and valid Markdown."""
    lines = [title, *machine_lines(result['environment']), '', *comparison_table(result['comparisons'], what), '']
    return '\n'.join([*lines, f'Medians over {result["pairs"]} interleaved pairs.'])


def report(result: dict, text: str, out: Path | None) -> None:
    """Write the JSON and print the text."""
    if out:
        write_json(out, result)
    print(text + (f'\nAll measurements are in {out}' if out else ''))


def add_timing_settings(command: argparse.ArgumentParser, what: str, timed: str, pairs: int = MIN_PAIRS) -> None:
    """Add the options of all sub-commands that time interleaved pairs.

    Args:
        command: Parser of the sub-command.
        what: What is on the device, for the help.
        timed: What is timed, for the help, e.g. "pass".
        pairs: Default number of pairs.
    """
    command.add_argument('--device', default='cpu', help=f'device of the {what}, e.g. cuda; default: cpu')
    command.add_argument('--threads', type=positive_int, help='number of CPU threads; default: chosen by torch')
    command.add_argument(
        '--pairs', type=positive_int, default=pairs, help=f'interleaved pairs for each ratio, at least {MIN_PAIRS}; default: {pairs}'
    )
    command.add_argument('--out', type=Path, help=f'.json file for the results, with the seconds of every {timed}')


def add_training_settings(command: argparse.ArgumentParser) -> None:
    """Add the options of the sub-commands that measure steps of a training."""
    command.add_argument('--batch-size', type=positive_int, help='batch size; default: that of the config')
    add_timing_settings(command, 'training', 'call')


def add_settings(command: argparse.ArgumentParser, batch_sizes: Sequence[int]) -> None:
    """Add the options of the sub-commands ``generator`` and ``interpreter``."""
    command.add_argument(
        '--random-weights', action='store_true', help='load no weights; neither the speed nor the memory depends on their values'
    )
    command.add_argument(
        '--precision', nargs='+', choices=list(PRECISIONS), default=['float32'], help='precisions to measure; default: float32'
    )
    command.add_argument(
        '--batch-sizes',
        nargs='+',
        type=positive_int,
        default=list(batch_sizes),
        help=f'batch sizes to measure; default: {" ".join(map(str, batch_sizes))}',
    )
    add_timing_settings(command, 'networks', 'pass')
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: generator.key=value ...')
