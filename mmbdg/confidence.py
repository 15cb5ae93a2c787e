"""Confidence interval of a mean over few values (Student's t)."""

import math
from collections.abc import Sequence
from statistics import stdev

CONFIDENCE = 0.95
"""Confidence level of all intervals."""


def half_width(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Half width of the confidence interval of a mean: Student's t with n - 1 degrees of freedom.

    Args:
        values: The n values, one for each seed.
        confidence: Confidence level, in (0, 1). Default: 0.95.

    Returns:
        Half width in the unit of the values; None for a single value.
    """
    if len(values) < 2:
        return None
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
