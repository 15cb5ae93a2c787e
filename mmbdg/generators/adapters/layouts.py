"""Orders in which sources keep the numbers of a tensor."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Two functions that undo each other: from a source's order to ours, and back."""

    ours: Callable[[Tensor], Tensor]
    theirs: Callable[[Tensor], Tensor]

    def then(self, other: 'Layout') -> 'Layout':
        """This one first on the way to ours."""
        return Layout(lambda x: other.ours(self.ours(x)), lambda x: self.theirs(other.theirs(x)))


PLAIN = Layout(lambda x: x, lambda x: x)
TRANSPOSED = Layout(lambda x: x.t(), lambda x: x.t())
HWIO = Layout(lambda x: x.permute(3, 2, 0, 1), lambda x: x.permute(2, 3, 1, 0))
"""TensorFlow's convolutions: (H,W,in,out) instead of (out,in,H,W)."""
ROW = Layout(lambda x: x.squeeze(0), lambda x: x[None])
"""(1,N) instead of (N,)."""
FLAT = Layout(lambda x: x.reshape(-1), lambda x: x)
"""TensorFlow's vectors, with or without axes of length 1 around them."""
SCALAR = Layout(lambda x: x.reshape(()), lambda x: x.reshape(1))
"""(1,) instead of ()."""


def channels_last_outputs(pixels: int) -> Layout:
    """First axis of a linear map onto pixels: (pixel, channel) instead of (channel, pixel)."""

    def swap(x: Tensor, first: int) -> Tensor:
        return x.reshape(first, -1, *x.shape[1:]).transpose(0, 1).reshape(x.shape)

    return Layout(lambda x: swap(x, pixels), lambda x: swap(x, x.shape[0] // pixels))


def latent_first_inputs(embed_dim: int) -> Layout:
    """Last axis of what a condition is multiplied with: [z, y] instead of [y, z]; y has ``embed_dim`` entries."""
    return Layout(
        lambda x: torch.cat([x[..., -embed_dim:], x[..., :-embed_dim]], dim=-1),
        lambda x: torch.cat([x[..., embed_dim:], x[..., :embed_dim]], dim=-1),
    )


def channels_last_patch(kernel: int) -> Layout:
    """A vector over a convolution's input patch: (H,W,in) instead of (in,H,W)."""
    return Layout(
        lambda x: x.reshape(kernel, kernel, -1).permute(2, 0, 1).reshape(-1),
        lambda x: x.reshape(-1, kernel, kernel).permute(1, 2, 0).reshape(-1),
    )
