"""Means over seeds, their spread, and differences of two rows seed by seed."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95


class Difference(NamedTuple):
    """Paired difference of two rows over their common seeds.

    Args:
        mean: Mean of the differences.
        spread: Their standard deviation (n - 1); None for a single seed.
        half_width: Half the width of the confidence interval of the mean (Student's t, n - 1 degrees of freedom); None for a single seed.
        n: Number of seeds.
    """

    mean: float
    spread: float | None
    half_width: float | None
    n: int

    @property
    def told_apart(self) -> bool | None:
        """Whether 0 lies outside the confidence interval; None for a single seed, which has no interval."""
        return None if self.half_width is None else abs(self.mean) > self.half_width


def paired_difference(figures: Mapping[int, float], baseline: Mapping[int, float], confidence: float = CONFIDENCE) -> Difference | None:
    """The difference of two rows, seed by seed.

    Args:
        figures: Figure of a row by seed.
        baseline: Figure of the row that it is compared with, by seed.
        confidence: Probability that the interval covers the mean, within (0, 1).

    Returns:
        None if they have no seed in common.
    """
    values = [figures[seed] - baseline[seed] for seed in sorted(figures.keys() & baseline.keys())]
    if not values:
        return None
    if len(values) == 1:
        return Difference(values[0], None, None, 1)
    from scipy.stats import t

    spread = stdev(values)
    half_width = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * spread / math.sqrt(len(values))
    return Difference(mean(values), spread, half_width, len(values))


def mean_and_spread(figures: Sequence[float | None], digits: int = 1) -> str:
    """``19.7 ± 0.7``, mean and standard deviation (n - 1).

    Args:
        figures: One for each seed; None is not known yet and does not count. A single figure has no spread.
        digits: Number of decimals.

    Returns:
        ``-`` if none is known.
    """
    known = [figure for figure in figures if figure is not None]
    if not known:
        return '-'
    return f'{mean(known):.{digits}f}' + (f' ± {stdev(known):.{digits}f}' if len(known) > 1 else '')
