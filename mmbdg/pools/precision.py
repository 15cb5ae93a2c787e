"""Precision of a ranking with known relevance."""

from collections.abc import Sequence

import numpy as np


def precision_at(relevant: Sequence[bool] | np.ndarray, k: int) -> float:
    """Precision at k: fraction of relevant hits among the first k, or among all hits if there are fewer.

    Args:
        relevant: Whether each hit is relevant, in the order of the ranking, (N,).
        k: At least 1.

    Returns:
        Precision, 0 to 1; NaN if there is no hit.

    Raises:
        ValueError: k is below 1.
    """
    if k < 1:
        raise ValueError(f'k must be at least 1, got {k}')
    first = np.asarray(relevant, dtype=bool)[:k]
    return float(first.mean()) if len(first) else float('nan')
