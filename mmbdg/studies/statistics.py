"""Means and standard deviations over seeds, and paired differences of two rows."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple

from mmbdg.confidence import CONFIDENCE, half_width


class Difference(NamedTuple):
    """Paired difference of two rows over their common seeds.

    Args:
        mean: Mean of the differences.
        spread: Standard deviation (n - 1) of the differences. None for a single seed.
        half_width: Half width of the confidence interval of the mean (Student's t, n - 1 degrees of freedom). None for a single seed.
        n: Number of seeds.
    """

    mean: float
    spread: float | None
    half_width: float | None
    n: int

    @property
    def told_apart(self) -> bool | None:
        """Whether the difference is significant, i.e. 0 is outside the confidence interval. None for a single seed."""
        return None if self.half_width is None else abs(self.mean) > self.half_width


def paired_difference(figures: Mapping[int, float], baseline: Mapping[int, float], confidence: float = CONFIDENCE) -> Difference | None:
    """Paired difference of two rows over their common seeds.

    Args:
        figures: Figures of a row by seed.
        baseline: Figures of the baseline row by seed.
        confidence: Confidence level of the interval, in (0, 1). Default: 0.95.

    Returns:
        Difference; None if the rows have no common seed.
    """
    values = [figures[seed] - baseline[seed] for seed in sorted(figures.keys() & baseline.keys())]
    if not values:
        return None
    if len(values) == 1:
        return Difference(values[0], None, None, 1)
    return Difference(mean(values), stdev(values), half_width(values, confidence), len(values))


def mean_and_spread(figures: Sequence[float | None], digits: int = 1) -> str:
    """Mean and standard deviation (n - 1) as text, e.g. ``19.7 ± 0.7``.

    Args:
        figures: Figures, one per seed. None: not known yet, ignored.
        digits: Number of decimals. Default: 1.

    Returns:
        Text. Without a known figure it is ``-``; for a single figure it is the figure without a standard deviation.
    """
    known = [figure for figure in figures if figure is not None]
    if not known:
        return '-'
    return f'{mean(known):.{digits}f}' + (f' ± {stdev(known):.{digits}f}' if len(known) > 1 else '')
