import numpy as np
import pytest
import shapely
from drawn_shapes import blob, disc, rectangle
from scipy import ndimage

from mmbdg.analysis.statistics import mask_outline as outline
from mmbdg.analysis.statistics.mask_columns import components, tight_box


def box_outline(shape):
    return outline.unit_box(outline.mask_outline(shape))


@pytest.mark.parametrize(('height', 'width'), [(20, 20), (7, 31), (1, 1), (1, 40), (2, 2)])
def test_a_rectangle_has_four_points_and_length_four(height, width):
    shape = rectangle(3, 5, height, width)
    assert outline.mask_outline(shape).tolist() == [[5, 3], [5 + width, 3], [5 + width, 3 + height], [5, 3 + height]]
    assert outline.polygon_length(box_outline(shape)) == 4
    assert outline.shape_complexity(box_outline(shape)) == 4


def test_a_triangle_is_no_staircase():
    shape = np.tri(100, dtype=bool)
    assert outline.polygon_length(box_outline(shape)) == pytest.approx(2 + np.sqrt(2), rel=1e-3)
    assert outline.shape_complexity(box_outline(shape)) in (3, 4, 5)  # the sharp ends are one pixel wide


@pytest.mark.parametrize(('radius', 'error'), [(14, 0.01), (50, 0.005), (100, 0.005)])
def test_a_disc_is_pi_long(radius, error):
    shape = disc(radius + 2, radius + 2, radius, (2 * radius + 4,) * 2)
    assert outline.polygon_length(box_outline(shape)) == pytest.approx(np.pi, rel=error)


def test_an_ellipse_is_a_disc_in_its_unit_box():
    ys, xs = np.mgrid[:100, :200] + 0.5
    assert outline.polygon_length(box_outline(np.hypot((ys - 50) / 40, (xs - 100) / 90) <= 1)) == pytest.approx(np.pi, rel=0.005)


def test_slanted_square():
    """The outline of a square whose sides have a slope of 1/3 has the right length and four corners."""
    ys, xs = np.mgrid[:160, :160] + 0.5 - 80
    u, v = (3 * xs + ys) / np.sqrt(10), (3 * ys - xs) / np.sqrt(10)
    points = outline.mask_outline((abs(u) <= 50) & (abs(v) <= 50))
    assert outline.polygon_length(points) == pytest.approx(400, rel=0.01)
    assert len(outline.simplify(outline.unit_box(points))) == 4


def edges(shape):
    """Number of pixel edges between inside and outside: the length of the pixel outline, holes included."""
    padded = np.pad(shape, 1).astype(int)
    return sum(int(abs(np.diff(padded, axis=axis)).sum()) for axis in (0, 1))


@pytest.mark.parametrize('seed', range(20))
def test_corners_enclose_the_shape(seed):
    """The pixel outline contains every outer edge of the shape once and has the area of the filled shape."""
    whole = blob(seed, 48, smooth=1 + seed % 3)
    shape = components(whole).largest()
    corners = outline._edge_corners(shape)
    ahead = np.roll(corners, -1, axis=0) - corners
    background, _ = ndimage.label(np.pad(~shape, 1, constant_values=True))  # 4-connected, because the shape is 8-connected
    filled = (background != background[0, 0])[1:-1, 1:-1]
    assert np.count_nonzero(ahead, axis=1).tolist() == [1] * len(corners)
    assert abs(ahead).sum() == edges(filled)
    x, y = corners.T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2 == filled.sum()


@pytest.mark.parametrize('seed', range(20))
def test_box_of_the_outline_is_that_of_the_shape(seed):
    shape = components(blob(seed, 48, smooth=1 + seed % 3)).largest()
    rows, columns = tight_box(shape)
    points = outline.mask_outline(shape)
    assert points.min(axis=0).tolist() == [columns.start, rows.start] and points.max(axis=0).tolist() == [columns.stop, rows.stop]


def test_pixels_that_touch_at_corners_are_passed_twice():
    shape = np.eye(5, dtype=bool)
    for one in (shape, shape[:, ::-1]):
        corners = outline._edge_corners(one)
        assert abs(np.roll(corners, -1, axis=0) - corners).sum() == 20
        assert box_outline(one).min() == 0 and box_outline(one).max() == 1


@pytest.mark.parametrize('seed', range(3))
def test_length_does_not_depend_on_which_way_the_mask_lies(seed):
    shape = components(blob(seed)).largest()
    expected = outline.polygon_length(box_outline(shape))
    for same in (shape[::-1], shape[:, ::-1], shape.T, np.rot90(shape)):
        assert outline.polygon_length(box_outline(same)) == pytest.approx(expected)


def test_length_against_shapely():
    points = box_outline(components(blob(3)).largest())
    assert outline.polygon_length(points) == pytest.approx(shapely.Polygon(points).length)


def kept(points, tolerance):
    """Plain Douglas-Peucker: keep the farthest point of a line and continue on both sides of it."""
    a, b = points[0], points[-1]
    along = np.clip(((points - a) @ (b - a)) / max((b - a) @ (b - a), 1e-300), 0, 1)
    distance = np.linalg.norm(points - (a + along[:, None] * (b - a)), axis=1)
    farthest = int(distance.argmax())
    if distance[farthest] <= tolerance:
        return np.stack([a, b])
    return np.concatenate([kept(points[: farthest + 1], tolerance)[:-1], kept(points[farthest:], tolerance)])


@pytest.mark.parametrize('seed', range(30))
def test_simplification_against_the_recursion(seed):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.random(60)) * 2 * np.pi
    polygon = outline.unit_box(np.stack([np.cos(angles), np.sin(angles)], 1) * (0.8 + 0.2 * rng.random((60, 1))))
    start = int(((polygon - 0.5) ** 2).sum(axis=1).argmax())
    closed = np.concatenate([polygon[start:], polygon[: start + 1]])
    for tolerance in (0.01, 0.05):
        expected = kept(closed, tolerance)[:-1]
        np.testing.assert_array_equal(outline.simplify(polygon, tolerance), expected)
        assert outline.shape_complexity(polygon, tolerance) == len(expected) < 61


def test_points_at_equal_distances():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    assert outline.resample(square, 8).tolist() == [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]]
    points = outline.resample(box_outline(disc(40, 40, 30, (80, 80))), 128)
    gaps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    assert len(points) == 128 and gaps.max() / gaps.min() < 1.1
