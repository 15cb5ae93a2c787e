import numpy as np
import pytest
from drawn_shapes import blob, disc, rectangle

from mmbdg.analysis.statistics.mask_columns import (
    box_ratio,
    components,
    foreground,
    instance_count,
    mask_box_ratio,
    mask_ratio,
    tight_box,
)


def test_foreground_is_what_is_neither_background_nor_ignored():
    mask = np.array([[0, 1, 255], [7, 254, 0]], np.uint8)
    assert foreground(mask, 255).tolist() == [[False, True, False], [True, True, False]]
    assert foreground(mask, 65535).sum() == 4  # with more than 254 labels 255 is a label
    wide = np.array([[300, 65535, 0]], np.uint16)
    assert foreground(wide, 65535).tolist() == [[True, False, False]]


def test_a_square():
    square = rectangle(3, 5, 16, 16, (32, 64))
    assert mask_ratio(square) == box_ratio(square) == 256 / (32 * 64)
    assert mask_box_ratio(square) == 1
    assert tight_box(square) == (slice(3, 19), slice(5, 21))


def test_two_squares_in_corners_of_the_image():
    mask = rectangle(0, 0, 8, 8, (32, 32)) | rectangle(24, 24, 8, 8, (32, 32))
    assert (instance_count(components(mask)), mask_ratio(mask), box_ratio(mask), mask_box_ratio(mask)) == (2, 0.125, 1, 0.125)


def test_disc_in_its_box():
    assert mask_box_ratio(disc(50, 50, 40, (100, 100))) == pytest.approx(np.pi / 4, rel=2e-3)


def test_instances():
    assert instance_count(components(disc(16, 16, 8) | disc(48, 48, 8))) == 2
    specks = rectangle(0, 0, 1, 29) | rectangle(10, 0, 1, 30)
    assert instance_count(components(specks)) == 1
    assert instance_count(components(specks), min_pixels=29) == 2
    assert instance_count(components(specks), min_pixels=31) == 0
    touching = rectangle(0, 0, 8, 8) | rectangle(8, 8, 8, 8)  # they touch at a corner: one component
    assert components(touching).sizes.tolist() == [128]


def test_components_against_a_flood():
    mask = blob(0)
    found = components(mask)
    left, sizes = mask.copy(), []
    for y, x in np.argwhere(mask):
        if not left[y, x]:
            continue
        stack, size = [(y, x)], 0
        left[y, x] = False
        while stack:
            y0, x0 = stack.pop()
            size += 1
            for y1 in range(max(y0 - 1, 0), min(y0 + 2, 64)):
                for x1 in range(max(x0 - 1, 0), min(x0 + 2, 64)):
                    if left[y1, x1]:
                        left[y1, x1] = False
                        stack.append((y1, x1))
        sizes.append(size)
    assert len(sizes) > 2 and found.sizes.tolist() == sizes
    assert found.largest().sum() == max(sizes)


def test_largest_of_equal_ones_is_the_first():
    assert components(rectangle(0, 0, 5, 5) | rectangle(20, 20, 5, 5)).largest()[0, 0]


def test_nothing():
    empty = np.zeros((8, 8), bool)
    assert (instance_count(components(empty)), mask_ratio(empty), box_ratio(empty)) == (0, 0, 0)
    assert np.isnan(mask_box_ratio(empty)) and tight_box(empty) is None
