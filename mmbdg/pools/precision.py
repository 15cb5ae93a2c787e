"""Precision of a ranking of which the truth is known."""

from collections.abc import Sequence

import numpy as np


def precision_at(relevant: Sequence[bool] | np.ndarray, k: int) -> float:
    """Part of the first k hits that are relevant; of all hits, if there are fewer.

    Args:
        relevant: Whether each hit is relevant, in the order of the ranking, (N,).
        k: At least 1.

    Returns:
        0 to 1; NaN if there is no hit.

    Raises:
        ValueError: k is below 1.
    """
    if k < 1:
        raise ValueError(f'k must be at least 1, got {k}')
    first = np.asarray(relevant, dtype=bool)[:k]
    return float(first.mean()) if len(first) else float('nan')
