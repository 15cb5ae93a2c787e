"""Bilinear resizing of square maps, whole or some rows of it."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F


def resize(x: Tensor, resolution: int) -> Tensor:
    """(N,C,S,S) -> (N,C,resolution,resolution), bilinear, corners not aligned."""
    return x if x.shape[-1] == resolution else F.interpolate(x, size=(resolution, resolution), mode='bilinear', align_corners=False)


def in_step(source: int, resolution: int) -> bool:
    """Whether rows of a resized map can be computed from some rows of its source: one of the two is a multiple of the other."""
    return max(source, resolution) % min(source, resolution) == 0


def resized_rows(x: Tensor, resolution: int, start: int, stop: int, before: Callable[[Tensor], Tensor] = lambda rows: rows) -> Tensor:
    """Rows ``start`` to ``stop`` of ``resize(before(x), resolution)``, computed from the rows of x they depend on.

    Args:
        x: (N,C,S,S).
        resolution: Of the resized map; see :func:`in_step`, or start and stop are all of it.
        start, stop: Its rows.
        before: Applied first, to each pixel for itself, e.g. a 1x1 convolution.

    Returns:
        (N,C',stop - start,resolution).
    """
    source = x.shape[-1]
    if (start, stop) == (0, resolution):
        return resize(before(x), resolution)
    if source == resolution:
        return before(x[..., start:stop, :])
    if source > resolution:  # a row in the middle of each ratio rows
        ratio = source // resolution
        first, beyond = start * ratio, stop * ratio
        return F.interpolate(before(x[..., first:beyond, :]), size=(stop - start, resolution), mode='bilinear', align_corners=False)
    ratio = resolution // source
    # One row more on both sides: the edge of a part is not the edge of the picture.
    first, beyond = max(0, start // ratio - 1), min(source, -(-stop // ratio) + 1)
    rows = F.interpolate(before(x[..., first:beyond, :]), size=((beyond - first) * ratio, resolution), mode='bilinear', align_corners=False)
    return rows[..., start - first * ratio : stop - first * ratio, :]
