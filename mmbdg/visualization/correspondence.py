"""Which places of two views look the same to a backbone: found as DenseCL finds them (section 3.3), and drawn."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CORNERS = np.array([[[225, 45, 45], [245, 215, 40]], [[50, 95, 235], [45, 205, 95]]])
"""RGB of a view's corners; what lies between is mixed from them, so a colour says where in view 1 a point is."""


class Matches(NamedTuple):
    """The best match in view 2 of each of the H x W cells of view 1, for N images."""

    cells: Tensor
    """int64 (N,H,W), indices into the H' x W' cells of view 2, row by row."""
    similarities: Tensor
    """float (N,H,W), cosines, -1 to 1."""

    @property
    def distinct(self) -> float:
        """Cells of view 2 that are matched by any, as a part of all cells of view 1; mean over the images. 1 / (H x W) where all cells
        of view 1 have the same match."""
        cells = self.cells.flatten(1)
        return sum(len(row.unique()) for row in cells) / cells.numel()


def best_matches(first: Tensor, second: Tensor) -> Matches:
    """The cell of ``second`` with the largest cosine similarity, for each cell of ``first``: DenseCL's rule.

    Args:
        first: float (N,C,H,W), a backbone's map of view 1.
        second: float (N,C,H',W'), of view 2 of the same images.
    """
    rows, columns = (torch.nn.functional.normalize(maps.flatten(2), dim=1) for maps in (first, second))
    similarities, cells = torch.einsum('ncp,ncq->npq', rows, columns).max(dim=2)
    return Matches(*(found.reshape(len(first), *first.shape[2:]) for found in (cells, similarities)))


def draw_matches(
    first: np.ndarray, second: np.ndarray, cells: np.ndarray, shape: tuple[int, int], most: int = 49, side: int = 192, gap: int = 24
) -> np.ndarray:
    """Both views side by side; a line from each cell of view 1 to its match, with a point at both ends.

    Args:
        first, second: uint8 (A,B,3), RGB; both of the same size.
        cells: integer (H,W), one image of :class:`Matches`.
        shape: (H',W'), cells of view 2.
        most: Lines; where there are more cells, evenly spread ones are drawn.
        side: The views are enlarged by whole pixels as far as they stay below this.
        gap: Pixels between the views.

    Returns:
        uint8 (A',B',3), A' the enlarged height and B' twice the enlarged width and the gap. Colours: :func:`position_colours` of view 1.
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
    for start, end, colour in lines:  # above all lines
        for x, y in (start, end):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline=(0, 0, 0))
    return np.asarray(picture)


def cell_centres(shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Centres (x, y) of H x W cells, row by row, in a picture of ``size`` (height, width): int64 (H*W,2)."""
    ys, xs = ((np.arange(n) + 0.5) * extent / n for n, extent in zip(shape, size, strict=True))
    return np.stack([grid.ravel() for grid in np.meshgrid(xs, ys)], axis=1).astype(int)


def position_colours(shape: tuple[int, int]) -> np.ndarray:
    """Colours of H x W cells, mixed from :data:`CORNERS`: uint8 (H,W,3)."""
    down, right = (np.linspace(0, 1, n) if n > 1 else np.array([0.5]) for n in shape)
    weights = np.stack([1 - down, down])[:, None, :, None] * np.stack([1 - right, right])[None, :, None, :]
    return np.einsum('abhw,abc->hwc', weights, CORNERS).round().astype(np.uint8)
