"""How far two sets of features lie apart: Frechet distance (FID, Heusel et al. 2017) and kernel distance (KID, Binkowski et al. 2018).

Both are torch-fidelity's, the PyTorch port that reproduces the published numbers; torchmetrics computes them on networks and global random
numbers only, and its Inception-v3 is torch-fidelity's too. With features of another network they are named after it, see
:mod:`mmbdg.analysis.distances.feature_networks`.
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
"""Samples a side below which no Frechet distance is given: its bias, which grows as 1 / n, would outweigh what it measures."""

MAX_FULL = 10_000
"""Samples a side above which the kernel distance is computed on subsets only: on all it needs some 32 n^2 bytes."""

SUBSETS, SUBSET_SIZE = 100, 1000


@dataclass(frozen=True)
class Distances:
    """Of two sets of equally many features.

    Attributes:
        n: Samples a side.
        frechet: Frechet distance; None below :data:`MIN_FRECHET`.
        kernel: Kernel distance x 1000, the mean over fixed subsets.
        kernel_std: Its standard deviation over the subsets, x 1000.
        subsets, subset_size: How many subsets, and of how many samples a side.
        kernel_full: Kernel distance x 1000 of all samples at once, unbiased; None above :data:`MAX_FULL`.
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
        x, y: Features (n,d) and (m,d), n, m >= 2; computed in float64.

    Returns:
        At least 0 up to rounding. It is biased: of two samples of one distribution it is positive and falls as 1 / n.

    Raises:
        InputError: torch-fidelity is not installed.
    """
    fid = torch_fidelity('metric_fid')
    statistics = [fid.fid_features_to_statistics(_as_tensor(features)) for features in (x, y)]
    return fid.fid_statistics_to_metric(*statistics, verbose=False)[fid.KEY_METRIC_FID]


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy with the cubic kernel (x.y / d + 1)^3, unbiased (Binkowski et al. 2018, equation 4).

    Args:
        x, y: Features (n,d) each, n >= 2; computed in float64, in about 32 n^2 bytes.

    Returns:
        0 in expectation for independent samples of one distribution; can be slightly negative. A set with exactly equally many samples of
        each class is no independent draw: its value is lower, by an amount that falls as 1 / n.

    Raises:
        InputError: torch-fidelity is not installed.
        ValueError: The sets have fewer than two or unequally many samples.
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
        subsets: How many.
        size: Samples a side, at most n.
        seed: Of the draws.
        after_subset: Called after each, for a progress bar.

    Returns:
        float64 (subsets,).
    """
    values = []
    for subset in range(subsets):
        rows = [generator_at('kernel distance', seed, subset, side).permutation(len(x))[:size] for side in (0, 1)]
        values.append(kernel_distance(x[rows[0]], y[rows[1]]))
        after_subset()
    return np.array(values)


def distances(x: np.ndarray, y: np.ndarray, seed: int = 0, after_subset: Callable[[], None] = lambda: None) -> Distances:
    """All distances of two sets of features (n,d) each, n >= 2. Subsets have 1000 samples, below 2000 a side one half."""
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
    """A module of torch-fidelity.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module(f'torch_fidelity.{module}')
    except ImportError as error:
        raise InputError(f'distances between sets of pictures need torch-fidelity ({error}): pip install torch-fidelity') from error


def _as_tensor(features: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(features, np.float64))
