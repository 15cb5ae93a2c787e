"""Columns of Table 1 that count pixels: IN, MI, BI, MB.

Foreground is every label but the background and what is ignored, of a mask with many labels too. Pixels touch over edges and corners
(8-connectivity). An image without foreground has IN, MI and BI of 0; its MB is not defined (NaN).
"""

from dataclasses import dataclass

import numpy as np

MIN_PIXELS = 30
"""The least pixels of a component that counts as an instance. The paper names none; without one, specks of a labeller count."""


@dataclass(frozen=True)
class Components:
    """Connected components of a foreground.

    Attributes:
        ids: int32 (H,W): 0 outside, else the number of the component, from 1 in the order of their first pixels.
        sizes: int64 (K,), pixels of component 1 ... K.
    """

    ids: np.ndarray
    sizes: np.ndarray

    def largest(self) -> np.ndarray:
        """bool (H,W); of equal ones the first. Needs one component at least."""
        return self.ids == 1 + int(self.sizes.argmax())


def foreground(mask: np.ndarray, ignore: int) -> np.ndarray:
    """Label ids, integer (H,W) -> bool (H,W)."""
    return (mask != 0) & (mask != ignore)


def components(foreground: np.ndarray) -> Components:
    """bool (H,W) -> its components."""
    from scipy import ndimage

    ids, _ = ndimage.label(foreground, structure=np.ones((3, 3), int))
    return Components(ids, np.bincount(ids.ravel())[1:])


def instance_count(found: Components, min_pixels: int = MIN_PIXELS) -> int:
    """IN: instances in the image, components of at least ``min_pixels`` pixels."""
    return int((found.sizes >= min_pixels).sum())


def mask_ratio(foreground: np.ndarray) -> float:
    """MI: mask area over image area, bool (H,W) -> 0..1. Ignored pixels are part of the image."""
    return np.count_nonzero(foreground) / foreground.size


def tight_box(foreground: np.ndarray) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest box around a bool (H,W); None if it is empty."""
    rows, columns = (np.flatnonzero(foreground.any(axis=axis)) for axis in (1, 0))
    return (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)) if len(rows) else None


def box_ratio(foreground: np.ndarray) -> float:
    """BI: area of the tight box of the mask over image area, bool (H,W) -> 0..1. One box around all of the foreground."""
    box = tight_box(foreground)
    return foreground[box].size / foreground.size if box else 0.0


def mask_box_ratio(foreground: np.ndarray) -> float:
    """MB: mask area over area of its tight box, bool (H,W) -> 0..1, NaN without foreground."""
    box = tight_box(foreground)
    return mask_ratio(foreground[box]) if box else float('nan')
