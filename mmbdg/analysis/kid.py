"""Kernel distance between two sets of features."""

import numpy as np


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy with the cubic kernel (x.y / d + 1)^3, unbiased (KID, Binkowski et al. 2018, equation 4).

    Only with features of the standard Inception-v3 is it "KID"; with others it is named after them.

    Args:
        x, y: Features (n,d) and (m,d), n, m >= 2; computed in float64.

    Returns:
        0 in expectation for samples of one distribution; can be slightly negative.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    n, m, d = len(x), len(y), x.shape[1]
    if n < 2 or m < 2:
        raise ValueError(f'the kernel distance needs at least two samples of each kind, got {n} and {m}')
    kxx, kyy, kxy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (kxx.sum() - np.trace(kxx)) / (n * (n - 1))
    within_y = (kyy.sum() - np.trace(kyy)) / (m * (m - 1))
    return float(within_x + within_y - 2 * kxy.mean())
