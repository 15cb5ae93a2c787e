"""Mean shapes of a class: the major modes of its masks (paper, Figure 6)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanShapes:
    """Clusters of one class, the largest first.

    Attributes:
        shapes: float32 (K,S,S), 0..1: the part of the cluster's masks that covers a pixel.
        shares: float64 (K,), of the class's samples; their sum is 1.
    """

    shapes: np.ndarray
    shares: np.ndarray


def mean_shapes(crops: np.ndarray, clusters: int = 5, seed: int = 0, address: str = '') -> MeanShapes:
    """Cluster the masks of one class.

    Args:
        crops: uint8 (N,S,S), masks of one class in their tight boxes (``MaskStatistics.crops`` without those of empty masks).
        clusters: As in the paper; a class with fewer different masks has fewer.
        seed, address: Of the clustering's random start; the address is the class, e.g. its name.
    """
    raise NotImplementedError
