"""Rasterisation of outlines. A pixel belongs to a shape if its centre lies inside; pixel (0, 0) covers 0 to 1 on both axes."""

import numpy as np


def fill_polygon(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a polygon by the even-odd rule.

    Args:
        points: Corners in order, float (N,2), x and y in pixels; parts outside the image are clipped.
        height, width: Size of the image in pixels.

    Returns:
        Filled area, bool (height,width).
    """
    toggles = np.zeros((height, width + 1), np.int64)  # an edge swaps inside and outside for all pixel centres to its right
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = min(y0, y1), max(y0, y1)
        rows = np.arange(np.clip(np.ceil(low - 0.5), 0, height), np.clip(np.ceil(high - 0.5), 0, height)).astype(int)
        if len(rows):
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            np.add.at(toggles, (rows, np.clip(np.ceil(x - 0.5), 0, width).astype(int)), 1)
    return toggles.cumsum(axis=1)[:, :width] % 2 == 1


def fill_rectangle(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a rectangle: two opposite corners, float (2,2) -> bool (height,width)."""
    (x0, y0), (x1, y1) = points
    return fill_polygon(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), height, width)


def fill_circle(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a circle: its centre and a point on it, float (2,2) -> bool (height,width)."""
    (x, y), rim = points
    ys, xs = np.mgrid[:height, :width] + 0.5
    return np.hypot(xs - x, ys - y) <= np.hypot(rim[0] - x, rim[1] - y)
