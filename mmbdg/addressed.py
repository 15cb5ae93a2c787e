"""Addressed randomness: random draws depend only on an address such as (seed, class, index). All seeding happens here."""

from hashlib import blake2b

import numpy as np


def generator_at(*address: int | str) -> np.random.Generator:
    """Random generator (numpy's Philox) for an address such as (seed, class, index).

    The key is the 128-bit BLAKE2b hash of the address joined by '/'. Neighbouring addresses are therefore independent, and the draws do
    not depend on the machine, on the torch version or on the number of draws.
    """
    key = int.from_bytes(blake2b('/'.join(map(str, address)).encode(), digest_size=16).digest(), 'little')
    return np.random.Generator(np.random.Philox(key=key))
