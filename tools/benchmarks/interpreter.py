"""The sub-command ``interpreter``: time and memory of labelled sampling, compared with the bare generator and between labellers."""

import argparse
from collections.abc import Callable, Iterator
from functools import cache, partial
from statistics import median

import torch
from torch import nn
from tqdm import tqdm

from benchmarks.common import (
    MIB,
    Call,
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
    parameter_count,
    quartiles_cell,
    report,
    table,
    warm_libraries,
)
from benchmarks.labellers import (
    LIGHT,
    MLP,
    ONE,
    PUBLISHED_ORDER,
    SHARED,
    all_members,
    batched_name,
    build_labeller,
    each_head,
    ensemble_config,
    ensemble_name,
    labelled,
    labeller_configs,
    lighter,
)
from benchmarks.memory import cuda_peak, resident_peaks, weight_bytes
from benchmarks.timing import interleaved
from mmbdg.arguments import ConfigOptions, positive_int
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.generators.build import build_generator
from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter import Ensemble, FeatureInterpreter
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device

# Number of pairs of labellers in each comparison.
COMPARISONS = {'published-order': 1, 'mlp': 1, 'ensemble': 2, 'shared-trunk': 2, 'light': 1}
BARE = 'bare generator'


def check_comparisons(names: list[str], head: nn.Module, members: int, light: dict | None) -> None:
    """Check that the comparisons are possible for a head.

    Raises:
        InputError: A comparison does not apply to the head or to the number of members.
    """
    if members < 1:
        raise InputError(f'--members must be at least 1, got {members}')
    if 'ensemble' in names and members < 2:
        raise InputError(f'--compare ensemble needs at least two members, got {members}')
    others = [name for name in names if name != 'ensemble']
    if others and not isinstance(head, FeatureInterpreter):
        raise InputError(f'--compare {others[0]} is for a FeatureInterpreter; the head of this config is a {type(head).__name__}')
    if light and 'light' not in names:
        raise InputError('--light sets the options of the light head: give --compare light too')


class Labelling:
    """A frozen generator and the labellers that use its features.

    Args:
        generator: Generator with its weights; it is frozen.
        config: Config of the generator, without weights.
        labellers: Configs of the labellers by name.
        members: Number of members of an ensemble.
        args: Arguments of the command.
        device: Device of all networks.
    """

    def __init__(
        self,
        generator: ClassConditionalGenerator,
        config: dict,
        labellers: dict[str, dict],
        members: int,
        args: argparse.Namespace,
        device: torch.device,
    ) -> None:
        self.config, self.configs, self.members, self.args, self.device = config, labellers, members, args, device
        built = {name: build_labeller(name, labeller, generator) for name, labeller in labellers.items()}
        for name, same in ((ONE, PUBLISHED_ORDER), (ensemble_name(members), batched_name(members))):
            if same in built:
                built[same].load_state_dict(built[name].state_dict())
        self.parameters = {name: parameter_count(labeller) for name, labeller in built.items()}
        self.labellers: dict[str, Ensemble] = {name: Frozen(labeller).on(device) for name, labeller in built.items()}
        self.generator = Frozen(generator).on(device)
        self.frozen = {precision: Frozen(self.generator, precision) for precision in args.precision}

    def passes(self, name: str, precision: str, batch_size: int) -> tuple[Call, Call]:
        """A bare pass and a labelled pass."""
        return bare_and_labelled(self.frozen[precision], self.labellers[name], batch_size)

    def comparisons(self, precision: str, batch_size: int) -> Iterator[Comparison]:
        """The requested comparisons of labellers; their number is in :data:`COMPARISONS`."""

        def sampling(compare: str, first: str, second: str) -> Comparison:
            return Comparison(compare, first, second, tuple(self.passes(name, precision, batch_size)[1] for name in (first, second)))

        compare, ensemble = self.args.compare, ensemble_name(self.members)
        if 'published-order' in compare:
            yield sampling('published-order', ONE, PUBLISHED_ORDER)
        if 'mlp' in compare:
            yield sampling('mlp', ONE, MLP)
        if 'ensemble' in compare:
            yield from self._on_given_features(precision, batch_size)
        if 'shared-trunk' in compare:
            for name in SHARED.values():
                yield sampling('shared-trunk', name, ensemble)
        if 'light' in compare:
            yield sampling('light', LIGHT, ONE)

    def _on_given_features(self, precision: str, batch_size: int) -> Iterator[Comparison]:
        z, y = inputs(self.generator, batch_size)
        at = partial(one_pass, self.frozen[precision])
        features = cache(at(self.generator.forward_features, z, y))  # computed once, in the untimed first call

        def heads(compute: Callable[..., None], name: str) -> Call:
            return at(lambda embedding: compute(self.labellers[name], features()[1], embedding), self.generator.embed(y))

        ensemble, batched = ensemble_name(self.members), batched_name(self.members)
        given = 'on given features'
        together = heads(all_members, ensemble)
        yield Comparison('ensemble', f'{ensemble} {given}', f'{self.members} heads {given}', (together, heads(each_head, ensemble)))
        yield Comparison('ensemble', f'{batched}, {given}', f'{ensemble} in turn, {given}', (heads(all_members, batched), together))

    def memory(self, name: str, precision: str, batch_size: int) -> dict | str:
        """Peak memory in MiB of a pass, bare and labelled, without and with the weights; or the reason why there is no result."""
        if self.device.type == 'cuda':
            runs = [[cuda_peak(call, self.device) for call in self.passes(name, precision, batch_size)]]
        else:
            given = self.config, self.configs[name], precision, batch_size, torch.get_num_threads()
            runs = [in_fresh_process(cpu_memory, *given) for _ in range(self.args.memory_runs)]
            if failed := [why for why in runs if isinstance(why, str)]:
                return failed[0]
        generator, labeller = weight_bytes(self.generator), weight_bytes(self.labellers[name])
        bare, with_labels = (median(peaks) for peaks in zip(*runs, strict=True))
        return dict(
            bare=in_mib(bare, generator),
            labelled=in_mib(with_labels, generator + labeller),
            runs_beyond_weights_mib=[[round(peak / MIB, 2) for peak in peaks] for peaks in runs],
        )


