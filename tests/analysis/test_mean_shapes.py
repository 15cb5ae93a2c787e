import numpy as np
import pytest
from drawn_shapes import disc, rectangle

from mmbdg.analysis.statistics import mean_shapes as module
from mmbdg.analysis.statistics.mean_shapes import crop_to_box, mean_shapes


def test_crop_is_the_part_of_each_pixel_that_is_covered():
    assert (crop_to_box(rectangle(3, 7, 16, 32), 8) == 255).all()
    triangle = np.tri(16, dtype=bool)
    expected = triangle.reshape(4, 4, 4, 4).mean(axis=(1, 3)) * 255
    np.testing.assert_allclose(crop_to_box(np.pad(triangle, 5), 4), expected, atol=1)
    assert crop_to_box(triangle, 32).dtype == np.uint8 and crop_to_box(triangle, 32)[0, 31] == 0  # small shapes are enlarged
    assert not crop_to_box(np.zeros((9, 9), bool), 32).any()


def drawn_modes():
    """70 discs and 30 inverted triangles of different sizes."""
    discs = [disc(32, 32, 20 + i % 7) for i in range(70)]
    triangles = [np.tri(20 + i, dtype=bool)[::-1] for i in range(30)]
    return np.stack([crop_to_box(mask, 32) for mask in discs + triangles])


def test_two_modes_are_found():
    crops = drawn_modes()
    found = mean_shapes(crops, clusters=2)
    np.testing.assert_allclose(found.shares, [0.7, 0.3])
    np.testing.assert_allclose(found.shapes[0], crops[:70].mean(axis=0) / 255, atol=1e-5)
    np.testing.assert_allclose(found.shapes[1], crops[70:].mean(axis=0) / 255, atol=1e-5)


def test_five_clusters_and_their_mean():
    crops = drawn_modes()
    found = mean_shapes(crops)
    assert found.shapes.shape == (5, 32, 32) and found.shares.sum() == pytest.approx(1)
    assert (np.diff(found.shares) <= 0).all() and found.shapes.min() >= 0 and found.shapes.max() <= 1
    np.testing.assert_allclose(np.tensordot(found.shares, found.shapes, 1), crops.mean(axis=0) / 255, atol=1e-5)
    again = mean_shapes(crops)
    assert np.array_equal(again.shapes, found.shapes) and np.array_equal(again.shares, found.shares)


def test_fewer_masks_than_clusters():
    crops = drawn_modes()
    assert len(mean_shapes(crops[:3]).shares) == 3
    assert mean_shapes(np.repeat(crops[:1], 9, axis=0)).shares.tolist() == [1]
    assert mean_shapes(crops[:0]).shapes.shape == (0, 32, 32)


def test_large_classes_are_drawn_from(monkeypatch):
    monkeypatch.setattr(module, 'MAX_SAMPLES', 40)
    found = mean_shapes(drawn_modes(), clusters=2)
    assert (found.shares * 40 == (found.shares * 40).round()).all() and found.shares[0] == pytest.approx(0.7, abs=0.2)
