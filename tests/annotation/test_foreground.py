import numpy as np
import pytest

from mmbdg.annotation.foreground import fashion_foreground


def test_rule():
    image = np.zeros((12, 12), np.uint8)
    image[2:9, 2:9] = 100
    image[4:6, 4:6] = 0  # a hole is filled
    image[2:9, 7] = 0  # a slit of one pixel is closed, except for its ends
    image[10, 10] = 8  # values up to 8 are background
    expected = np.zeros((12, 12), bool)
    expected[2:9, 2:9] = True
    expected[[2, 8], 7] = False
    assert np.array_equal(fashion_foreground(image), expected)
    assert np.array_equal(fashion_foreground(np.repeat(image[..., None], 3, 2)), expected)
    image[10, 10] = 9
    assert fashion_foreground(image)[10, 10]
    assert not fashion_foreground(image, threshold=16)[10, 10]


def test_other_images_are_refused():
    with pytest.raises(ValueError, match='uint8'):
        fashion_foreground(np.zeros((4, 4), np.float32))
