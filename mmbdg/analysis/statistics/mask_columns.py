"""Columns of Table 1 that count pixels: IN, MI, BI, MB.

All labels except background and ignored pixels are foreground, also in masks with several labels. Components are 8-connected. For an image
without foreground, IN, MI and BI are 0 and MB is NaN.
"""

from dataclasses import dataclass

import numpy as np

MIN_PIXELS = 30
"""Minimum size of a component that counts as an instance, in pixels. The paper gives none; without it, small errors of a labeller count."""


@dataclass(frozen=True)
class Components:
    """Connected components of a foreground.

    Attributes:
        ids: Component numbers, int32 (H,W): 0 outside, otherwise 1 to K in the order of the first pixels.
        sizes: Pixels of components 1 to K, int64 (K,).
    """

    ids: np.ndarray
    sizes: np.ndarray

    def largest(self) -> np.ndarray:
        """Mask of the largest component, bool (H,W); the first one among equal sizes. At least one component is required."""
        return self.ids == 1 + int(self.sizes.argmax())


def foreground(mask: np.ndarray, ignore: int) -> np.ndarray:
    """Foreground of a mask: label ids, integer (H,W) -> bool (H,W)."""
    return (mask != 0) & (mask != ignore)


def components(foreground: np.ndarray) -> Components:
    """Connected components of a foreground, bool (H,W)."""
    from scipy import ndimage

    ids, _ = ndimage.label(foreground, structure=np.ones((3, 3), int))
    return Components(ids, np.bincount(ids.ravel())[1:])


def instance_count(found: Components, min_pixels: int = MIN_PIXELS) -> int:
    """IN: number of instances in the image, i.e. of components with at least ``min_pixels`` pixels."""
    return int((found.sizes >= min_pixels).sum())


def mask_ratio(foreground: np.ndarray) -> float:
    """MI: mask area over image area, bool (H,W) -> 0..1. Ignored pixels count as part of the image."""
    return np.count_nonzero(foreground) / foreground.size


def tight_box(foreground: np.ndarray) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest box around a mask, bool (H,W); None if the mask is empty."""
    rows, columns = (np.flatnonzero(foreground.any(axis=axis)) for axis in (1, 0))
    return (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)) if len(rows) else None


def box_ratio(foreground: np.ndarray) -> float:
    """BI: area of the tight box over image area, bool (H,W) -> 0..1. One box encloses the whole foreground."""
    box = tight_box(foreground)
    return foreground[box].size / foreground.size if box else 0.0


def mask_box_ratio(foreground: np.ndarray) -> float:
    """MB: mask area over area of its tight box, bool (H,W) -> 0..1; NaN without foreground."""
    box = tight_box(foreground)
    return mask_ratio(foreground[box]) if box else float('nan')
