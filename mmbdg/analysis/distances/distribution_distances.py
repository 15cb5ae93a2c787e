"""Distances of two sets of features: Frechet distance (FID, Heusel et al. 2017) and kernel distance (KID, Binkowski et al. 2018).

Both are computed by torch-fidelity, the PyTorch port that reproduces the published numbers. torchmetrics is not used: it accepts only
networks (not features) and uses the global random state; its Inception-v3 is also that of torch-fidelity. Distances in features of another
network are named after that network, see :mod:`mmbdg.analysis.distances.feature_networks`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError

MIN_FRECHET = 500
"""Minimum samples per side for a Frechet distance. With fewer samples its bias, proportional to 1 / n, is too large."""

MAX_FULL = 10_000
"""Maximum samples per side for a kernel distance of all samples, which needs about 32 n^2 bytes. With more, only subsets are used."""

SUBSETS, SUBSET_SIZE = 100, 1000


@dataclass(frozen=True)
class Distances:
    """Distances of two sets with the same number of features.

    Attributes:
        n: Samples per side.
        frechet: Frechet distance. None if n is below :data:`MIN_FRECHET`.
        kernel: Kernel distance x 1000, mean over fixed subsets.
        kernel_std: Standard deviation of the kernel distance over the subsets, x 1000.
        subsets, subset_size: Number of subsets, and samples per side in a subset.
        kernel_full: Unbiased kernel distance of all samples, x 1000. None if n is above :data:`MAX_FULL`.
    """

    n: int
    frechet: float | None
    kernel: float
    kernel_std: float
    subsets: int
    subset_size: int
    kernel_full: float | None


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared Frechet distance of two Gaussians with the features' means and covariances: |m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^1/2).

    Args:
        x, y: Features (n,d) and (m,d), n, m >= 2. The computation is in float64.

    Returns:
        Distance, at least 0 up to rounding. It is biased: for two samples of the same distribution it is positive and falls as 1 / n.

    Raises:
        InputError: torch-fidelity is not installed.
    """
    fid = torch_fidelity('metric_fid')
    statistics = [fid.fid_features_to_statistics(_as_tensor(features)) for features in (x, y)]
    return fid.fid_statistics_to_metric(*statistics, verbose=False)[fid.KEY_METRIC_FID]


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy with the cubic kernel (x.y / d + 1)^3, unbiased (Binkowski et al. 2018, equation 4).

    Args:
        x, y: Features (n,d) each, n >= 2. The computation is in float64 and needs about 32 n^2 bytes.

    Returns:
        Distance. Its expectation is 0 for independent samples of the same distribution, so it can be slightly negative. A set with exactly
        the same number of samples in each class is not an independent sample: its value is lower by an amount that falls as 1 / n.

    Raises:
        InputError: torch-fidelity is not installed.
        ValueError: The sets have fewer than two samples, or different numbers of samples.
    """
    if len(x) != len(y) or len(x) < 2:
        raise ValueError(f'the kernel distance compares equally many samples, two or more of each kind; got {len(x)} and {len(y)}')
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    cubic = dict(kid_kernel='poly', kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1)
    return float(torch_fidelity('metric_kid').kernel_mmd(x, y, **cubic))


def kernel_distance_of_subsets(
    x: np.ndarray,
    y: np.ndarray,
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
    seed: int = 0,
    after_subset: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """:func:`kernel_distance` of random subsets, drawn without replacement at the addresses ('kernel distance', seed, subset, side).

    Args:
        x, y: Features (n,d) each.
        subsets: Number of subsets. Default: 100.
        size: Samples per side in a subset, at most n. Default: 1000.
        seed: Seed of the subsets. Default: 0.
        after_subset: Function that is called after each subset, for a progress bar.

    Returns:
        Distances, float64 (subsets,).
    """
    values = []
    for subset in range(subsets):
        rows = [generator_at('kernel distance', seed, subset, side).permutation(len(x))[:size] for side in (0, 1)]
        values.append(kernel_distance(x[rows[0]], y[rows[1]]))
        after_subset()
    return np.array(values)


def distances(x: np.ndarray, y: np.ndarray, seed: int = 0, after_subset: Callable[[], None] = lambda: None) -> Distances:
    """All distances of two sets of features, (n,d) each, n >= 2. A subset has 1000 samples; if n is below 2000, it has n / 2 samples."""
    n = len(x)
    size = max(2, min(SUBSET_SIZE, n // 2))
    kernels = 1000 * kernel_distance_of_subsets(x, y, size=size, seed=seed, after_subset=after_subset)
    return Distances(
        n=n,
        frechet=frechet_distance(x, y) if n >= MIN_FRECHET else None,
        kernel=float(kernels.mean()),
        kernel_std=float(kernels.std()),
        subsets=len(kernels),
        subset_size=size,
        kernel_full=1000 * kernel_distance(x, y) if n <= MAX_FULL else None,
    )


def torch_fidelity(module: str) -> ModuleType:
    """Import a module of torch-fidelity.

    Raises:
        InputError: torch-fidelity is not installed.
    """
    try:
        return importlib.import_module(f'torch_fidelity.{module}')
    except ImportError as error:
        raise InputError(f'distances between sets of images need torch-fidelity ({error}): pip install torch-fidelity') from error


def _as_tensor(features: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(features, np.float64))
