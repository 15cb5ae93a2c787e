"""The sub-command ``generator``: images per second and memory of a generator, bare and with feature taps."""

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from statistics import median

import torch
from tqdm import tqdm

from benchmarks.common import (
    MIB,
    Comparison,
    add_settings,
    as_record,
    check_settings,
    describe_generator,
    generator_line,
    in_fresh_process,
    in_mib,
    inputs,
    machine_lines,
    measured_config,
    one_pass,
    quartiles_cell,
    report,
    table,
    warm_libraries,
)
from benchmarks.memory import cuda_peak, resident_peaks, weight_bytes
from benchmarks.timing import interleaved, repeated
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError
from mmbdg.generators import VQGAN, ClassConditionalGenerator
from mmbdg.generators.build import build_generator
from mmbdg.generators.frozen import Frozen
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device

COMPARISONS = ('taps', 'fold', 'channels-last', 'precision', 'cache', 'coarse')


def check_comparisons(names: list[str], generator: ClassConditionalGenerator, precisions: list[str]) -> None:
    """Check that the comparisons are possible for a generator.

    Raises:
        InputError: A comparison does not apply to the generator or to the precisions.
    """
    if 'fold' in names and not any('parametrizations' in name for name, _ in generator.named_parameters()):
        raise InputError(f'--compare fold: this {type(generator).__name__} has no spectral norms to fold')
    if 'channels-last' in names and not any(parameter.ndim == 4 for parameter in generator.parameters()):
        raise InputError(f'--compare channels-last: this {type(generator).__name__} has no convolutions')
    if 'precision' in names and set(precisions) <= {'float32'}:
        raise InputError('--compare precision compares with float32: give another --precision, e.g. --precision float32 bfloat16')
    if 'cache' in names and not isinstance(generator, VQGAN):
        raise InputError(f'--compare cache is for VQGAN, which samples tokens; the generator is a {type(generator).__name__}')


def check_block(args: argparse.Namespace, generator: ClassConditionalGenerator) -> None:
    """Check the block of --until.

    Raises:
        InputError: The generator cannot stop after a block or has no such block, or --until is without its comparison or missing.
    """
    if ('coarse' in args.compare) != bool(args.until):
        raise InputError('--compare coarse and --until BLOCK belong together: give both or none')
    if not args.until:
        return
    if generator.whole_because:
        raise InputError(f'--compare coarse: {type(generator).__name__} cannot stop after a block: {generator.whole_because}')
    generator.tap_of(args.until)


def frozen_unfolded(generator: ClassConditionalGenerator, compile: bool) -> ClassConditionalGenerator:
    """Freeze a generator like :class:`Frozen`, but without folding the spectral norms."""
    generator = generator.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    if compile:
        generator.generate = torch.compile(generator.generate)
    return generator


def twin(generator: ClassConditionalGenerator, config: dict) -> ClassConditionalGenerator:
    """A second generator with the same weights.

    deepcopy cannot be used: the copy shares the classes that torch creates for parametrisations, so folding one generator breaks the other.
    """
    other = build_generator(config)
    other.load_state_dict(generator.state_dict())
    return other


class Networks:
    """A frozen generator in each precision, and the variants it is compared with.

    Args:
        generator: Generator with its weights; it is frozen.
        config: Config of the generator, without weights.
        args: Arguments of the command.
        device: Device of all networks.
    """

    def __init__(self, generator: ClassConditionalGenerator, config: dict, args: argparse.Namespace, device: torch.device) -> None:
        self.compare, self.until = args.compare, args.until
        if 'fold' in args.compare:
            self.unfolded = frozen_unfolded(twin(generator, config), args.compile).to(device)
        if 'channels-last' in args.compare:
            self.contiguous = Frozen(twin(generator, config), compile=args.compile, channels_last=False).on(device)
        self.generator = Frozen(generator, compile=args.compile).on(device)
        # The generator is compiled only once: a precision is an autocast context, and the weights are shared.
        self.frozen = {precision: Frozen(self.generator, precision) for precision in ['float32', *args.precision]}

    def comparisons(self, precision: str, batch_size: int) -> Iterator[Comparison]:
        """The requested comparisons that apply to this precision."""
        z, y = inputs(self.generator, batch_size)
        at = partial(one_pass, self.frozen[precision])
        bare = at(self.generator, z, y)
        if 'taps' in self.compare:
            yield Comparison('taps', 'with taps', 'bare', (at(self.generator.forward_features, z, y), bare))
        if 'fold' in self.compare:
            yield Comparison('fold', 'unfolded', 'folded', (at(self.unfolded, z, y), bare))
        if 'channels-last' in self.compare:
            yield Comparison('channels-last', 'contiguous', 'channels last', (at(self.contiguous, z, y), bare))
        if 'precision' in self.compare and precision != 'float32':
            yield Comparison('precision', 'float32', precision, (one_pass(self.frozen['float32'], self.generator, z, y), bare))
        if 'coarse' in self.compare:
            until = at(partial(self.generator.forward_coarse, block=self.until), z, y)
            yield Comparison('coarse', 'whole pass', f'until {self.until}', (bare, until))
        if 'cache' in self.compare:
            drawings = tuple(at(partial(self.generator.sample, cache=cache), y, z) for cache in (False, True))
            yield Comparison('cache', 'without cache', 'with cache', drawings)


