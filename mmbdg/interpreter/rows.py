"""Bilinear resizing of square maps, as a whole or for a range of rows."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F


def resize(x: Tensor, resolution: int) -> Tensor:
    """Resize bilinearly, without aligned corners: (N,C,S,S) -> (N,C,resolution,resolution)."""
    return x if x.shape[-1] == resolution else F.interpolate(x, size=(resolution, resolution), mode='bilinear', align_corners=False)


def in_step(source: int, resolution: int) -> bool:
    """Whether a range of rows of the resized map can be computed from a range of rows of its source.

    This needs one of the two resolutions to be a multiple of the other.
    """
    return max(source, resolution) % min(source, resolution) == 0


def resized_rows(x: Tensor, resolution: int, start: int, stop: int, before: Callable[[Tensor], Tensor] = lambda rows: rows) -> Tensor:
    """Compute rows ``start`` to ``stop`` of ``resize(before(x), resolution)`` from the rows of x that they depend on.

    Args:
        x: Map (N,C,S,S).
        resolution: Resolution of the resized map. Unless all rows are requested, it must fulfil :func:`in_step`.
        start, stop: First row, and the row after the last one.
        before: Function that is applied before resizing. It must treat each pixel independently, e.g. a 1x1 convolution.
            Default: identity.

    Returns:
        (N,C',stop - start,resolution).
    """
    source = x.shape[-1]
    if (start, stop) == (0, resolution):
        return resize(before(x), resolution)
    if source == resolution:
        return before(x[..., start:stop, :])
    if source > resolution:  # each row depends on the middle of its ``ratio`` source rows only
        ratio = source // resolution
        first, beyond = start * ratio, stop * ratio
        return F.interpolate(before(x[..., first:beyond, :]), size=(stop - start, resolution), mode='bilinear', align_corners=False)
    ratio = resolution // source
    # One more row on both sides, because the edge of a part is not the edge of the image.
    first, beyond = max(0, start // ratio - 1), min(source, -(-stop // ratio) + 1)
    rows = F.interpolate(before(x[..., first:beyond, :]), size=((beyond - first) * ratio, resolution), mode='bilinear', align_corners=False)
    return rows[..., start - first * ratio : stop - first * ratio, :]
