"""Which sample of which pass, and its own random numbers: all that is drawn for a sample is a function of its address."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from mmbdg.addressed import generator_at

ADDRESSED_SAMPLER = "train_dataloader.sampler=dict(type='mmbdg.AddressedSampler')"


class Address(NamedTuple):
    """What :class:`~mmbdg.engine.AddressedSampler` asks a dataset for."""

    seed: int
    """Of the training."""
    epoch: int
    """Pass through the images, from 0."""
    index: int
    """Of the image."""
    count: int
    """Samples of all processes before this one, over all passes."""


@contextmanager
def drawn_at(*address: int | str) -> Iterator[None]:
    """Inside, numpy's, Python's and torch's (CPU) global generators start from ``address``; afterwards they are where they were.

    Transforms of OpenMMLab draw from these three. Seeded by address they draw the same in any worker of any process, whatever it did before
    and however often the training was interrupted; mmengine seeds each worker once, so that persistent ones go on in a stream and others
    repeat it every epoch.
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
