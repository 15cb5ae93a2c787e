"""Latents by address: a latent is a pure function of (seed, class, index)."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.sources.truncation import Truncation


def latent(
    seed: int,
    class_id: int,
    index: int,
    dim: int,
    truncation: Truncation | dict | float | None = None,
    distribution: str = 'normal',
) -> np.ndarray:
    """Return the latent z of one sample.

    Args:
        seed: Seed of the dataset.
        class_id: Class index.
        index: Index of the sample within its class.
        dim: Size of z.
        truncation: Truncation, see :class:`~mmbdg.sources.truncation.Truncation`. Default: None, for no truncation.
        distribution: ``latent_distribution`` of the generator: 'normal', 'uniform' in [0, 1), or 'noise' (normal, not
            truncated). Default: 'normal'.

    Returns:
        Latent, float32 (dim,).

    Raises:
        InputError: The truncation is out of range, or it is set although z is uniform or noise.
    """
    if distribution == 'image':
        raise InputError('a frozen backbone draws no images; it labels those of mmbdg.RealImageSource')
    truncation = Truncation.of(truncation)
    rng = generator_at(seed, class_id, index)
    if distribution == 'noise' and truncation is not None:
        raise InputError('truncation is not defined for the noise of a diffusion model, which needs its full variance; set it to None')
    if distribution == 'uniform':
        if truncation is not None:
            raise InputError('truncation is not defined for uniform z; set it to None (for a VQGAN use top_k, top_p or temperature)')
        return rng.random(dim, dtype=np.float32)
    z = rng.standard_normal(dim) if truncation is None else truncation.draw(rng, dim)
    return z.astype(np.float32)


def latents(
    seed: int,
    class_ids: Iterable[int],
    indices: Iterable[int],
    dim: int,
    truncation: Truncation | dict | float | None = None,
    distribution: str = 'normal',
) -> Tensor:
    """Return :func:`latent` for a batch: float32 (N,dim) on the CPU."""
    rows = [latent(seed, c, i, dim, truncation, distribution) for c, i in zip(class_ids, indices, strict=True)]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, dim)


def generator_inputs(
    generator: ClassConditionalGenerator,
    seed: int,
    class_ids: Sequence[int],
    indices: Iterable[int],
    truncation: Truncation | dict | float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the inputs of a generator for a batch of addresses: z float32 (N,latent_dim) and y int64 (N,), on its device.

    The batch statistics of the truncation are not selected here, see
    :func:`~mmbdg.sources.truncation.select_statistics`.

    Raises:
        InputError: A class does not exist. Or see :func:`latent`.
    """
    if wrong := [c for c in class_ids if not 0 <= c < generator.num_classes]:
        raise InputError(f'classes must lie in 0..{generator.num_classes - 1}, got {wrong[0]}')
    device = next(generator.parameters()).device
    z = latents(seed, class_ids, indices, generator.latent_dim, truncation, generator.latent_distribution)
    return z.to(device), torch.tensor(class_ids, dtype=torch.int64, device=device)
