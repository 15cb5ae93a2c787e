"""Exact and near duplicates among images, by their pixels at a small size. No network is needed.

For near duplicates in the sense of a network, such as two photographs of the same object, see ``mmbdg.NearDuplicates`` (docs/synthesis.md).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from mmbdg.analysis.distances.nearest import nearest_other
from mmbdg.storage.checksums import checksum

SIDE = 16
"""Height and width of a thumbnail in pixels."""
NEAR = 4.0
"""Root mean square difference of two thumbnails, in grey levels of 255, up to which images are near duplicates. Measured on the embedded
garments, see docs/own_images.md."""


def fingerprint(image: np.ndarray) -> str:
    """Checksum of the pixels and the size of an image uint8 (H,W,3); equal for the same picture in two lossless files."""
    return checksum(repr(image.shape).encode() + image.tobytes())


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Image uint8 (H,W,3) as a vector float32 (768,): colours of 16 x 16 areas, each the mean of its pixels."""
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()


def equal_groups(fingerprints: Sequence[str]) -> list[list[int]]:
    """Groups of at least two images with equal pixels, by index, in the order of their first image."""
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(fingerprints):
        groups.setdefault(name, []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def near_pairs(thumbnails: np.ndarray, near: float = NEAR) -> list[tuple[int, int, float]]:
    """Images whose nearest other image differs little: (later image, earlier image, difference in grey levels), in ascending order.

    Each image is compared with its nearest other one only, which finds every image that has a near duplicate.

    Args:
        thumbnails: See :func:`thumbnail`, float32 (N,768); of images that are not equal.
        near: Largest root mean square difference, 0 to 255.
    """
    if len(thumbnails) < 2:
        return []
    found = nearest_other(thumbnails)
    differences = found.distance / np.sqrt(thumbnails.shape[1])
    pairs = {
        (max(i, int(found.index[i])), min(i, int(found.index[i]))): float(differences[i])
        for i in np.flatnonzero(differences <= near).tolist()
    }
    return [(*pair, pairs[pair]) for pair in sorted(pairs)]
