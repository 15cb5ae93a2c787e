"""Addressed randomness: the one place that seeds. What is drawn depends on an address alone, such as (seed, class, index)."""

from hashlib import blake2b

import numpy as np


def generator_at(*address: int | str) -> np.random.Generator:
    """numpy's Philox generator for an address such as (seed, class, index).

    The key is the 128-bit BLAKE2b of the address joined by '/', so that neighbouring addresses share nothing and the draws do not
    depend on the machine, on torch, or on how many are asked for.
    """
    key = int.from_bytes(blake2b('/'.join(map(str, address)).encode(), digest_size=16).digest(), 'little')
    return np.random.Generator(np.random.Philox(key=key))
