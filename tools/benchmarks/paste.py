"""The sub-command ``paste``: the time to load a training sample with pasted objects, compared with the same pipeline without pasting."""

import argparse
from copy import deepcopy
from pathlib import Path

from mmengine.registry import DefaultScope
from torch.utils.data import Dataset
from tqdm import tqdm

from benchmarks.common import Comparison, as_record, check_out, comparison_table, machine_lines, report
from benchmarks.timing import MIN_PAIRS, check_pairs, interleaved
from mmbdg.arguments import ConfigOptions, positive_int
from mmbdg.compat.config import check_parts, check_requirements, read_config
from mmbdg.data_configs import building
from mmbdg.datasets.address import Address, Addressing, addressing
from mmbdg.datasets.paste_objects import PasteObjects
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine, load_average, usable_device
from mmbdg.parts import main_part
from mmbdg.registry import DATASETS


class Loading:
    """Loads the samples of a dataset one after another, in this process.

    Args:
        dataset: Dataset by index or by address.
        samples: Number of samples of a call.
    """

    def __init__(self, dataset: Dataset, samples: int) -> None:
        self.dataset, self.samples, self._next = dataset, samples, 0

    def __call__(self) -> None:
        for n in range(self._next, self._next + self.samples):
            epoch, index = divmod(n, len(self.dataset))
            self.dataset[Address(0, epoch, index, n) if addressing(self.dataset) is Addressing.ADDRESS else index]
        self._next += self.samples


def pipeline_of(dataset: Dataset) -> list:
    """The transforms of a dataset, or of the labelled part of a joint one; empty for a wrapper of other datasets."""
    parts = getattr(dataset, 'parts', None)
    return getattr(getattr(parts[main_part(parts)] if parts else dataset, 'pipeline', None), 'transforms', [])


def without_paste(dataset: Dataset) -> Dataset:
    """A copy of the dataset whose pipeline pastes nothing."""
    dataset = deepcopy(dataset)
    steps = pipeline_of(dataset)
    steps[:] = [step for step in steps if not isinstance(step, PasteObjects)]
    return dataset


def paste_command(args: argparse.Namespace) -> None:
    """Measure both pipelines, print a table and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    cfg = read_config(args.config, args.cfg_options)
    check_parts(cfg, 'train_dataloader')
    check_requirements(cfg)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')), building('train_dataloader.dataset'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    if not any(isinstance(step, PasteObjects) for step in pipeline_of(dataset)):
        raise InputError(f'{args.config} has no mmbdg.PasteObjects in the pipeline of its training set')
    environment = describe_machine(usable_device('cpu')) | dict(load_before=load_average())
    with tqdm(total=args.pairs, unit='pair', dynamic_ncols=True) as bar:
        calls = Loading(dataset, args.samples), Loading(without_paste(dataset), args.samples)
        pairs = interleaved(*calls, args.pairs, after_pair=bar.update)
    result = dict(
        command='paste',
        config=args.config,
        samples=args.samples,
        environment=environment | dict(load_after=load_average()),
        pairs=args.pairs,
        comparisons=[as_record(Comparison('paste', 'pasted', 'plain', calls), pairs, 'times_the_seconds')],
    )
    report(result, as_text(result), args.out)


def as_text(result: dict) -> str:
    """The table, aligned and valid Markdown."""
    what = dict(paste=f'loading {result["samples"]} samples: with pasted objects to without')
    return '\n'.join(
        [
            f'{result["config"]}, {result["pairs"]} pairs',
            *machine_lines(result['environment']),
            '',
            *comparison_table(result['comparisons'], what),
        ]
    )


def add_paste(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command."""
    command = commands.add_parser('paste', help='time of pasted objects in the loading of training samples')
    command.add_argument('config', help='config of a training with mmbdg.PasteObjects')
    command.add_argument('--samples', type=positive_int, default=20, help='samples of a pass; default: 20')
    command.add_argument('--pairs', type=positive_int, default=MIN_PAIRS, help=f'pairs of passes, at least and by default {MIN_PAIRS}')
    command.add_argument('--out', type=Path, help='.json file for the results, with the seconds of every pass')
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    command.set_defaults(run=paste_command)
