"""The sub-command ``step``: what precision and memory format change in the time of a training step."""

import argparse
from copy import deepcopy
from functools import partial

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapperDict
from tqdm import tqdm

from benchmarks.common import Comparison, add_training_settings, as_record, check_out, comparison_text, report
from benchmarks.online import Training
from benchmarks.timing import check_pairs, interleaved
from mmbdg.arguments import ConfigOptions
from mmbdg.compat.config import check_parts, check_requirements
from mmbdg.engine.config_changes import leave_at_random
from mmbdg.engine.hooks.channels_last_hook import to_channels_last
from mmbdg.engine.launch import read_fitted
from mmbdg.engine.optimizers.autocast_optim_wrapper import apply_amp
from mmbdg.errors import InputError
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
    """The training of a config with these options of ``tools/train.py``.

    Raises:
        InputError: The training has several optimizers, e.g. that of a GAN.
    """
    cfg = deepcopy(cfg)
    apply_amp(cfg, 'bf16' if amp else None)
    built = Training(cfg, batch_size, device)
    if isinstance(built.wrapper, OptimWrapperDict):
        raise InputError('this measurement is for trainings with one optimizer; a GAN has several, whose steps alternate')
    if channels_last:
        to_channels_last(built.model)
    return built


def step_command(args: argparse.Namespace) -> None:
    """Measure steps on one loaded batch, print a table and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    device = usable_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    cfg = read_fitted(args.config, args.cfg_options)
    leave_at_random([cfg[key] for key in cfg])
    check_parts(cfg, 'model', 'train_dataloader', 'optim_wrapper')
    check_requirements(cfg)
    plain = training(cfg, False, False, args.batch_size, device)
    ready = plain.batch()
    environment, records = describe_machine(device) | dict(load_before=load_average()), []
    names = list(dict.fromkeys(args.compare))
    with tqdm(total=len(names) * args.pairs, unit='pair', dynamic_ncols=True) as bar:
        for name in names:
            bar.set_description_str(name)
            other = training(cfg, *VARIANTS[name], args.batch_size, device)
            comparison = Comparison(name, PLAIN, name, (partial(plain.learn, ready), partial(other.learn, ready)))
            pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
            records.append(as_record(comparison, pairs, 'times_the_seconds'))
    result = dict(
        command='step',
        config=args.config,
        options=args.cfg_options or {},
        batch_size=plain.batch_size,
        environment=environment | dict(load_after=load_average()),
        pairs=args.pairs,
        comparisons=records,
    )
    report(result, comparison_text(f'{args.config}, batches of {plain.batch_size}', result, WHAT), args.out)


def add_step(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``step``."""
    command = commands.add_parser('step', help='time of a training step with --amp and --channels-last, compared with one without')
    command.add_argument('config', help='config of a training with one optimizer')
    command.add_argument('--compare', nargs='+', choices=VARIANTS, default=list(VARIANTS), help='what is compared; default: all')
    add_training_settings(command)
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    command.set_defaults(run=step_command)
