"""The best threshold against a search over all rules by hand."""

import numpy as np
import pytest

from mmbdg.analysis.statistics.best_threshold import best_threshold


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


def test_against_a_search():
    rng = np.random.default_rng(0)
    mask = rng.random((9, 11)) < 0.4
    image = rng.integers(0, 150, (9, 11, 3)).astype(np.uint8)
    image[mask, 2] += 90  # the foreground is bluer
    found = best_threshold([(image[:4], mask[:4] * 7), (image[4:], mask[4:])])
    assert (found.channel, found.above) == ('blue', True)
    scores = [(iou(rule := image[..., 2] > level, mask) + iou(~rule, ~mask)) / 2 for level in range(255)]
    assert found.miou == pytest.approx(max(scores)) and found.level == int(np.argmax(scores))
    assert found.foreground == pytest.approx(iou(image[..., 2] > found.level, mask))


def test_dark_foreground_is_found_too():
    image = np.full((4, 4, 3), 200, np.uint8)
    image[:2] = 10
    found = best_threshold([(image, np.arange(16).reshape(4, 4) < 8)])
    assert not found.above and found.miou == found.foreground == 1


def test_no_images():
    with pytest.raises(ValueError, match='no images'):
        best_threshold([])
