"""Nearest neighbours in feature space, to check whether a generator has memorised images."""

from dataclasses import dataclass

import numpy as np
import torch

QUERIES, CANDIDATES = 1024, 4096
"""Rows and columns of one block of distances: 32 MiB at a time for any number of features."""


@dataclass(frozen=True)
class Nearest:
    """Nearest candidate of each query.

    Attributes:
        index: Indices of the candidates, int64 (N,).
        distance: Euclidean distances, float64 (N,).
    """

    index: np.ndarray
    distance: np.ndarray


def nearest(queries: np.ndarray, candidates: np.ndarray) -> Nearest:
    """Find the candidate with the smallest Euclidean distance to each query; the first one among equal distances.

    Args:
        queries: Features (N,D).
        candidates: Features (M,D), M >= 1.
    """
    return _nearest(queries, candidates, same=False)


def nearest_other(features: np.ndarray) -> Nearest:
    """Find the nearest other row of each row of one set of features (N,D), N >= 2."""
    return _nearest(features, features, same=True)


def _nearest(queries: np.ndarray, candidates: np.ndarray, same: bool) -> Nearest:
    index, squared = np.zeros(len(queries), np.int64), np.full(len(queries), np.inf)
    for q in range(0, len(queries), QUERIES):
        block = torch.from_numpy(np.asarray(queries[q : q + QUERIES], np.float64))
        rows = slice(q, q + len(block))
        for c in range(0, len(candidates), CANDIDATES):
            others = torch.from_numpy(np.asarray(candidates[c : c + CANDIDATES], np.float64))
            # |a|^2 + |b|^2 - 2 ab: in float64 the cancellation error is negligible
            found = (block.square().sum(1)[:, None] + others.square().sum(1) - 2 * block @ others.T).clamp_(min=0)
            if same:
                own = range(max(q, c), min(q + len(block), c + len(others)))
                found[[i - q for i in own], [i - c for i in own]] = torch.inf
            smallest, place = (values.numpy() for values in found.min(1))
            nearer = smallest < squared[rows]
            index[rows] = np.where(nearer, place + c, index[rows])
            squared[rows] = np.where(nearer, smallest, squared[rows])
    return Nearest(index, np.sqrt(squared))
