"""Correspondence of two views in the features of a backbone, by the rule of DenseCL (section 3.3), and its drawing."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CORNERS = np.array([[[225, 45, 45], [245, 215, 40]], [[50, 95, 235], [45, 205, 95]]])
"""RGB colours of the corners of a view. The colour between them is interpolated, so a colour shows the position in view 1."""


class Matches(NamedTuple):
    """The best match in view 2 of each of the H x W cells of view 1, for N images."""

    cells: Tensor
    """Indices of the H' x W' cells of view 2, row by row, int64 (N,H,W)."""
    similarities: Tensor
    """Cosine similarities, -1 to 1, float (N,H,W)."""

    @property
    def distinct(self) -> float:
        """Number of different matched cells of view 2, divided by the number of cells of view 1; mean over the images. It is 1 / (H x W)
        if all cells of view 1 have the same match."""
        cells = self.cells.flatten(1)
        return sum(len(row.unique()) for row in cells) / cells.numel()


def best_matches(first: Tensor, second: Tensor) -> Matches:
    """Find the cell of ``second`` with the largest cosine similarity to each cell of ``first`` (the rule of DenseCL).

    Args:
        first: Feature map of view 1, float (N,C,H,W).
        second: Feature map of view 2 of the same images, float (N,C,H',W').
    """
    rows, columns = (torch.nn.functional.normalize(maps.flatten(2), dim=1) for maps in (first, second))
    similarities, cells = torch.einsum('ncp,ncq->npq', rows, columns).max(dim=2)
    return Matches(*(found.reshape(len(first), *first.shape[2:]) for found in (cells, similarities)))


def draw_matches(
    first: np.ndarray, second: np.ndarray, cells: np.ndarray, shape: tuple[int, int], most: int = 49, side: int = 192, gap: int = 24
) -> np.ndarray:
    """Draw both views side by side, with a line and two end points from each cell of view 1 to its match.

    Args:
        first, second: RGB images of the two views, uint8 (A,B,3), of equal size.
        cells: Matches of one image (see :class:`Matches`), integer (H,W).
        shape: Number of cells of view 2, (H',W').
        most: Maximum number of lines. If there are more cells, evenly spaced cells are drawn. Default: 49.
        side: Maximum long side of an enlarged view in pixels. Views are enlarged by an integer factor. Default: 192.
        gap: Space between the views in pixels. Default: 24.

    Returns:
        RGB image, uint8 (A',B',3): A' is the enlarged height, B' is twice the enlarged width plus the gap. The colours of the lines are
        :func:`position_colours` of view 1.
    """
    from PIL import Image, ImageDraw

    times = max(1, side // max(first.shape[:2]))
    first, second = (view.repeat(times, axis=0).repeat(times, axis=1) for view in (first, second))
    height, width = first.shape[:2]
    picture = Image.fromarray(np.concatenate([first, np.full((height, gap, 3), 255, np.uint8), second], axis=1))
    starts = cell_centres(cells.shape, (height, width))
    ends = cell_centres(shape, (height, width)) + [width + gap, 0]
    colours = position_colours(cells.shape).reshape(-1, 3)
    radius, draw = max(2, height // 64), ImageDraw.Draw(picture)
    chosen = np.linspace(0, cells.size - 1, min(most, cells.size)).round().astype(int)
    lines = [(tuple(starts[i]), tuple(ends[cells.flat[i]]), tuple(colours[i].tolist())) for i in chosen]
    for start, end, colour in lines:
        draw.line([start, end], fill=colour, width=max(1, radius // 2))
    for start, end, colour in lines:  # the points are drawn over all lines
        for x, y in (start, end):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline=(0, 0, 0))
    return np.asarray(picture)


def cell_centres(shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Centres (x, y) of H x W cells, row by row, in an image of ``size`` (height, width): int64 (H*W,2)."""
    ys, xs = ((np.arange(n) + 0.5) * extent / n for n, extent in zip(shape, size, strict=True))
    return np.stack([grid.ravel() for grid in np.meshgrid(xs, ys)], axis=1).astype(int)


def position_colours(shape: tuple[int, int]) -> np.ndarray:
    """Colours of H x W cells, interpolated between :data:`CORNERS`: uint8 (H,W,3)."""
    down, right = (np.linspace(0, 1, n) if n > 1 else np.array([0.5]) for n in shape)
    weights = np.stack([1 - down, down])[:, None, :, None] * np.stack([1 - right, right])[None, :, None, :]
    return np.einsum('abhw,abc->hwc', weights, CORNERS).round().astype(np.uint8)