def bare_and_labelled(frozen: Frozen, labeller: Ensemble, batch_size: int) -> tuple[Call, Call]:
    """A bare pass of the generator, and its labelled pass."""
    generator = frozen.on(next(labeller.parameters()).device)
    given = inputs(generator, batch_size)
    return one_pass(frozen, generator, *given), one_pass(frozen, partial(labelled, generator, labeller), *given)


def cpu_memory(config: dict, labeller: dict, precision: str, batch_size: int, threads: int) -> tuple[int, int] | None:
    """Peak memory in bytes beyond the weights, of a bare and of a labelled pass, for a new process. See :func:`resident_peaks`."""
    torch.set_num_threads(threads)
    frozen = Frozen(build_generator(config), precision)
    interpreter = Frozen(build_labeller('the labeller', labeller, frozen.on('cpu'))).on('cpu')
    warm_libraries(frozen)
    peaks = resident_peaks(bare_and_labelled(frozen, interpreter, batch_size))
    return peaks and (peaks[0], max(peaks))


def measure(address: dict, comparison: Comparison, args: argparse.Namespace, device: torch.device, bar: tqdm) -> dict:
    """Measure a comparison at a precision and a batch size; the record has the key ``skipped`` if the device has too little memory."""
    end = bar.n + args.pairs
    try:
        pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
        return address | as_record(comparison, pairs, 'ratio')
    except torch.OutOfMemoryError:
        names = dict(compare=comparison.compare, first=comparison.first, second=comparison.second)
    torch.cuda.empty_cache()  # after the except block: the exception holds the tensors of the pass
    bar.update(end - bar.n)
    return address | names | dict(skipped='out of memory on the device')


def measure_batch(networks: Labelling, precision: str, batch_size: int, bar: tqdm) -> tuple[list[dict], list[dict]]:
    """Measure one precision and batch size: one row for each labeller, and the comparisons between labellers."""
    address = dict(precision=precision, batch_size=batch_size)
    given = networks.args, networks.device, bar
    rows, compared = {}, []
    for name in networks.labellers:
        bar.set_description_str(f'{precision}, batch {batch_size}, {name}')
        bare, with_labels = networks.passes(name, precision, batch_size)
        row = measure(address, Comparison('labelled sampling', name, BARE, (with_labels, bare)), *given)
        if 'skipped' not in row:
            row['images_per_second'] = {way: batch_size / median(seconds) for way, seconds in row['seconds'].items()}
            row['memory'] = networks.memory(name, precision, batch_size)
        rows[name] = row | dict(parameters=networks.parameters[name])
    for comparison in networks.comparisons(precision, batch_size):
        bar.set_description_str(f'{precision}, batch {batch_size}, {comparison.first} to {comparison.second}')
        memory = memory_ratio(*(rows.get(name, {}).get('memory') for name in (comparison.first, comparison.second)))
        compared.append(measure(address, comparison, *given) | dict(memory_ratio=memory))
    return list(rows.values()), compared


