"""Noise schedules of diffusers: which step is nearest to a timestep, noised latents, and the noise of a sample."""

import inspect
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from mmbdg.errors import InputError


def nearest_steps(timesteps: Sequence[int], schedule: Tensor, total: int) -> tuple[int, ...]:
    """Steps of a sampling schedule that are nearest to some timesteps of training.

    Args:
        timesteps: Timesteps in 0 (clean) to ``total`` - 1 (noise).
        schedule: Timesteps of the sampling steps, float or int64 (S,).
        total: Number of training timesteps.

    Returns:
        One index in 0 ... S - 1 for each timestep; the first of equally near ones.

    Raises:
        InputError: There are no timesteps, one lies outside of the schedule, or two have the same nearest step.
    """
    if not timesteps:
        raise InputError('timesteps is empty: name at least one timestep at which features are taken')
    steps: dict[int, int] = {}
    for timestep in timesteps:
        if isinstance(timestep, bool) or not isinstance(timestep, int) or not 0 <= timestep < total:
            raise InputError(f'timesteps must be integers in 0..{total - 1}, the timesteps of the training; got {timestep!r}')
        step = int((schedule.float() - timestep).abs().argmin())
        if step in steps:
            raise InputError(
                f'the timesteps {steps[step]} and {timestep} have the same nearest step, {schedule[step]:g}: leave one out, or take more '
                'steps'
            )
        steps[step] = timestep
    return tuple(steps)


def levels(scheduler: Any) -> Tensor:
    """Timesteps of the sampling steps, float32 (S,); infinite for a step to which latents cannot be noised.

    The KDPM2 schedulers have a step between each two noise levels, whose own level they use in the middle of a run only.
    """
    timesteps = scheduler.timesteps.float().clone()
    if hasattr(scheduler, 'sigmas_interpol'):
        timesteps[1::2] = torch.inf
    return timesteps


def noised(scheduler: Any, clean: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """Noise clean latents (N,...) to a timestep of the schedule (a tensor with one number), as in training."""
    each = timestep.expand(len(clean))
    if hasattr(scheduler, 'add_noise'):
        return scheduler.add_noise(clean, noise, each)
    return scheduler.scale_noise(clean, each, noise)  # flow matching


def scaled(scheduler: Any, noisy: Tensor, timestep: Tensor) -> Tensor:
    """Scale noisy latents to the inputs of the denoiser."""
    return scheduler.scale_model_input(noisy, timestep) if hasattr(scheduler, 'scale_model_input') else noisy


def own_noise(scheduler: Any, z: Tensor) -> dict[str, list[torch.Generator]]:
    """Argument of ``scheduler.step`` for the noise that it adds: a random generator for each row of z.

    A generator is seeded by a hash of its row, so a sample is a function of its z. Torch's generators have 2^32 different seeds on a CPU;
    two samples with the same seed still have different z.

    Returns:
        ``dict(generator=...)``; empty if the scheduler adds no noise.
    """
    if 'generator' not in inspect.signature(scheduler.step).parameters:
        return {}
    rows = z.detach().float().cpu().numpy()
    seeds = [int.from_bytes(blake2b(row.tobytes(), digest_size=4).digest(), 'little') for row in rows]
    return dict(generator=[torch.Generator().manual_seed(seed) for seed in seeds])