def cpu_memory(config: dict, precision: str, batch_size: int, compile: bool, threads: int) -> tuple[int, int] | None:
    """Peak memory in bytes beyond the weights, of a bare pass and of one with taps, for a new process. See :func:`resident_peaks`."""
    torch.set_num_threads(threads)
    frozen = Frozen(build_generator(config), precision, compile)  # no weights are loaded: memory does not depend on their values
    generator = frozen.on('cpu')
    passes = [one_pass(frozen, do, *inputs(generator, batch_size)) for do in (generator, generator.forward_features)]
    # A first pass, so that the memory of the compiler is not measured.
    for warm_up in passes if compile else [partial(warm_libraries, frozen)]:
        warm_up()
    peaks = resident_peaks(passes)
    return peaks and (peaks[0], max(peaks))


def memory(networks: Networks, config: dict, precision: str, batch_size: int, args: argparse.Namespace) -> dict | str:
    """Peak memory in MiB of a pass, bare and with taps, without and with the weights; or the reason why there is no result."""
    generator = networks.generator
    device = next(generator.parameters()).device
    if device.type == 'cuda':
        frozen, given = networks.frozen[precision], inputs(generator, batch_size)
        peaks = [cuda_peak(one_pass(frozen, do, *given), device) for do in (generator, generator.forward_features)]
    else:
        peaks = in_fresh_process(cpu_memory, config, precision, batch_size, args.compile, torch.get_num_threads())
        if isinstance(peaks, str):
            return peaks
    weights = weight_bytes(generator)
    return {name: in_mib(peak, weights) for name, peak in zip(('bare', 'with taps'), peaks, strict=True)}


def rounds(compare: list[str], precision: str) -> int:
    """Number of times :func:`measure_batch` measures ``--pairs`` passes or pairs of passes."""
    skipped = {'precision'} if precision == 'float32' else set()
    return len({*compare, 'taps'} - skipped)


def measure_batch(
    networks: Networks, config: dict, precision: str, batch_size: int, args: argparse.Namespace, bar: tqdm
) -> tuple[dict, list[dict]]:
    """Measure one precision and batch size: the row of the first table, and the comparisons."""
    address = dict(precision=precision, batch_size=batch_size)
    device = next(networks.generator.parameters()).device
    bar.set_description_str(f'{precision}, batch {batch_size}')
    compared = []
    try:
        for comparison in networks.comparisons(precision, batch_size):
            pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
            compared.append(address | as_record(comparison, pairs, 'times_as_fast'))
        taps = next((record['seconds'] for record in compared if record['compare'] == 'taps'), {})
        if not taps:
            bare = one_pass(networks.frozen[precision], networks.generator, *inputs(networks.generator, batch_size))
            taps = dict(bare=repeated(bare, args.pairs, synchroniser(device), bar.update))
        row = address | dict(
            images_per_second={name: batch_size / median(seconds) for name, seconds in taps.items()},
            seconds=taps,
            memory=memory(networks, config, precision, batch_size, args),
        )
    except torch.OutOfMemoryError:
        row = address | dict(skipped='out of memory on the device')
    if 'skipped' in row:
        torch.cuda.empty_cache()  # after the except block: the exception holds the tensors of the pass
    return row, compared


def best_batches(rows: list[dict]) -> dict[str, dict]:
    """Batch size with the most images per second without taps, for each precision."""
    best: dict[str, dict] = {}
    for row in rows:
        rate = row.get('images_per_second', {}).get('bare', 0)
        if rate > best.get(row['precision'], {}).get('images_per_second', 0):
            best[row['precision']] = dict(batch_size=row['batch_size'], images_per_second=rate)
    return best


