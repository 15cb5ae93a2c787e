"""WiSE-FT: interpolation between the weights of the zero-shot model and those of the fine-tuned one."""

import torch
from torch import Tensor

from mmbdg.compat.checkpoint import describe_difference
from mmbdg.errors import InputError


def interpolated(zero_shot: dict[str, Tensor], tuned: dict[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Weights (1 - alpha) zero_shot + alpha tuned, as in WiSE-FT (arXiv 2109.01903).

    Args:
        zero_shot, tuned: State dicts with the same keys and shapes. Integer entries, such as counters of batches, are taken from ``tuned``.
        alpha: From 0 to 1. 0 gives ``zero_shot`` and 1 gives ``tuned``, bit for bit.

    Returns:
        State dict with the dtypes of ``tuned``; the interpolation is computed in float32 or in the larger dtype of the two.

    Raises:
        InputError: alpha is outside 0 to 1, or the state dicts have other keys or shapes.
    """
    if not 0 <= alpha <= 1:
        raise InputError(f'alpha lies between 0 (zero-shot) and 1 (fine-tuned), got {alpha}')
    missing, unexpected = [key for key in zero_shot if key not in tuned], [key for key in tuned if key not in zero_shot]
    shapes = [
        f'{key}: {tuple(tuned[key].shape)} in the file, {tuple(value.shape)} in the model'
        for key, value in zero_shot.items()
        if key in tuned and tuned[key].shape != value.shape
    ]
    if problem := describe_difference(missing, unexpected, shapes):
        raise InputError(f'the fine-tuned weights and the zero-shot model do not fit together:\n{problem}')
    return {key: _between(value, tuned[key], alpha) for key, value in zero_shot.items()}


def _between(zero_shot: Tensor, tuned: Tensor, alpha: float) -> Tensor:
    # The ends are copied: (1 - 0) x + 0 y is not x where y is infinite, or x is -0.
    if alpha in (0, 1) or not tuned.is_floating_point():
        return (zero_shot if alpha == 0 else tuned).clone()
    wide = torch.promote_types(torch.promote_types(zero_shot.dtype, tuned.dtype), torch.float32)
    return ((1 - alpha) * zero_shot.to(wide) + alpha * tuned.to(wide)).to(tuned.dtype)
