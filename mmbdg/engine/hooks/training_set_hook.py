"""Stores in checkpoints what the training has learnt from: numbers of real and synthetic images."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.datasets.address import Addressing, addressing
from mmbdg.datasets.mixed import MixedDataset
from mmbdg.engine.samplers.source_ratio_sampler import SourceRatioSampler
from mmbdg.registry import HOOKS

KEY = 'training_set'
"""Key in the ``meta`` of a checkpoint."""


@HOOKS.register_module()
class TrainingSetHook(Hook):
    """Adds ``meta['training_set']`` to checkpoints, which ``tools/test.py`` copies into its result (BigDatasetGAN, Figures 8 and 9).

    It is a list with a dict for each dataset of the training, also for the parts of joint, mixed and wrapped ones: ``dataset``, the name
    of its class; ``synthetic``, whether its images and labels are generated; ``images``, their number. For images that are made in the
    training (online) this is the number made until the checkpoint.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        loader, meta = runner.train_loop.dataloader, checkpoint['meta']
        drawn = meta['iter'] * loader.batch_size * runner.world_size if loader.batch_size else 0
        meta[KEY] = list(described(loader.dataset, drawn, _shares(loader.sampler)))


def described(dataset: Any, drawn: int, shares: Mapping[str, Fraction] | None = None) -> Iterator[dict[str, Any]]:
    """Class, kind and number of images of a dataset and of its parts.

    Args:
        dataset: Dataset of a training.
        drawn: Number of its items that the training has drawn; counts for endless datasets.
        shares: Shares of the parts of a mixed dataset in the items drawn. Default: those of their lengths.
    """
    if parts := getattr(dataset, 'parts', None):
        if isinstance(dataset, MixedDataset):  # an item is of one part
            shares = shares or {name: Fraction(len(part), len(dataset)) for name, part in parts.items()}
            numbers = {name: round(drawn * shares[name]) for name in parts}
        else:
            ratios = getattr(dataset, 'ratios', {})  # a dataset of another package may have parts without ratios
            numbers = {name: drawn * ratios.get(name, 1) for name in parts}
        for name, part in parts.items():
            yield from described(part, numbers[name])
    elif several := getattr(dataset, 'datasets', None):  # ConcatDataset of mmengine and torch
        for part in several:
            yield from described(part, drawn)
    elif (inner := getattr(dataset, 'dataset', None)) is not None:  # RepeatDataset, ClassBalancedDataset and the like
        yield from described(inner, drawn)
    else:
        images = drawn if addressing(dataset) is Addressing.COUNT else len(dataset)
        yield dict(dataset=type(dataset).__name__, synthetic=bool(getattr(dataset, 'synthetic', False)), images=images)


def _shares(sampler: Any) -> dict[str, Fraction] | None:
    """Shares of the parts in the samples of a sampler with a fixed ratio; None for other samplers."""
    if not isinstance(sampler, SourceRatioSampler):
        return None
    return {name: Fraction(count, sampler.group) for name, count in sampler.ratio.items()}
