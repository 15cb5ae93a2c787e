import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.measure import find_contours

from mmbdg.outlines import fill_circle, fill_polygon, fill_rectangle


def blob(seed, size=64):
    """A smooth shape, bool (size,size)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2 + 0.5
    angle = np.arctan2(y, x)
    radius = size * (0.3 + sum(rng.uniform(-0.04, 0.04) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 5)))
    return np.hypot(x, y) < radius


@pytest.mark.parametrize('seed', range(4))
def test_within_one_pixel_of_the_outline(seed):
    mask = blob(seed)
    (outline,) = find_contours(mask.astype(float), 0.5)
    drawn = fill_polygon(outline[::3, ::-1] + 0.5, *mask.shape)  # every third vertex, as an annotator would set them
    band = binary_dilation(mask, np.ones((3, 3))) & ~binary_erosion(mask, np.ones((3, 3)))
    assert mask.sum() > 500 and not (drawn != mask)[~band].any()
    assert (drawn != mask).sum() < 0.1 * band.sum()


def test_pixels_by_their_centres():
    square = np.array([[1.6, 1.4], [4.4, 1.4], [4.4, 3.6], [1.6, 3.6]])
    expected = np.zeros((5, 6), bool)
    expected[1:4, 2:4] = True
    assert np.array_equal(fill_polygon(square, 5, 6), expected)
    assert np.array_equal(fill_polygon(square[::-1], 5, 6), expected)
    assert np.array_equal(fill_rectangle(square[[2, 0]], 5, 6), expected)


def test_neighbours_share_no_pixel():
    left, right = np.array([[0, 0], [3.3, 0], [2.2, 8], [0, 8]]), np.array([[3.3, 0], [8, 0], [8, 8], [2.2, 8]])
    assert np.array_equal(fill_polygon(left, 8, 8) ^ fill_polygon(right, 8, 8), np.ones((8, 8), bool))


def test_what_lies_outside_is_cut():
    around = np.array([[-9, -9], [99, -9], [99, 99], [-9, 99.0]])
    assert fill_polygon(around, 4, 5).all() and not fill_polygon(around + 200, 4, 5).any()


def test_circle():
    mask = fill_circle(np.array([[10, 8], [10, 13.0]]), 20, 24)
    assert abs(mask.sum() - np.pi * 25) < 6 and mask[7:9, 9:11].all() and not mask[8, 16]
