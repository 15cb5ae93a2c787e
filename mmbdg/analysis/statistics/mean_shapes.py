"""Mean shapes of a class: the major modes of its masks (paper, Figure 6)."""

from dataclasses import dataclass

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.analysis.statistics.mask_columns import tight_box

MAX_SAMPLES = 2000
"""Of a class that are clustered; more are drawn from."""


@dataclass(frozen=True)
class MeanShapes:
    """Clusters of one class, the largest first.

    Attributes:
        shapes: float32 (K,S,S), 0..1: the part of the cluster's masks that covers a pixel.
        shares: float64 (K,), of the samples; their sum is 1.
    """

    shapes: np.ndarray
    shares: np.ndarray


def crop_to_box(foreground: np.ndarray, size: int) -> np.ndarray:
    """A mask in its tight box, stretched to a square.

    Args:
        foreground: bool (H,W).
        size: Of the square.

    Returns:
        uint8 (size,size): 255 times the part of each pixel that is covered; all 0 without foreground.
    """
    from PIL import Image

    box = tight_box(foreground)
    if box is None:
        return np.zeros((size, size), np.uint8)
    cut = Image.fromarray(foreground[box].astype(np.uint8) * 255)
    return np.asarray(cut.resize((size, size), Image.Resampling.BOX))


def mean_shapes(crops: np.ndarray, clusters: int = 5, seed: int = 0, address: str = '') -> MeanShapes:
    """Cluster the masks of one class by k-means.

    Args:
        crops: uint8 (N,S,S), masks of one class by :func:`crop_to_box`, none of them empty.
        clusters: As in the paper; a class with fewer different masks has fewer.
        seed, address: Of the random start, and of the choice where there are more than :data:`MAX_SAMPLES`; the address is the class,
            e.g. its name.

    Returns:
        Without clusters if there are no crops.
    """
    from scipy.cluster.vq import kmeans2

    rng = generator_at('mean shapes', seed, address)
    if len(crops) > MAX_SAMPLES:
        crops = crops[np.sort(rng.choice(len(crops), MAX_SAMPLES, replace=False))]
    vectors = crops.reshape(len(crops), crops.shape[1] * crops.shape[2]).astype(np.float32) / 255
    clusters = min(clusters, len(np.unique(crops, axis=0)))
    if not clusters:
        return MeanShapes(np.zeros((0, *crops.shape[1:]), np.float32), np.zeros(0))
    _, nearest = kmeans2(vectors, clusters, iter=50, minit='++', missing='warn', rng=rng)
    counts = np.bincount(nearest, minlength=clusters)
    order = [c for c in np.argsort(-counts, kind='stable') if counts[c]]
    shapes = [vectors[nearest == c].mean(axis=0).reshape(crops.shape[1:]) for c in order]
    return MeanShapes(np.stack(shapes), counts[order] / len(crops))
