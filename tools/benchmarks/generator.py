"""The sub-command ``generator``: images a second and memory of a generator, bare and with feature taps."""

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

COMPARISONS = ('taps', 'fold', 'channels-last', 'precision', 'cache')


def check_comparisons(names: list[str], generator: ClassConditionalGenerator, precisions: list[str]) -> None:
    """Raise InputError if there is nothing to compare."""
    if 'fold' in names and not any('parametrizations' in name for name, _ in generator.named_parameters()):
        raise InputError(f'--compare fold: this {type(generator).__name__} has no spectral norms to fold')
    if 'channels-last' in names and not any(parameter.ndim == 4 for parameter in generator.parameters()):
        raise InputError(f'--compare channels-last: this {type(generator).__name__} has no convolutions')
    if 'precision' in names and set(precisions) <= {'float32'}:
        raise InputError('--compare precision compares with float32: give --precision another one, e.g. --precision float32 bfloat16')
    if 'cache' in names and not isinstance(generator, VQGAN):
        raise InputError(f'--compare cache: a {type(generator).__name__} draws no tokens; VQGAN does')


def at_rest_unfolded(generator: ClassConditionalGenerator, compile: bool) -> ClassConditionalGenerator:
    """As :class:`Frozen` leaves a generator, but for the spectral norms."""
    generator = generator.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    if compile:
        generator.generate = torch.compile(generator.generate)
    return generator


def twin(generator: ClassConditionalGenerator, config: dict) -> ClassConditionalGenerator:
    """Another generator with the same weights.

    No deepcopy: it shares the classes in which torch keeps parametrisations, and folding one of the two breaks the other.
    """
    other = build_generator(config)
    other.load_state_dict(generator.state_dict())
    return other


class Networks:
    """A generator at rest in each precision, and beside it the variants it is compared with.

    Args:
        generator: With its weights; becomes the one at rest.
        config: What it was built from.
        args: Of the command.
        device: Where all of them go.
    """

    def __init__(self, generator: ClassConditionalGenerator, config: dict, args: argparse.Namespace, device: torch.device) -> None:
        self.compare = args.compare
        if 'fold' in args.compare:
            self.unfolded = at_rest_unfolded(twin(generator, config), args.compile).to(device)
        if 'channels-last' in args.compare:
            self.contiguous = Frozen(twin(generator, config), compile=args.compile, channels_last=False).on(device)
        self.generator = Frozen(generator, compile=args.compile).on(device)
        # Compiled once: a precision is the context around a pass, the weights are the same.
        self.frozen = {precision: Frozen(self.generator, precision) for precision in ['float32', *args.precision]}

    def comparisons(self, precision: str, batch_size: int) -> Iterator[Comparison]:
        """All that are wanted and say something at this precision."""
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
        if 'cache' in self.compare:
            drawings = tuple(at(partial(self.generator.sample, cache=cache), y, z) for cache in (False, True))
            yield Comparison('cache', 'without cache', 'with cache', drawings)


def cpu_memory(config: dict, precision: str, batch_size: int, compile: bool, threads: int) -> tuple[int, int] | None:
    """Bytes of a bare pass and of one with taps at their peaks beyond the weights, for a fresh process. See :func:`resident_peaks`."""
    torch.set_num_threads(threads)
    frozen = Frozen(build_generator(config), precision, compile)  # as its layers initialised it: the values take no memory
    generator = frozen.on('cpu')
    passes = [one_pass(frozen, do, *inputs(generator, batch_size)) for do in (generator, generator.forward_features)]
    # The compiler's memory only goes once it has seen the same pass.
    for warm_up in passes if compile else [partial(warm_libraries, frozen)]:
        warm_up()
    peaks = resident_peaks(passes)
    return peaks and (peaks[0], max(peaks))


def memory(networks: Networks, config: dict, precision: str, batch_size: int, args: argparse.Namespace) -> dict | str:
    """MiB at the peak of a pass, bare and with taps, beyond the weights and with them; or why there is no figure."""
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
    """How often :func:`measure_batch` times ``--pairs`` passes or pairs of passes."""
    says_nothing = {'precision'} if precision == 'float32' else set()
    return len({*compare, 'taps'} - says_nothing)


def measure_batch(
    networks: Networks, config: dict, precision: str, batch_size: int, args: argparse.Namespace, bar: tqdm
) -> tuple[dict, list[dict]]:
    """The row of a precision and a batch size, and its comparisons."""
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
    """By precision the batch size with the most images a second, bare."""
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
            bar.update(end - bar.n)  # what a skipped batch left out
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
    """The sub-command ``generator``."""
    command = commands.add_parser('generator', help='images a second and memory of a generator')
    command.add_argument('config', help='a config with generator=dict(...) at the top or in its model')
    add_settings(command, batch_sizes=(1, 4, 8))
    command.add_argument('--compile', action='store_true', help='compile the passes (torch.compile)')
    command.add_argument('--compare', nargs='*', choices=COMPARISONS, default=['taps'], help='what to compare; nothing: the rates only')
    command.set_defaults(run=generator_command)
