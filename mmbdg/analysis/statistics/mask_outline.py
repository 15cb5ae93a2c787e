"""Outlines of masks, and the columns of Table 1 that are taken from them: PL and SC.

An outline runs along the edges of pixels, so that a filled square has the length and the corners of a square. Taken literally that makes
a staircase of every slanted side: any disc would be as long as its box. Therefore a step of one pixel (the outline turns one way, goes on
for one pixel, and turns back) is crossed at its middle, which is where the side it stands for passes. Where the outline is farthest out
between two steps, as on top of a disc, it passes through the middle of that edge, so that the box of an outline is that of its mask.

The paper says that polygons are normalised to a width and height of 1, not how they were traced: columns PL and SC compare sets that
were measured here, and only roughly those of the paper.
"""

import numpy as np

from mmbdg.errors import InputError

TOLERANCE = 0.01
"""Of the simplification, in the unit box (paper, section 5.1)."""


def mask_outline(shape: np.ndarray) -> np.ndarray:
    """The outer outline of one component; holes are not seen.

    Args:
        shape: bool (H,W), one 8-connected component; of several the first is traced.

    Returns:
        float64 (N,2), N >= 4: x and y in pixels, pixel (0, 0) reaches from 0 to 1; the inside is on the right as it runs; it begins in the
        uppermost row and does not repeat its first point.
    """
    corners = _edge_corners(shape)
    ahead = np.roll(corners, -1, axis=0) - corners
    behind = np.roll(ahead, 1, axis=0)
    right_turn = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0] > 0
    turns_back = right_turn != np.roll(right_turn, -1)
    step = turns_back & (np.abs(ahead).sum(axis=1) == 1)
    after_step, before_step = np.roll(step, 1), np.roll(step, -1)
    corner_stays, middle_stays = ~step & ~after_step, step | (~turns_back & after_step & before_step)
    points = np.stack([corners.astype(np.float64), corners + ahead / 2], axis=1)
    return points[np.stack([corner_stays, middle_stays], axis=1)]


def _edge_corners(shape: np.ndarray) -> np.ndarray:
    """Corners int64 (N,2), x and y, of the outline along the edges of pixels.

    The corners of a row, from left to right, are ends of horizontal edges by pairs; those of a column, of vertical ones.
    """
    up_left, up_right, low_left, low_right = (np.pad(shape, ((dy, 1 - dy), (dx, 1 - dx))) for dy, dx in ((1, 1), (1, 0), (0, 1), (0, 0)))
    # Where two pixels touch at a corner the outline passes twice: the corner ends an edge on its left, and begins one on its right.
    touch = (up_left == low_right) & (up_right == low_left) & (up_left != up_right)
    turn = up_left ^ up_right ^ low_left ^ low_right
    ys, xs = np.nonzero(turn | touch)
    times = np.where(touch[ys, xs], 2, 1)
    ys, xs = ys.repeat(times), xs.repeat(times)
    second = np.zeros(len(ys), bool)
    second[1:] = (ys[1:] == ys[:-1]) & (xs[1:] == xs[:-1])
    # Pixels that touch belong together: from the left the outline turns away from them, down if they are upper left and lower right.
    below = second ^ (touch & up_left)[ys, xs]
    by_column = np.lexsort((below, ys, xs))
    across, along = np.arange(len(ys)) ^ 1, np.empty(len(ys), int)
    along[by_column] = by_column[np.arange(len(ys)) ^ 1]
    partners = across.tolist(), along.tolist()
    order, here, vertical = [0], partners[0][0], 1
    while here != 0:
        order.append(here)
        here, vertical = partners[vertical][here], 1 - vertical
    return np.stack([xs[order], ys[order]], axis=1)


def unit_box(points: np.ndarray) -> np.ndarray:
    """Points (N,2) moved and stretched to a width and a height of 1, each axis on its own; float64."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / (high - low)


def polygon_length(outline: np.ndarray) -> float:
    """PL: length of a closed polygon, float (N,2) in its unit box: 4 for a rectangle, pi for an ellipse."""
    return float(np.hypot(*(np.roll(outline, -1, axis=0) - outline).T).sum())


def simplify(outline: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """A closed polygon by fewer of its points, as Douglas and Peucker (1973) choose them.

    The polygon is opened at the point farthest from the middle of its box, a corner wherever there is one.

    Args:
        outline: float (N,2).
        tolerance: No point of it lies farther from the result.

    Returns:
        float64 (M,2), M <= N; the first point is not repeated.

    Raises:
        InputError: shapely is not installed.
    """
    try:
        import shapely
    except ModuleNotFoundError as error:
        raise InputError('the complexity of shapes needs shapely, which is not installed: pip install shapely') from error
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    start = int(((outline - middle) ** 2).sum(axis=1).argmax())
    opened = np.roll(outline, -start, axis=0)
    line = shapely.LineString(np.concatenate([opened, opened[:1]]))
    return shapely.get_coordinates(shapely.simplify(line, tolerance, preserve_topology=False))[:-1]


def shape_complexity(outline: np.ndarray, tolerance: float = TOLERANCE) -> int:
    """SC: points of the simplified outline, float (N,2) in its unit box; see :func:`simplify`."""
    return len(simplify(outline, tolerance))


def resample(outline: np.ndarray, points: int) -> np.ndarray:
    """Points at equal distances along a closed polygon (N,2), from its first on: float64 (points,2)."""
    closed = np.concatenate([outline, outline[:1]])
    lengths = np.concatenate([[0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    places = np.arange(points) * (lengths[-1] / points)
    return np.stack([np.interp(places, lengths, closed[:, axis]) for axis in (0, 1)], axis=1)
