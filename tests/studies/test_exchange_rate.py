"""Exchange rates of curves with a known answer, by hand, and curves that cannot be compared."""

import math

import numpy as np
import pytest
from exchange_coverage import coverage
from scipy.stats import t

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.studies.exchange_rate import Amount, Exchange, SizeCurve, exchange_rates, monotone, seed_weights
from mmbdg.studies.exchange_report import amount_text


def curve(name, sizes, *by_seed):
    """A curve of the figures of each seed."""
    return SizeCurve.of(name, {size: {seed: values[n] for seed, values in enumerate(by_seed)} for n, size in enumerate(sizes)})


REAL = [50.0, 60.0, 68.0, 71.0]
SIZES = [50, 100, 500, 1000]


def test_ten_synthetic_images_for_a_real_one():
    """A curve that is moved by a factor of 10 gives 10 n for every n, measured or between, with the interval 10 n to 10 n."""
    real, synthetic = curve('real', SIZES, REAL, REAL, REAL), curve('synthetic', [10 * size for size in SIZES], REAL, REAL, REAL)
    for exchanges in (exchange_rates(real, synthetic), exchange_rates(real, synthetic, [50, 77, 333.3, 999])):
        for one in exchanges:
            assert {one.amount.answer, one.low.answer, one.high.answer} == {'about'}
            assert [amount.images for amount in (one.amount, one.low, one.high)] == pytest.approx([10 * one.n] * 3)
    # Each seed has another height, in both curves: the figures are compared within a seed.
    heights = [[value + seed for value in REAL] for seed in (-20, 0, 5)]
    paired = exchange_rates(curve('real', SIZES, *heights), curve('synthetic', [10 * size for size in SIZES], *heights))
    assert [one.amount.images for one in paired] == pytest.approx([500, 1000, 5000, 10000])
    assert [one.low.images for one in paired] == pytest.approx([one.high.images for one in paired])


def test_interpolation_by_hand():
    """The first curve has 58 points at 50 * 2 ** 0.8; the other one halfway between 100 images (52) and 1,000 (64) on the log scale."""
    real, other = curve('real', SIZES, REAL), curve('other', [100, 1000, 10000], [52.0, 64.0, 70.5])
    (one,) = exchange_rates(real, other, [50 * 2**0.8])
    assert one.figure == pytest.approx(58) and one.amount.images == pytest.approx(math.sqrt(100 * 1000))
    assert one.low is one.high is None  # a single seed
    answers = exchange_rates(real, other)
    assert [exchange.amount.answer for exchange in answers] == ['fewer', 'about', 'about', 'never']
    assert answers[0].amount == Amount('fewer', 100) and answers[3].amount == Amount('never', 10000)
    assert [amount_text(exchange.amount) for exchange in answers] == ['< 100', '464', '4,120', 'never (> 10,000)']
    assert answers[1].amount.images == pytest.approx(100 * 10 ** (8 / 12))


def test_a_curve_that_never_arrives():
    rng = np.random.default_rng(0)
    noisy = [[value + rng.normal() / 10 for value in REAL] for _ in range(3)]
    low = [[20 + value / 10 for value in values] for values in noisy]
    for one in exchange_rates(curve('real', SIZES, *noisy), curve('synthetic', SIZES, *low)):
        assert one.amount == one.low == one.high == Amount('never', 1000)
    for one in exchange_rates(curve('synthetic', SIZES, *low), curve('real', SIZES, *noisy)):
        assert one.amount == one.low == one.high == Amount('fewer', 50)
    assert amount_text(Amount('never', 61234.5)) == 'never (> 61,200)' and amount_text(Amount('fewer', 50)) == '< 50'


def test_a_curve_that_falls_is_pooled():
    """The fit of 50, 60, 58, 62 is 50, 59, 59, 62 (least squares); 59 is reached at the first size of the flat part."""
    assert monotone(np.array([50.0, 60.0, 58.0, 62.0])).tolist() == [50, 59, 59, 62]
    synthetic = curve('synthetic', SIZES, [50.0, 60.0, 58.0, 62.0])
    real = curve('real', [10, 1000], [59.0, 59.5])
    first, second = exchange_rates(real, synthetic)
    assert first.amount.images == pytest.approx(100)
    assert second.amount.images == pytest.approx(500 * 2 ** (0.5 / 3))


def test_the_interval_is_that_of_student():
    """With one changing figure, the interval on the log scale is Student's interval of the mean: mean ± t s / sqrt(n)."""
    values = [58.1, 60.2, 61.9]
    level = curve('real', [10, 100], *[[value, 90.0] for value in values])
    line = curve('other', [10, 10**7], *[[30.0, 90.0]] * 3)  # 60 points on 6 decades
    (one,) = exchange_rates(level, line, [10], draws=20_000)
    half = t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
    decades = [(math.log10(amount.images) - 1) * 10 + 30 for amount in (one.low, one.amount, one.high)]
    assert decades == pytest.approx([np.mean(values) - half, np.mean(values), np.mean(values) + half], abs=0.2)
    weights = seed_weights(generator_at('test', 0), 10_000, 5)
    assert np.quantile(weights @ np.array([2.0, -1, 0, -2, 1]) / np.sqrt(2.5 / 5), 0.975) == pytest.approx(t.ppf(0.975, 4), rel=0.05)


def test_intervals_contain_the_truth_in_about_the_nominal_share():
    """100 repeats with three seeds; docs/exchange_rate.md has more of them."""
    shares = coverage(seeds=3, noise=0.5, repeats=100, draws=200)
    assert ((shares >= 0.9) & (shares <= 0.99)).all()


def test_the_draws_are_those_of_the_seed():
    rng = np.random.default_rng(0)
    noisy = [[value + rng.normal() for value in REAL] for _ in range(3)]
    curves = curve('real', SIZES, *noisy), curve('synthetic', [10 * size for size in SIZES], *noisy[::-1])
    found = [exchange_rates(*curves, seed=seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert all(isinstance(one, Exchange) for one in found[0])


def test_what_is_refused():
    real = curve('real', SIZES, REAL, REAL)
    for by_size, message in (
        ({50: {0: 1.0}}, 'x has 1 size of the training set; a curve needs at least 2'),
        ({}, 'x has 0 sizes'),
        ({0: {0: 1.0}, 10: {0: 2.0}}, 'all must be above 0'),
        ({50: {0: 1.0, 1: 2.0}, 100: {0: 2.0}}, '50 images have the seeds 0, 1, 100 images have 0: run the study for all seeds'),
        ({50: {}, 100: {}}, 'have the seeds none'),
        ({50: {0: 1.0}, 100: {0: math.nan}}, 'the figure for 100 images, seed 0, is nan'),
        ({50: {0: math.inf}, 100: {0: 1.0}}, 'the figure for 50 images, seed 0, is inf'),
    ):
        with pytest.raises(InputError, match=message):
            SizeCurve.of('x', by_size)
    for first, other, at, message in (
        (real, curve('other', SIZES, REAL), None, 'real has the seeds 0, 1, other has 0: run both for the same seeds'),
        (real, real, [49], 'was measured with 50 to 1,000 images, not with 49'),
        (real, real, [100, 1e6], 'not with 1,000,000'),
        (
            curve('error', SIZES, REAL[::-1]),
            curve('other', SIZES, REAL),
            None,
            'error does not grow: 71 with 50 images, 50 with 1,000 images',
        ),
    ):
        with pytest.raises(InputError, match=message):
            exchange_rates(first, other, at)
