"""Differentiable augmentation for GANs on little data (Zhao et al. 2020)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def translation(x: Tensor, ratio: float = 0.125, fill: float = -1.0) -> Tensor:
    """Shift each image by up to ``ratio`` of its size along both axes and fill the border with ``fill``. (N,C,H,W) -> (N,C,H,W)."""
    n, _, h, w = x.shape
    rows, columns = (
        torch.arange(size, device=x.device) + torch.randint(-int(size * ratio + 0.5), int(size * ratio + 0.5) + 1, (n, 1), device=x.device)
        for size in (h, w)
    )  # (N,H), (N,W)
    inside = ((rows >= 0) & (rows < h))[:, None, :, None] & ((columns >= 0) & (columns < w))[:, None, None, :]
    shifted = x.permute(0, 2, 3, 1)[
        torch.arange(n, device=x.device)[:, None, None], rows.clamp(0, h - 1)[:, :, None], columns.clamp(0, w - 1)[:, None, :]
    ].permute(0, 3, 1, 2)
    return torch.where(inside, shifted, torch.full_like(shifted, fill))


def cutout(x: Tensor, ratio: float = 0.5, fill: float = 0.0) -> Tensor:
    """Fill a random square with sides of ``ratio`` times the image size; it may cross the border. (N,C,H,W) -> (N,C,H,W)."""
    n, _, h, w = x.shape
    near = []
    for size in (h, w):
        centre = torch.randint(0, size + 1, (n, 1), device=x.device)
        near.append((torch.arange(size, device=x.device) - centre).abs() < size * ratio / 2)
    hole = near[0][:, None, :, None] & near[1][:, None, None, :]
    return torch.where(hole, torch.full_like(x, fill), x)


def color(x: Tensor) -> Tensor:
    """Random brightness, saturation and contrast per image. (N,C,H,W) -> (N,C,H,W)."""

    def draw() -> Tensor:
        return torch.rand(len(x), 1, 1, 1, device=x.device)

    x = x + (draw() - 0.5)
    x = (x - x.mean(1, keepdim=True)) * (draw() * 2) + x.mean(1, keepdim=True)
    return (x - x.mean((1, 2, 3), keepdim=True)) * (draw() + 0.5) + x.mean((1, 2, 3), keepdim=True)


POLICIES: dict[str, Callable[[Tensor], Tensor]] = dict(translation=translation, cutout=cutout, color=color)


def diff_augment(x: Tensor, policies: Sequence[str]) -> Tensor:
    """Augment the discriminator's inputs, real and generated images alike; gradients pass through.

    Args:
        x: Images, float (N,C,H,W) in [-1,1].
        policies: Names of augmentations in :data:`POLICIES`, applied in this order.

    Returns:
        Augmented images, float (N,C,H,W).

    Raises:
        ValueError: A name is unknown.
    """
    for name in policies:
        if name not in POLICIES:
            raise ValueError(f'unknown augmentation "{name}"; known are {sorted(POLICIES)}')
        x = POLICIES[name](x)
    return x
