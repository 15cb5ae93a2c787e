"""Addressed randomness: a latent is a pure function of (seed, class, index)."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor


def generator_at(*address: int | str) -> np.random.Generator:
    """numpy's Philox generator for an address such as (seed, class, index).

    The key is the 128-bit BLAKE2b of the address joined by '/', so that neighbouring addresses share nothing and the draws do not
    depend on the machine, on torch, or on how many are asked for.
    """
    key = int.from_bytes(blake2b('/'.join(map(str, address)).encode(), digest_size=16).digest(), 'little')
    return np.random.Generator(np.random.Philox(key=key))


def latent(seed: int, class_id: int, index: int, dim: int, truncation: float | None = None) -> np.ndarray:
    """The latent z of one sample.

    Args:
        seed: Seed of the dataset.
        class_id: Class index.
        index: Index of the sample in its class.
        dim: Size of z.
        truncation: None for the standard normal; else values beyond [-truncation, truncation] are drawn again until none is left
            (BigGAN, section 3.1; BigDatasetGAN uses 0.9).

    Returns:
        float32 (dim,).

    Raises:
        ValueError: truncation is not positive.
    """
    if truncation is not None and not truncation > 0:
        raise ValueError(f'truncation must be None or positive, got {truncation}')
    rng = generator_at(seed, class_id, index)
    z = rng.standard_normal(dim)
    if truncation is not None:
        beyond = np.abs(z) > truncation
        while beyond.any():
            z[beyond] = rng.standard_normal(int(beyond.sum()))
            beyond = np.abs(z) > truncation
    return z.astype(np.float32)


def latents(seed: int, class_ids: Iterable[int], indices: Iterable[int], dim: int, truncation: float | None = None) -> Tensor:
    """:func:`latent` for a batch: float32 (N,dim) on the CPU."""
    rows = [latent(seed, c, i, dim, truncation) for c, i in zip(class_ids, indices, strict=True)]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, dim)
