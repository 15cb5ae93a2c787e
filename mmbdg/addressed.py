"""Addressed randomness: random draws depend only on an address such as (seed, class, index). All seeding happens here."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

MT_WORDS, MT_OFFSET = 624, 24
"""Number of words of the Mersenne Twister's state, and where they begin in the bytes of ``torch.Generator.get_state()``."""


def generator_at(*address: int | str) -> np.random.Generator:
    """Random generator (numpy's Philox) for an address such as (seed, class, index).

    The key is the 128-bit BLAKE2b hash of the address joined by '/'. Neighbouring addresses are therefore independent, and the draws do
    not depend on the machine, on the torch version or on the number of draws.
    """
    key = int.from_bytes(blake2b('/'.join(map(str, address)).encode(), digest_size=16).digest(), 'little')
    return np.random.Generator(np.random.Philox(key=key))


def torch_generator_at(*address: int | str) -> 'torch.Generator':
    """Random generator of torch, on the CPU, for an address such as (seed, class, index): for libraries that take one, such as diffusers.

    ``torch.Generator.manual_seed`` uses the lower 32 bits of a seed only. Among 10,000 samples of a class two would share all their
    random numbers with a probability of 1 %. Therefore the whole state of the generator (Mersenne Twister, 624 words of 32 bits) is drawn
    by :func:`generator_at`.

    Raises:
        RuntimeError: This version of torch lays out the state differently.
    """
    import torch

    generator = torch.Generator('cpu')
    generator.manual_seed(0)
    state = generator.get_state().numpy()  # of 64 bits a word
    words = state[MT_OFFSET : MT_OFFSET + 8 * MT_WORDS].view(np.uint64)
    if not np.array_equal(words, np.random.RandomState(0).get_state()[1]):
        raise RuntimeError(f'torch {torch.__version__} stores the state of its random generator in an unknown way')
    words[:] = generator_at(*address).integers(0, 2**32, MT_WORDS, dtype=np.uint32)
    generator.set_state(torch.from_numpy(state))
    return generator


@contextmanager
def numpy_random_at(*address: int | str) -> Iterator[None]:
    """Context in which numpy's global generator (``np.random.normal`` and so on) is that of an address; its state is restored at the end.

    For libraries that draw from it and take no generator. Its state, as that of torch's, has 624 words of 32 bits, all drawn by
    :func:`generator_at`.
    """
    before = np.random.get_state()
    words = generator_at(*address).integers(0, 2**32, MT_WORDS, dtype=np.uint32)
    np.random.set_state(('MT19937', words, MT_WORDS, 0, 0.0))
    try:
        yield
    finally:
        np.random.set_state(before)
