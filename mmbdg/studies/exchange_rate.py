"""Exchange rate of two sources of images: how many images of one give the accuracy that n images of the other give."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.confidence import CONFIDENCE
from mmbdg.errors import InputError

DRAWS = 2000
"""Default number of random draws for an interval."""
EQUAL = 1e-9
"""Largest relative difference of two figures that count as equal: those of interpolation have rounding errors."""


class SizeCurve(NamedTuple):
    """Accuracy, mIoU or another figure that grows with the number of training images.

    Args:
        name: Name in messages, tables and drawings.
        sizes: Numbers of images, float64 (K,), increasing, above 0; K is at least 2.
        seeds: Seeds of the trainings, increasing (S of them).
        values: Figures, float64 (S,K).
    """

    name: str
    sizes: np.ndarray
    seeds: tuple[int, ...]
    values: np.ndarray

    @classmethod
    def of(cls, name: str, by_size: Mapping[float, Mapping[int, float]]) -> 'SizeCurve':
        """Curve of figures by size and seed.

        Args:
            name: Name of the curve.
            by_size: For each number of images the figures by seed.

        Raises:
            InputError: There is only one size, a size is not above 0, a figure is not finite, or two sizes have different seeds.
        """
        sizes = sorted(by_size)
        if len(sizes) < 2:
            raise InputError(f'{name} has {len(sizes)} size{"s" * (len(sizes) != 1)} of the training set; a curve needs at least 2')
        if not all(math.isfinite(size) and size > 0 for size in sizes):
            raise InputError(
                f'{name} has the sizes {", ".join(f"{size:g}" for size in sizes)}; all must be above 0: the axis is logarithmic'
            )
        seeds = tuple(sorted(by_size[sizes[0]]))
        for size in sizes:
            if tuple(sorted(by_size[size])) != seeds or not seeds:
                raise InputError(
                    f'{name}: {sizes[0]:,.9g} images have the seeds {_listed(seeds)}, {size:,.9g} images have {_listed(by_size[size])}: '
                    'run the study for all seeds at all sizes'
                )
            for seed, value in by_size[size].items():
                if not math.isfinite(value):
                    raise InputError(f'{name}: the figure for {size:,.9g} images, seed {seed}, is {value}; it must be finite')
        values = np.array([[by_size[size][seed] for size in sizes] for seed in seeds], np.float64)
        return cls(name, np.array(sizes, np.float64), seeds, values)

    @property
    def means(self) -> np.ndarray:
        """Means over the seeds, float64 (K,)."""
        return self.values.mean(axis=0)

    @property
    def fit(self) -> np.ndarray:
        """Monotone fit to the means at the sizes, float64 (K,), see :func:`monotone`."""
        return monotone(self.means)


class Amount(NamedTuple):
    """A number of images.

    Args:
        answer: 'about': ``images``, by interpolation; 'fewer': fewer than ``images``, the smallest measured size; 'never': not reached with
            ``images``, the largest measured size.
        images: Number of images, above 0; not rounded.
    """

    answer: Literal['about', 'fewer', 'never']
    images: float


class Exchange(NamedTuple):
    """Number of images that match n images of the first curve.

    Args:
        n: Number of images of the first curve.
        figure: Fitted figure of the first curve at n.
        amount: Number of images of the other curve.
        low, high: Limits of the confidence interval. None for a single seed.
    """

    n: float
    figure: float
    amount: Amount
    low: Amount | None
    high: Amount | None


def exchange_rates(
    first: SizeCurve,
    other: SizeCurve,
    at: Sequence[float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> list[Exchange]:
    """How many images of ``other`` match n images of ``first`` (docs/exchange_rate.md has the definition).

    Args:
        first: Curve of the images that are exchanged, e.g. real ones.
        other: Curve of the images that replace them, with the same seeds and the same figure.
        at: Numbers n, within the sizes of ``first``. Default: the sizes of ``first``.
        draws: Number of random draws for the intervals, at least 1. Default: 2000.
        seed: Seed of the draws. Default: 0.
        confidence: Confidence level of the intervals, in (0, 1). Default: 0.95.

    Returns:
        An exchange for each n. The limits of the intervals are None for a single seed.

    Raises:
        InputError: The curves have different seeds, an n is outside the sizes of ``first``, or ``first`` does not grow.
    """
    if first.seeds != other.seeds:
        raise InputError(
            f'{first.name} has the seeds {_listed(first.seeds)}, {other.name} has {_listed(other.seeds)}: run both for the same seeds'
        )
    if first.means[-1] <= first.means[0]:
        ends = [f'{first.means[place]:g} with {first.sizes[place]:,.9g} images' for place in (0, -1)]
        raise InputError(
            f'{first.name} does not grow: {ends[0]}, {ends[1]}. The figure must be one that more images raise, such as accuracy or mIoU'
        )
    numbers = np.array(first.sizes if at is None else at, np.float64)
    for n in numbers:
        if not first.sizes[0] <= n <= first.sizes[-1]:
            raise InputError(f'{first.name} was measured with {first.sizes[0]:,.9g} to {first.sizes[-1]:,.9g} images, not with {n:,.9g}')
    figures, amounts = _matched(first, other, first.means, other.means, numbers)
    limits: list[tuple[Amount | None, Amount | None]] = [(None, None)] * len(numbers)
    if len(first.seeds) > 1:
        weights = seed_weights(generator_at('exchange rate', seed), draws, len(first.seeds))
        drawn = [curve.means + weights @ (curve.values - curve.means) for curve in (first, other)]
        found = np.sort([_matched(first, other, *pair, numbers)[1] for pair in zip(*drawn, strict=True)], axis=0)
        rest = (1 - confidence) / 2
        low, high = found[math.floor(rest * draws)], found[math.ceil((1 - rest) * draws) - 1]
        limits = [(_amount(a, other), _amount(b, other)) for a, b in zip(low, high, strict=True)]
    return [
        Exchange(float(n), float(figure), _amount(amount, other), *pair)
        for n, figure, amount, pair in zip(numbers, figures, amounts, limits, strict=True)
    ]


def monotone(means: np.ndarray) -> np.ndarray:
    """The non-decreasing values nearest to ``means`` by least squares (isotonic regression, scipy), float64 (K,)."""
    from scipy.optimize import isotonic_regression

    return isotonic_regression(means).x


def seed_weights(rng: np.random.Generator, draws: int, seeds: int) -> np.ndarray:
    """Random weights of the seeds' deviations from the mean: multiplier bootstrap with Student's factor.

    The mean of S seeds plus the deviations times these weights has Student's t distribution with S - 1 degrees of freedom around the mean,
    with the standard error of the mean as scale. For one size, the interval is therefore that of Student's t.

    Args:
        rng: Random generator.
        draws: Number of draws D.
        seeds: Number of seeds S, at least 2.

    Returns:
        Weights, float64 (D,S).
    """
    normal, spread = rng.standard_normal((draws, seeds)), rng.chisquare(seeds - 1, (draws, 1))
    return normal / np.sqrt(seeds * spread)


def _matched(
    first: SizeCurve, other: SizeCurve, first_means: np.ndarray, other_means: np.ndarray, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Figures of ``first`` at the numbers, and logarithms of the sizes of ``other`` that reach them: -inf for fewer, inf for never."""
    figures = np.interp(np.log(numbers), np.log(first.sizes), monotone(first_means))
    fit, logs = monotone(other_means), np.log(other.sizes)
    slack = EQUAL * np.maximum(1, np.abs(figures))
    place = np.searchsorted(fit, figures - slack)  # the first size that reaches the figure
    right = np.minimum(place, len(fit) - 1)
    left = np.maximum(right - 1, 0)
    step = np.where(fit[right] > fit[left], fit[right] - fit[left], 1)
    between = logs[left] + np.clip((figures - fit[left]) / step, 0, 1) * (logs[right] - logs[left])
    at_first = np.where(fit[0] > figures + slack, -np.inf, logs[0])
    return figures, np.where(place == len(fit), np.inf, np.where(place == 0, at_first, between))


def _amount(log_size: float, curve: SizeCurve) -> Amount:
    if log_size == -np.inf:
        return Amount('fewer', float(curve.sizes[0]))
    if log_size == np.inf:
        return Amount('never', float(curve.sizes[-1]))
    return Amount('about', float(np.exp(log_size)))


def _listed(seeds: Sequence[int] | Mapping[int, float]) -> str:
    return ', '.join(map(str, sorted(seeds))) or 'none'
