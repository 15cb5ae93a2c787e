from itertools import combinations

import numpy as np
import pytest

from mmbdg.analysis.statistics import shape_diversity as diversity
from mmbdg.analysis.statistics.mask_outline import resample


def chamfer(a, b):
    squared = ((a[:, None].astype(float) - b[None]) ** 2).sum(axis=2)
    return squared.min(axis=1).sum() + squared.min(axis=0).sum()


def test_against_every_pair_by_hand():
    outlines = np.random.default_rng(0).random((11, 16, 2)).astype(np.float32)
    pairs = np.array(list(combinations(range(11), 2)))
    found = diversity.chamfer_distances(outlines, pairs)
    expected = [chamfer(outlines[i], outlines[j]) for i, j in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert diversity.diversity_of_class(outlines) == pytest.approx(np.mean(expected), rel=1e-5)
    assert chamfer(outlines[0], outlines[1]) == pytest.approx(chamfer(outlines[1], outlines[0]))


def test_a_shifted_shape():
    """Chamfer distances of shifted lines.

    A line shifted across its direction by d has the distance 2 P d^2. Shifted along it by one gap, only the end points differ.
    """
    line = np.stack([np.arange(128) / 128, np.zeros(128)], axis=1)
    outlines = np.stack([line, line + [0, 0.25], line + [1 / 128, 0]]).astype(np.float32)
    across, along = diversity.chamfer_distances(outlines, np.array([[0, 1], [0, 2]]))
    assert across == pytest.approx(2 * 128 * 0.25**2)
    assert along == pytest.approx(2 / 128**2)


def test_squares_of_which_one_is_moved():
    """Chamfer distance of a square shifted along x by one gap between its points.

    The points of two sides coincide with other points. Those of the other sides move by the gap.
    """
    square = resample(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float), 128)
    outlines = np.stack([square, square + [1 / 32, 0]]).astype(np.float32)
    (found,) = diversity.chamfer_distances(outlines, np.array([[0, 1]]))
    assert found == pytest.approx(2 * (33 + 31) / 32**2, rel=1e-5)  # the ends of the other sides coincide with points of the first two


def test_equal_shapes_and_single_ones():
    same = np.repeat(np.random.default_rng(1).random((1, 8, 2)), 4, axis=0).astype(np.float32)
    assert diversity.diversity_of_class(same) == 0
    assert np.isnan(diversity.diversity_of_class(same[:1])) and np.isnan(diversity.diversity_of_class(same[:0]))


@pytest.mark.parametrize(('n', 'limit'), [(5, 10), (5, 9), (60, 100), (200_000, 50)])
def test_pairs(n, limit):
    pairs = diversity._pairs(n, 0, 'bag', limit)
    assert len(pairs) == len(set(map(tuple, pairs.tolist()))) == min(limit, n * (n - 1) // 2)
    assert (pairs[:, 0] >= 0).all() and (pairs[:, 0] < pairs[:, 1]).all() and (pairs[:, 1] < n).all()
    assert np.array_equal(pairs, diversity._pairs(n, 0, 'bag', limit))
    if limit < n:
        assert not np.array_equal(pairs, diversity._pairs(n, 1, 'bag', limit))
        assert not np.array_equal(pairs, diversity._pairs(n, 0, 'coat', limit))


def test_every_pair_can_be_drawn():
    drawn = {tuple(pair) for seed in range(40) for pair in diversity._pairs(6, seed, '', 3).tolist()}
    assert drawn == set(combinations(range(6), 2))


def test_drawn_pairs_estimate_the_mean_of_all():
    outlines = np.random.default_rng(2).random((80, 16, 2)).astype(np.float32)
    everything = diversity.diversity_of_class(outlines)
    assert diversity.diversity_of_class(outlines, max_pairs=1000) == pytest.approx(everything, rel=0.02)
