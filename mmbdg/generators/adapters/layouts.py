"""Layouts of tensors in published checkpoints, and their conversion."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Two inverse functions: from the layout of a source to the layout of this package, and back."""

    ours: Callable[[Tensor], Tensor]
    theirs: Callable[[Tensor], Tensor]

    def then(self, other: 'Layout') -> 'Layout':
        """Return the composition: this layout first, then ``other``, in the direction to this package."""
        return Layout(lambda x: other.ours(self.ours(x)), lambda x: self.theirs(other.theirs(x)))


PLAIN = Layout(lambda x: x, lambda x: x)
TRANSPOSED = Layout(lambda x: x.t(), lambda x: x.t())
HWIO = Layout(lambda x: x.permute(3, 2, 0, 1), lambda x: x.permute(2, 3, 1, 0))
"""Convolution weights of TensorFlow: (H,W,in,out) instead of (out,in,H,W)."""
ROW = Layout(lambda x: x.squeeze(0), lambda x: x[None])
"""(1,N) instead of (N,)."""
FLAT = Layout(lambda x: x.reshape(-1), lambda x: x)
"""Vectors of TensorFlow, with or without further axes of length 1."""
SCALAR = Layout(lambda x: x.reshape(()), lambda x: x.reshape(1))
"""(1,) instead of ()."""


def channels_last_outputs(pixels: int) -> Layout:
    """Return the layout of a linear layer whose output axis has the order (pixel, channel) instead of (channel, pixel)."""

    def swap(x: Tensor, first: int) -> Tensor:
        return x.reshape(first, -1, *x.shape[1:]).transpose(0, 1).reshape(x.shape)

    return Layout(lambda x: swap(x, pixels), lambda x: swap(x, x.shape[0] // pixels))


def latent_first_inputs(embed_dim: int) -> Layout:
    """Return the layout of a weight whose last axis has the order [z, y] instead of [y, z]. y has ``embed_dim`` entries."""
    return Layout(
        lambda x: torch.cat([x[..., -embed_dim:], x[..., :-embed_dim]], dim=-1),
        lambda x: torch.cat([x[..., embed_dim:], x[..., :embed_dim]], dim=-1),
    )


def channels_last_patch(kernel: int) -> Layout:
    """Return the layout of a vector over the input patch of a convolution: (H,W,in) instead of (in,H,W)."""
    return Layout(
        lambda x: x.reshape(kernel, kernel, -1).permute(2, 0, 1).reshape(-1),
        lambda x: x.reshape(-1, kernel, kernel).permute(1, 2, 0).reshape(-1),
    )
