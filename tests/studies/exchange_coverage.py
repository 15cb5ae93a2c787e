"""How often the intervals of the exchange rate contain the truth (docs/exchange_rate.md).

    python tests/studies/exchange_coverage.py        # 90 seconds

The curves are straight lines over the logarithm of the size, 10 points for a factor of 10; the other one is moved by a factor of 10. Each
size and seed has independent normal noise.
"""

from collections.abc import Callable

import numpy as np

from mmbdg.studies import exchange_rate
from mmbdg.studies.exchange_rate import Exchange, SizeCurve, exchange_rates

SIZES = np.array([50, 100, 200, 500, 1000, 2000, 5000])
AT = (60, 300, 4000)


def noisy(rng: np.random.Generator, factor: float, noise: float, seeds: int) -> SizeCurve:
    """A line of 10 points for a factor of 10, moved by a factor, with noise."""
    by_size = {size * factor: dict(enumerate(10 * np.log10(size) + noise * rng.standard_normal(seeds))) for size in SIZES.tolist()}
    return SizeCurve.of(f'times {factor:g}', by_size)


def covers(exchange: Exchange, truth: float) -> bool:
    """Whether the interval contains a number; 'fewer' and 'never' are limits without end."""
    low, high = exchange.low, exchange.high
    return (low.answer == 'fewer' or (low.answer == 'about' and low.images <= truth)) and (
        high.answer == 'never' or (high.answer == 'about' and high.images >= truth)
    )


def coverage(seeds: int, noise: float, repeats: int, draws: int = 400) -> np.ndarray:
    """Share of repeats whose 95 % interval contains the truth, for each number in ``AT``."""
    rng = np.random.default_rng(seeds)
    found = []
    for _ in range(repeats):
        exchanges = exchange_rates(noisy(rng, 1, noise, seeds), noisy(rng, 10, noise, seeds), AT, draws)
        found.append([covers(one, 10 * one.n) for one in exchanges])
    return np.mean(found, axis=0)


def resampled(rng: np.random.Generator, draws: int, seeds: int) -> np.ndarray:
    """Weights of the plain bootstrap: seeds drawn with replacement."""
    return rng.multinomial(seeds, [1 / seeds] * seeds, draws) / seeds


def main() -> None:
    ways: dict[str, Callable] = {'with Student factor': exchange_rate.seed_weights, 'plain resampling': resampled}
    for name, weights in ways.items():
        exchange_rate.seed_weights = weights
        for noise in (0.5, 2.0):
            for seeds in (3, 5, 10):
                shares = ', '.join(f'{share:.1%}' for share in coverage(seeds, noise, 500))
                print(f'{name}, noise {noise} points, {seeds} seeds: {shares} contain the truth for {AT}', flush=True)


if __name__ == '__main__':
    main()
