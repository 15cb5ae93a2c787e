"""The nearest of a set in a space of features: has a generator memorised an image?"""

from dataclasses import dataclass

import numpy as np
import torch

QUERIES, CANDIDATES = 1024, 4096
"""Rows of one block: 32 MiB of distances at a time, whatever the number of features."""


@dataclass(frozen=True)
class Nearest:
    """For each query its nearest candidate.

    Attributes:
        index: int64 (N,), of the candidate.
        distance: float64 (N,), Euclidean.
    """

    index: np.ndarray
    distance: np.ndarray


def nearest(queries: np.ndarray, candidates: np.ndarray) -> Nearest:
    """The candidate at the smallest Euclidean distance from each query; of equally near ones the first.

    Args:
        queries: Features (N,D).
        candidates: Features (M,D), M >= 1.
    """
    return _nearest(queries, candidates, same=False)


def nearest_other(features: np.ndarray) -> Nearest:
    """As :func:`nearest` of a set in itself, where nothing is its own neighbour; features (N,D), N >= 2."""
    return _nearest(features, features, same=True)


def _nearest(queries: np.ndarray, candidates: np.ndarray, same: bool) -> Nearest:
    index, squared = np.zeros(len(queries), np.int64), np.full(len(queries), np.inf)
    for q in range(0, len(queries), QUERIES):
        block = torch.from_numpy(np.asarray(queries[q : q + QUERIES], np.float64))
        rows = slice(q, q + len(block))
        for c in range(0, len(candidates), CANDIDATES):
            others = torch.from_numpy(np.asarray(candidates[c : c + CANDIDATES], np.float64))
            # |a|^2 + |b|^2 - 2 ab: float64 leaves of the cancellation what no picture can show
            found = (block.square().sum(1)[:, None] + others.square().sum(1) - 2 * block @ others.T).clamp_(min=0)
            if same:
                own = range(max(q, c), min(q + len(block), c + len(others)))
                found[[i - q for i in own], [i - c for i in own]] = torch.inf
            smallest, place = (values.numpy() for values in found.min(1))
            nearer = smallest < squared[rows]
            index[rows] = np.where(nearer, place + c, index[rows])
            squared[rows] = np.where(nearer, smallest, squared[rows])
    return Nearest(index, np.sqrt(squared))
