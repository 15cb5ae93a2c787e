"""The sub-command ``online``: the cost of labelled images made during a training, compared with those of a synthesised dataset."""

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import nn
from tqdm import tqdm

from benchmarks.common import Comparison, add_training_settings, as_record, check_out, comparison_text, report
from benchmarks.timing import check_pairs, interleaved
from mmbdg.arguments import ConfigOptions
from mmbdg.compat.config import check_parts, check_requirements, read_config
from mmbdg.datasets.online import is_online
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device
from mmbdg.models.steered_sampler import connect_steering
from mmbdg.parts import parts_of
from mmbdg.registry import MODELS

ONLINE, OFFLINE, READY = 'online', 'offline', 'on ready images'


class Training:
    """The training of a config, step by step and without a Runner; this process loads the images.

    The weights are random; the speed does not depend on them.

    Args:
        cfg: Config of a training on one device.
        batch_size: Batch size; None: that of the config.
        device: Device of the training.
    """

    def __init__(self, cfg: Config, batch_size: int | None, device: torch.device) -> None:
        loader = cfg.train_dataloader
        loader.num_workers, loader.persistent_workers = 0, False
        loader.pop('prefetch_factor', None)
        loader.batch_size = batch_size or loader.batch_size
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
            self.loader = Runner.build_dataloader(loader, seed=0)
            model: nn.Module = MODELS.build(cfg.model)
            self.model = (model if device.type == 'cuda' else revert_sync_batchnorm(model)).to(device).train()
            connect_steering(self.model)
            self.wrapper = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.batch_size = loader.batch_size
        self._batches = self._forever()

    def _forever(self) -> Iterator[dict]:
        while True:
            yield from self.loader

    def batch(self) -> dict[str, Any]:
        """The next batch, on the device and ready for the model."""
        return self.model.data_preprocessor(next(self._batches), True)

    def learn(self, ready: dict[str, Any]) -> None:
        """Forward pass, backward pass and optimizer step on a loaded batch."""
        with self.wrapper.optim_context(self.model):
            loss, _ = self.model.parse_losses(self.model(**ready, mode='loss'))
        self.wrapper.update_params(loss)

    def step(self) -> None:
        """A training step with the next batch, including its loading."""
        self.learn(self.batch())


def comparisons(online: Training, offline: Training) -> Iterator[Comparison]:
    """Online compared with offline: a batch, a step, and a step compared with one on a batch that is already loaded."""
    yield Comparison('batch', ONLINE, OFFLINE, (online.batch, offline.batch))
    yield Comparison('step', ONLINE, OFFLINE, (online.step, offline.step))
    yield Comparison('loading-hidden', ONLINE, READY, (online.step, partial(offline.learn, offline.batch())))


def check_twins(online: Training, offline: Training, args: argparse.Namespace) -> None:
    """Check that the two trainings differ only in the source of the images.

    Raises:
        InputError: ``online`` is not online, ``offline`` is online, or the networks or batch sizes differ.
    """
    if not is_online(online.loader.dataset):
        raise InputError(f'{args.online} does not train on an mmbdg.OnlineSyntheticDataset; give the online config first')
    if is_online(offline.loader.dataset):
        raise InputError(f'{args.offline} is online too; give the config of a training on a synthesised dataset as the second one')
    shapes = [{name: value.shape for name, value in training.model.named_parameters()} for training in (online, offline)]
    if shapes[0] != shapes[1] or online.batch_size != offline.batch_size:
        raise InputError(
            f'{args.online} and {args.offline} train different networks or batch sizes; only the source of the images may differ'
        )


def online_command(args: argparse.Namespace) -> None:
    """Measure both trainings, print a table and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    device = usable_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    configs = [read_config(args.online, args.cfg_options), read_config(args.offline, args.offline_options)]
    for cfg in configs:
        check_parts(cfg, 'model', 'train_dataloader', 'optim_wrapper')
        check_requirements(cfg)
    online, offline = (Training(cfg, args.batch_size, device) for cfg in configs)
    check_twins(online, offline, args)
    environment, records = describe_machine(device) | dict(load_before=load_average()), []
    with tqdm(total=3 * args.pairs, unit='pair', dynamic_ncols=True) as bar:
        for comparison in comparisons(online, offline):
            bar.set_description_str(comparison.compare)
            pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
            records.append(as_record(comparison, pairs, 'times_the_seconds'))
    preprocessor = configs[0].model.data_preprocessor
    result = dict(
        command='online',
        online=args.online,
        offline=args.offline,
        batch_size=online.batch_size,
        data_preprocessor=parts_of(preprocessor).get('seg', preprocessor).to_dict(),
        environment=environment | dict(load_after=load_average()),
        pairs=args.pairs,
        comparisons=records,
    )
    report(result, as_text(result), args.out)


WHAT = {
    'batch': 'loading a batch: online to offline',
    'step': 'a training step: online to offline',
    'loading-hidden': 'a training step: online to one on loaded images',
}


def as_text(result: dict) -> str:
    """The table, aligned and valid Markdown."""
    return comparison_text(f'{result["online"]} compared with {result["offline"]}, batches of {result["batch_size"]}', result, WHAT)


def add_online(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``online``."""
    command = commands.add_parser('online', help='time of online sampling, compared with a synthesised dataset')
    command.add_argument('online', help='config of a training on an mmbdg.OnlineSyntheticDataset')
    command.add_argument('offline', help='config of the same training on a synthesised dataset')
    add_training_settings(command)
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the online config')
    command.add_argument('--offline-options', nargs='+', action=ConfigOptions, help='override parts of the offline config')
    command.set_defaults(run=online_command)
