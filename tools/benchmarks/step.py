"""The sub-command ``step``: what precision and memory format change in the time of a training step."""

import argparse
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from tqdm import tqdm

from benchmarks.common import Comparison, as_record, check_out, comparison_table, machine_lines, report
from benchmarks.online import Training
from benchmarks.timing import MIN_PAIRS, check_pairs, interleaved
from mmbdg.arguments import ConfigOptions, positive_int
from mmbdg.compat.config import check_parts, check_requirements, read_config
from mmbdg.engine.optimizers.autocast_optim_wrapper import apply_amp
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device

PLAIN = 'plain'
VARIANTS = {'amp': (True, False), 'channels-last': (False, True), 'amp-channels-last': (True, True)}
"""For each value of --compare: whether --amp and --channels-last are on."""
WHAT = {
    'amp': 'a step: plain to --amp',
    'channels-last': 'a step: plain to --channels-last',
    'amp-channels-last': 'a step: plain to both',
}


def training(cfg: Config, amp: bool, channels_last: bool, batch_size: int | None, device: torch.device) -> Training:
    """The training of a config as ``tools/train.py`` builds it with these options."""
    cfg = deepcopy(cfg)
    apply_amp(cfg, 'bf16' if amp else None)
    built = Training(cfg, batch_size, device)
    if channels_last:
        built.model.to(memory_format=torch.channels_last)
    return built


def step_command(args: argparse.Namespace) -> None:
    """Measure steps on one loaded batch, print a table and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    device = usable_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    cfg = read_config(args.config, args.cfg_options)
    check_parts(cfg, 'model', 'train_dataloader', 'optim_wrapper')
    check_requirements(cfg)
    plain = training(cfg, False, False, args.batch_size, device)
    ready = plain.batch()
    environment, records = describe_machine(device) | dict(load_before=load_average()), []
    with tqdm(total=len(args.compare) * args.pairs, unit='pair', dynamic_ncols=True) as bar:
        for name in args.compare:
            bar.set_description_str(name)
            other = training(cfg, *VARIANTS[name], args.batch_size, device)
            comparison = Comparison(name, PLAIN, name, (partial(plain.learn, ready), partial(other.learn, ready)))
            pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
            records.append(as_record(comparison, pairs, 'times_the_seconds'))
    result = dict(
        command='step',
        config=args.config,
        batch_size=plain.batch_size,
        environment=environment | dict(load_after=load_average()),
        pairs=args.pairs,
        comparisons=records,
    )
    report(result, as_text(result), args.out)


def as_text(result: dict) -> str:
    """The table, aligned and valid Markdown."""
    return '\n'.join(
        [
            f'{result["config"]}, batches of {result["batch_size"]}',
            *machine_lines(result['environment']),
            '',
            *comparison_table(result['comparisons'], WHAT),
            '',
            f'Medians over {result["pairs"]} interleaved pairs.',
        ]
    )


def add_step(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``step``."""
    command = commands.add_parser('step', help='time of a training step with --amp and --channels-last, compared with one without')
    command.add_argument('config', help='config of a training')
    command.add_argument('--compare', nargs='+', choices=VARIANTS, default=list(VARIANTS), help='what is compared; default: all')
    command.add_argument('--batch-size', type=positive_int, help='batch size; default: that of the config')
    command.add_argument('--device', default='cpu', help='device of the training, e.g. cuda; default: cpu')
    command.add_argument('--threads', type=positive_int, help='number of CPU threads; default: chosen by torch')
    command.add_argument(
        '--pairs',
        type=positive_int,
        default=MIN_PAIRS,
        help=f'interleaved pairs for each ratio, at least {MIN_PAIRS}; default: {MIN_PAIRS}',
    )
    command.add_argument('--out', type=Path, help='.json file for the results, with the seconds of every step')
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    command.set_defaults(run=step_command)
