"""Fill outlines. Polygons are filled by pycocotools, as mmdet fills them; pixel (0, 0) covers 0 to 1 on both axes."""

from collections.abc import Sequence

import numpy as np

from mmbdg.errors import InputError

FARTHEST = 10**6
"""Largest distance of a polygon's corner from the image, in pixels."""


def fill_polygon(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a polygon by the even-odd rule.

    Args:
        points: Corners in order, float (N,2), N >= 3, x and y in pixels; parts outside the image are clipped.
        height, width: Size of the image in pixels.

    Returns:
        Filled area, bool (height,width).

    Raises:
        InputError: See :func:`check_polygon`.
    """
    return fill_polygons([points], height, width)


def fill_polygons(polygons: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """Union of the filled polygons, see :func:`fill_polygon`; no polygon gives an empty area."""
    from pycocotools import mask as coco

    for points in polygons:
        check_polygon(points, height, width)
    if not len(polygons):
        return np.zeros((height, width), bool)
    outlines = [np.asarray(points, np.float64).ravel().tolist() for points in polygons]
    return coco.decode(coco.merge(coco.frPyObjects(outlines, height, width))).astype(bool)


def check_polygon(points: np.ndarray, height: int, width: int) -> None:
    """Check a polygon before pycocotools reads it: it crashes on some polygons, and needs memory in proportion to the outline's length.

    Raises:
        InputError: The polygon has fewer than three corners, a corner is not finite or lies more than :data:`FARTHEST` pixels outside
            the image, or the outline is longer than any outline in such an image can be.
    """
    text = str(np.asarray(points).tolist())[:80]
    if len(points) < 3:
        raise InputError(f'has the polygon {text}; it takes x, y of three corners at least')
    if not (np.abs(points) <= FARTHEST).all():  # also refuses NaN
        raise InputError(f'has the polygon {text}; its numbers must lie within {FARTHEST:,} pixels of the image')
    if np.abs(points - np.roll(points, -1, axis=0)).max(axis=1).sum() > 4 * (height * width + FARTHEST):
        raise InputError(f'has the polygon {text}, which is longer than any in an image of {width}x{height} px')


def fill_rectangle(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a rectangle: two opposite corners, float (2,2) -> bool (height,width)."""
    (x0, y0), (x1, y1) = points
    return fill_polygon(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), height, width)


def fill_circle(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a circle: its centre and a point on it, float (2,2) -> bool (height,width), the pixels whose centres lie inside."""
    (x, y), rim = points
    ys, xs = np.mgrid[:height, :width] + 0.5
    return np.hypot(xs - x, ys - y) <= np.hypot(rim[0] - x, rim[1] - y)