def memory_ratio(first: dict | str | None, second: dict | str | None) -> dict | None:
    """Peak memory of the first labelled pass divided by that of the second, without and with the weights; None if one is unknown."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return None
    keys = dict(beyond_weights='beyond_weights_mib', with_weights='with_weights_mib')
    return {name: first['labelled'][key] / second['labelled'][key] if second['labelled'][key] else None for name, key in keys.items()}


def interpreter_command(args: argparse.Namespace) -> None:
    """Measure labellers, print tables and write JSON."""
    check_settings(args)
    device = usable_device(args.device)
    cfg = read_config(args.config, args.cfg_options)
    config, ensemble = measured_config(cfg, args.random_weights), ensemble_config(cfg)
    if args.threads:
        torch.set_num_threads(args.threads)
    generator = build_generator(config)
    head = build_labeller(ONE, labeller_configs(ensemble['member'], 1, (), {})[ONE], generator).members[0]
    members = ensemble['num_members'] if args.members is None else args.members
    check_comparisons(args.compare, head, members, args.light)
    light = (args.light or lighter(head)) if 'light' in args.compare else {}
    labellers = labeller_configs(ensemble['member'], members, args.compare, light)
    generator.init_weights()
    networks = Labelling(generator, config, labellers, members, args, device)
    result = dict(
        command='interpreter',
        config=args.config,
        generator=describe_generator(generator, args.random_weights) | dict(weights_mib=round(weight_bytes(networks.generator) / MIB, 2)),
        interpreter=dict(head=ensemble['member'], weights='random', parameters=parameter_count(head), members=members, light=light),
        environment=describe_machine(device) | dict(precisions=args.precision, load_before=load_average()),
        pairs=args.pairs,
        compare=args.compare,
    )
    rows, comparisons = [], []
    cells = [(precision, batch_size) for precision in args.precision for batch_size in args.batch_sizes]
    rounds = len(labellers) + sum(COMPARISONS[name] for name in args.compare)
    with tqdm(total=len(cells) * rounds * args.pairs, unit='pair', dynamic_ncols=True) as bar:
        for precision, batch_size in cells:
            measured, compared = measure_batch(networks, precision, batch_size, bar)
            rows += measured
            comparisons += compared
    result['environment']['load_after'] = load_average()
    result |= dict(labellers=rows, comparisons=comparisons)
    report(result, as_text(result), args.out)


def as_text(result: dict) -> str:
    """The tables, aligned and valid Markdown."""
    interpreter = result['interpreter']
    options = ', '.join(f'{key}={value}' for key, value in interpreter['light'].items())
    lines = [
        generator_line(result['generator']),
        '{type}, {parameters:,} parameters (random)'.format(type=interpreter['head']['type'], parameters=interpreter['parameters'])
        + (f'; the light head: {options}' if options else ''),
        *machine_lines(result['environment']),
        '',
        *table(
            [
                *('labelled by', 'precision', 'batch', f'times the {BARE}', 'quartiles', 'images/s'),
                *('MiB beyond weights', 'bare', 'MiB with weights', 'bare'),
            ],
            [labeller_cells(row) for row in result['labellers']],
        ),
    ]
    if result['comparisons']:
        head = ['first to second', 'precision', 'batch', 'times the seconds', 'quartiles', 'times the MiB beyond weights', 'with weights']
        lines += ['', *table(head, [comparison_cells(record) for record in result['comparisons']])]
    return '\n'.join([*lines, '', f'Medians over {result["pairs"]} interleaved pairs.'])


def labeller_cells(row: dict) -> list[str]:
    """A row of the first table."""
    cells = [row['first'], row['precision'], str(row['batch_size'])]
    if 'skipped' in row:
        return [*cells, row['skipped'], *['-'] * 6]
    cells += [f'{row["ratio"]:.3f}', quartiles_cell(row), f'{row["images_per_second"][row["first"]]:.3g}']
    memory = row['memory']
    if isinstance(memory, str):
        return [*cells, memory, *['-'] * 3]
    return cells + [f'{memory[way][key]:,.1f}' for key in ('beyond_weights_mib', 'with_weights_mib') for way in ('labelled', 'bare')]


def comparison_cells(record: dict) -> list[str]:
    """A row of the second table."""
    cells = [f'{record["first"]} to {record["second"]}', record['precision'], str(record['batch_size'])]
    cells += [record['skipped'], '-'] if 'skipped' in record else [f'{record["ratio"]:.3f}', quartiles_cell(record)]
    ratios = (record['memory_ratio'] or {}).get
    return cells + ['-' if ratios(key) is None else f'{ratios(key):.3f}' for key in ('beyond_weights', 'with_weights')]


def add_interpreter(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``interpreter``."""
    command = commands.add_parser('interpreter', help='time and memory of labelled sampling')
    command.add_argument(
        'config', help='config with generator=dict(...) and optionally interpreter=dict(...) in its model, or a generator at the top level'
    )
    add_settings(command, batch_sizes=(1,))
    command.add_argument('--compare', nargs='*', choices=list(COMPARISONS), default=[], help='comparisons to make; default: none')
    command.add_argument('--members', type=positive_int, help='number of members of an ensemble; default: that of the config, else 16')
    command.add_argument(
        '--light',
        nargs='+',
        action=ConfigOptions,
        help='options of the light head, e.g. widths=64,32,16 stride=2; default: half the widths, and stride=2',
    )
    command.add_argument(
        '--memory-runs',
        type=positive_int,
        default=3,
        help='number of processes whose median is the memory on a CPU, since the result varies between processes; default: 3',
    )
    command.set_defaults(run=interpreter_command)
