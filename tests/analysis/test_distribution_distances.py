import numpy as np
import pytest
import scipy.linalg

from mmbdg.addressed import generator_at
from mmbdg.analysis.distances import distribution_distances
from mmbdg.analysis.distances.distribution_distances import distances, frechet_distance, kernel_distance, kernel_distance_of_subsets
from mmbdg.errors import InputError


def gaussians(n=700, d=12, shift=0.3):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((d, d))
    return rng.standard_normal((n, d)), rng.standard_normal((n, d)) @ mixing + shift


def frechet_by_hand(x, y):
    root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)


def kernel_by_hand(x, y):
    def k(a, b):
        return (a @ b / x.shape[1] + 1) ** 3

    xx = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    return xx + yy - 2 * np.mean([k(a, b) for a in x for b in y])


def test_frechet_by_hand():
    x, y = gaussians()
    assert frechet_distance(x, y) == pytest.approx(frechet_by_hand(x, y), rel=1e-6)
    assert frechet_distance(x.astype(np.float32), y.astype(np.float32)) == pytest.approx(frechet_by_hand(x, y), rel=1e-5)
    assert frechet_distance(x[:500], y) == pytest.approx(frechet_by_hand(x[:500], y), rel=1e-6), 'the sides may differ in size'


def test_frechet_of_what_is_known():
    x, _ = gaussians()
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + np.arange(12) / 10) == pytest.approx((np.arange(12) ** 2).sum() / 100, rel=1e-6), 'shifted: |shift|^2'
    scaled = (x - x.mean(0)) * 3 + x.mean(0)
    assert frechet_distance(x, scaled) == pytest.approx(np.trace(np.cov(x.T)) * (3 - 1) ** 2, rel=1e-6), 'scaled by s: (s - 1)^2 tr S'


def test_kernel_by_hand():
    x, y = gaussians(n=40)
    assert kernel_distance(x, y) == pytest.approx(kernel_by_hand(x, y), rel=1e-9)


def test_kernel_is_unbiased():
    rng = np.random.default_rng(1)
    same = [kernel_distance(rng.standard_normal((20, 4)), rng.standard_normal((20, 4))) for _ in range(300)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(300)
    assert min(same) < 0


@pytest.mark.parametrize('sizes', [(1, 1), (3, 4)])
def test_kernel_refuses(sizes):
    with pytest.raises(ValueError, match=f'equally many samples, two or more of each kind; got {sizes[0]} and {sizes[1]}'):
        kernel_distance(*(np.zeros((n, 3)) for n in sizes))


def test_subsets_are_addressed():
    x, y = gaussians(n=60)
    values = kernel_distance_of_subsets(x, y, subsets=6, size=20, seed=5)
    np.random.seed(3)
    assert np.array_equal(values[:3], kernel_distance_of_subsets(x, y, subsets=3, size=20, seed=5))
    assert not np.array_equal(values, kernel_distance_of_subsets(x, y, subsets=6, size=20, seed=6))
    assert len(set(values)) == 6
    rows = [generator_at('kernel distance', 5, 0, side).permutation(60)[:20] for side in (0, 1)]
    assert values[0] == pytest.approx(kernel_by_hand(x[rows[0]], y[rows[1]]), rel=1e-9), 'each side has draws of its own'
    whole = kernel_distance_of_subsets(x, y, subsets=1, size=60)
    assert whole[0] == pytest.approx(kernel_by_hand(x, y), rel=1e-9), 'a subset of all, drawn without replacement, is the set'


def test_all_distances():
    x, y = gaussians(n=500)
    calls = []
    found = distances(x, y, after_subset=lambda: calls.append(1))
    assert (found.n, found.subsets, found.subset_size, len(calls)) == (500, 100, 250, 100)
    assert found.frechet == pytest.approx(frechet_by_hand(x, y), rel=1e-3)
    assert found.kernel_full == pytest.approx(1000 * kernel_by_hand(x, y), rel=1e-3)
    by_subsets = 1000 * kernel_distance_of_subsets(x, y, size=250)
    assert (found.kernel, found.kernel_std) == (pytest.approx(by_subsets.mean()), pytest.approx(by_subsets.std()))
    assert abs(found.kernel - found.kernel_full) < found.kernel_std
    assert distances(x[:499], y[:499]).frechet is None, 'below 500 no Frechet distance'


def test_large_sets_have_no_full_kernel(monkeypatch):
    monkeypatch.setattr(distribution_distances, 'MAX_FULL', 49)
    x, y = gaussians(n=50)
    assert distances(x, y).kernel_full is None
    assert distances(x[:49], y[:49]).kernel_full is not None


def test_missing_package(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'torch_fidelity.metric_kid', None)
    with pytest.raises(InputError, match='pip install torch-fidelity'):
        kernel_distance(np.zeros((3, 2)), np.zeros((3, 2)))
