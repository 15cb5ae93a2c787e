"""Column SD of Table 1: how much the shapes of a class differ.

The mean Chamfer distance over pairs of one class's outlines, averaged over classes. It sums over the points of an outline, and the paper
does not say how many it took: the value compares sets that were measured alike, and is not the paper's.
"""

from itertools import combinations

import numpy as np

from mmbdg.addressed import generator_at

MAX_PAIRS = 4950
"""Of a class that are compared at most: all of 100 samples, as many as a class of BigGAN-sim has."""
BLOCK = 8  # pairs at once, whose distances stay in the cache


def chamfer_distances(outlines: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Chamfer distance of pairs of outlines, squared distances summed both ways (Fan et al. 2017, equation 1).

    .. code-block:: none

        d(A, B) = sum over a of min over b of |a - b|^2  +  sum over b of min over a of |a - b|^2

    Args:
        outlines: float32 (N,P,2), points of each.
        pairs: integer (K,2), indices into them.

    Returns:
        float64 (K,); it grows with P, as it sums over points.
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
        outlines: float32 (N,P,2), each in its unit box.
        seed, address: Of the choice of pairs where there are more than ``max_pairs``; the address is the class, e.g. its name.
        max_pairs: All pairs are compared up to this many; else this many different ones, drawn.

    Returns:
        NaN for less than two outlines.
    """
    n = len(outlines)
    if n < 2:
        return float('nan')
    return float(chamfer_distances(outlines, _pairs(n, seed, address, max_pairs)).mean())


def _pairs(n: int, seed: int, address: str, max_pairs: int) -> np.ndarray:
    """Pairs i < j of n things, int64 (K,2)."""
    if n * (n - 1) // 2 <= max_pairs:
        return np.array(list(combinations(range(n), 2)))
    numbers = np.sort(generator_at('shape diversity', seed, address).choice(n * (n - 1) // 2, max_pairs, replace=False))
    rows = np.arange(n)
    starts = rows * (2 * n - rows - 1) // 2  # number of the first pair of each row: (0, 1), (0, 2) ... (1, 2) ...
    i = np.searchsorted(starts[:-1], numbers, side='right') - 1
    return np.stack([i, numbers - starts[i] + i + 1], axis=1)
