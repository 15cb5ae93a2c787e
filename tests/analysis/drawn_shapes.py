"""Shapes with known statistics."""

import numpy as np
from scipy import ndimage


def rectangle(top: int, left: int, height: int, width: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """A filled rectangle, bool (H,W)."""
    mask = np.zeros(size, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def disc(y: float, x: float, radius: float, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """A disc, bool (H,W): the pixels whose centres are inside."""
    ys, xs = np.mgrid[: size[0], : size[1]] + 0.5
    return np.hypot(ys - y, xs - x) <= radius


def blob(seed: int, size: int = 64, smooth: float = 4, level: float = 0.0) -> np.ndarray:
    """Smooth noise above a level, bool (size,size): several components with holes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), smooth, mode='wrap')
    return noise > level * noise.std()
