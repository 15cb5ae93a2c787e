"""How the items of a dataset are addressed; everything that is drawn for a sample is a function of its address."""

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
    """How a dataset is addressed. A dataset says so by its attribute ``addressing``; without it, it is addressed by index.

    Samplers, checks, hooks and tools ask :func:`addressing` and no dataset for its class.
    """

    INDEX = 'index'
    """Items 0 to length - 1, as any dataset of torch."""
    COUNT = 'count'
    """Endless: item n exists for every n from 0. The items are addresses of samples that the data preprocessor makes."""
    ADDRESS = 'address'
    """Items by :class:`Address`: what is drawn for an item depends on seed, epoch and index."""


def addressing(dataset: Any) -> Addressing:
    """How a dataset is addressed."""
    return getattr(dataset, 'addressing', Addressing.INDEX)


class Address(NamedTuple):
    """Which sample :class:`~mmbdg.engine.AddressedSampler` asks a dataset for."""

    seed: int
    """Seed of the training."""
    epoch: int
    """Number of complete passes through the dataset before this sample, from 0."""
    index: int
    """Index of the sample in the dataset, from 0."""
    count: int
    """Number of samples of all processes before this one, over all passes."""


@contextmanager
def drawn_at(*address: int | str) -> Iterator[None]:
    """Seed numpy's, Python's and torch's (CPU) global generators by ``address`` inside the context; restore their states afterwards.

    Transforms of OpenMMLab draw from these three generators. Seeded by address, a transform draws the same numbers in any worker of any
    process, after any interruption. mmengine instead seeds each worker once: persistent workers continue one stream, and other workers
    repeat it in every epoch.
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