def generator_command(args: argparse.Namespace) -> None:
    """Measure a generator, print tables and write JSON."""
    check_settings(args)
    device = usable_device(args.device)
    config = measured_config(read_config(args.config, args.cfg_options), args.random_weights)
    if args.threads:
        torch.set_num_threads(args.threads)
    generator = build_generator(config)
    check_comparisons(args.compare, generator, args.precision)
    check_block(args, generator)
    generator.init_weights()
    result = dict(
        command='generator',
        config=args.config,
        generator=describe_generator(generator, args.random_weights)
        | (dict(tokens=generator.latent_dim) if isinstance(generator, VQGAN) else {}),
        environment=describe_machine(device) | dict(compile=args.compile, precisions=args.precision, load_before=load_average()),
        pairs=args.pairs,
    )
    networks = Networks(generator, config, args, device)
    result['generator']['weights_mib'] = round(weight_bytes(networks.generator) / MIB, 2)

    rows, comparisons = [], []
    cells = [(precision, batch_size) for precision in args.precision for batch_size in args.batch_sizes]
    ends = list(accumulate(args.pairs * rounds(args.compare, precision) for precision, _ in cells))
    with tqdm(total=ends[-1], unit='pair', dynamic_ncols=True) as bar:
        for (precision, batch_size), end in zip(cells, ends, strict=True):
            row, compared = measure_batch(networks, config, precision, batch_size, args, bar)
            rows.append(row)
            comparisons += compared
            bar.update(end - bar.n)  # the pairs that a skipped batch did not measure
    result['environment']['load_after'] = load_average()
    result |= dict(batches=rows, comparisons=comparisons, best=best_batches(rows))
    report(result, as_text(result), args.out)


def as_text(result: dict) -> str:
    """The tables, aligned and valid Markdown."""
    generator, machine = result['generator'], result['environment']
    made_on, made_at = machine_lines(machine)
    lines = [
        generator_line(generator) + (f', {generator["tokens"]} tokens an image' if 'tokens' in generator else ''),
        f'{made_on}, compile {machine["compile"]}',
        made_at,
        '',
        *table(
            ['precision', 'batch', 'images/s', 'with taps', 'MiB beyond weights', 'with taps', 'MiB with weights', 'with taps'],
            [as_cells(row) for row in result['batches']],
        ),
        '',
    ]
    for precision, best in result['best'].items():
        lines.append(f'Best batch in {precision}: {best["batch_size"]} ({best["images_per_second"]:.3g} images/s).')
    if result['comparisons']:
        lines += [
            '',
            *table(
                ['compared', 'precision', 'batch', 'times as fast', 'quartiles'],
                [
                    [
                        f'{record["second"]} to {record["first"]}',
                        record['precision'],
                        str(record['batch_size']),
                        f'{record["times_as_fast"]:.3f}',
                        quartiles_cell(record),
                    ]
                    for record in result['comparisons']
                ],
            ),
            '',
            f'Medians over {result["pairs"]} interleaved pairs.',
        ]
    return '\n'.join(lines)


def as_cells(row: dict) -> list[str]:
    """A row of the first table."""
    cells = [row['precision'], str(row['batch_size'])]
    if 'skipped' in row:
        return [*cells, row['skipped'], *['-'] * 5]
    rates = row['images_per_second']
    cells += [f'{rates["bare"]:.3g}', f'{rates["with taps"]:.3g}' if 'with taps' in rates else '-']
    if isinstance(row['memory'], str):
        return [*cells, row['memory'], *['-'] * 3]
    return cells + [
        f'{row["memory"][name][key]:,.1f}' for key in ('beyond_weights_mib', 'with_weights_mib') for name in ('bare', 'with taps')
    ]


def add_generator(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``generator``."""
    command = commands.add_parser('generator', help='images per second and memory of a generator')
    command.add_argument('config', help='config with generator=dict(...) at the top level or in its model')
    add_settings(command, batch_sizes=(1, 4, 8))
    command.add_argument('--compile', action='store_true', help='compile the passes with torch.compile')
    command.add_argument(
        '--compare', nargs='*', choices=COMPARISONS, default=['taps'], help='comparisons to make, none for --compare alone; default: taps'
    )
    command.add_argument('--until', metavar='BLOCK', help='name of the block at which --compare coarse stops, e.g. blocks.2.0')
    command.set_defaults(run=generator_command)
