"""Addresses of the items of a dataset. All random numbers of a sample are a function of its address."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import torch

from mmbdg.addressed import generator_at

ADDRESSED_SAMPLER = "train_dataloader.sampler=dict(type='mmbdg.AddressedSampler')"


class Addressing(Enum):
    """How the items of a dataset are addressed. The attribute ``addressing`` of a dataset gives it; the default is by index.

    Samplers, checks, hooks and tools use :func:`addressing` and do not test the class of a dataset.
    """

    INDEX = 'index'
    """Items 0 to length - 1, as in every map-style dataset of torch."""
    COUNT = 'count'
    """Endless: item n exists for every n from 0. The items are addresses; the data preprocessor generates their samples."""
    ADDRESS = 'address'
    """Items by :class:`Address`: the random numbers of an item depend on seed, epoch and index."""


def addressing(dataset: Any) -> Addressing:
    """How the items of a dataset are addressed."""
    return getattr(dataset, 'addressing', Addressing.INDEX)


class Address(NamedTuple):
    """Address of a sample, given to a dataset by :class:`~mmbdg.engine.AddressedSampler` or one of its subclasses."""

    seed: int
    """Seed of the training."""
    epoch: int
    """Number of the pass through the dataset, or through its part if the sampler takes the parts in turn; from 0."""
    index: int
    """Index of the sample in the dataset, from 0."""
    count: int
    """Number of samples of all processes before this one, over all passes."""


@contextmanager
def drawn_at(*address: int | str) -> Iterator[None]:
    """Seed numpy's, Python's and torch's (CPU) global generators by ``address`` inside the context; restore their states afterwards.

    Transforms of OpenMMLab use these three generators. With a seed from the address, a transform draws the same numbers in every worker
    process and after every interruption. mmengine instead seeds each worker process once: persistent workers continue one random stream,
    and non-persistent workers repeat it in every epoch.
    """
    states = np.random.get_state(), random.getstate(), torch.random.get_rng_state()
    rng = generator_at(*address)
    np.random.seed(rng.integers(2**32, size=4, dtype=np.uint32))
    random.seed(int(rng.integers(2**63)))
    torch.random.default_generator.manual_seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
        torch.random.set_rng_state(states[2])
