"""Column SD of Table 1: diversity of the shapes within a class.

SD is the mean Chamfer distance over pairs of outlines of one class, averaged over classes. The distance is a sum over the points of an
outline, and the paper does not state their number. Values of this package are comparable with each other, not with those of the paper.
"""

from itertools import combinations

import numpy as np

from mmbdg.addressed import generator_at

MAX_PAIRS = 4950
"""Maximum number of pairs per class: all pairs of 100 samples, the size of a class of BigGAN-sim."""
BLOCK = 8  # pairs at once: their distances fit in the CPU cache


def chamfer_distances(outlines: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Chamfer distances of pairs of outlines: squared distances, summed in both directions (Fan et al. 2017, equation 1).

    .. code-block:: none

        d(A, B) = sum over a of min over b of |a - b|^2  +  sum over b of min over a of |a - b|^2

    Args:
        outlines: Points of the outlines, float32 (N,P,2).
        pairs: Indices of the outlines of each pair, integer (K,2).

    Returns:
        Distances, float64 (K,). They grow with P.
    """
    x, y = (np.ascontiguousarray(outlines[..., axis], np.float32) for axis in (0, 1))
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), BLOCK):
        first, second = pairs[start : start + BLOCK].T
        squared = x[first][:, :, None] - x[second][:, None, :]
        squared *= squared
        across = y[first][:, :, None] - y[second][:, None, :]
        across *= across
        squared += across
        found[start : start + BLOCK] = squared.min(axis=2).sum(axis=1, dtype=float) + squared.min(axis=1).sum(axis=1, dtype=float)
    return found


def diversity_of_class(outlines: np.ndarray, seed: int = 0, address: str = '', max_pairs: int = MAX_PAIRS) -> float:
    """SD of one class: mean Chamfer distance over pairs of its outlines.

    Args:
        outlines: Outlines in their unit boxes, float32 (N,P,2).
        seed, address: Seed and address of the random choice of pairs, if there are more than ``max_pairs``. The address identifies the
            class, e.g. its name. Default: 0 and ''.
        max_pairs: Maximum number of compared pairs. If there are more, this many different pairs are drawn. Default: 4950.

    Returns:
        Mean distance; NaN for fewer than two outlines.
    """
    n = len(outlines)
    if n < 2:
        return float('nan')
    return float(chamfer_distances(outlines, _pairs(n, seed, address, max_pairs)).mean())


def _pairs(n: int, seed: int, address: str, max_pairs: int) -> np.ndarray:
    """Pairs i < j of n outlines, int64 (K,2)."""
    if n * (n - 1) // 2 <= max_pairs:
        return np.array(list(combinations(range(n), 2)))
    numbers = np.sort(generator_at('shape diversity', seed, address).choice(n * (n - 1) // 2, max_pairs, replace=False))
    rows = np.arange(n)
    starts = rows * (2 * n - rows - 1) // 2  # number of the first pair of each row: (0, 1), (0, 2) ... (1, 2) ...
    i = np.searchsorted(starts[:-1], numbers, side='right') - 1
    return np.stack([i, numbers - starts[i] + i + 1], axis=1)
