"""Real images and their masks at the size of a dataset."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Resampling


def fitted(image: np.ndarray, size: int, squash: bool = False) -> np.ndarray:
    """Resize the short side and crop the centre, or squash, to a square.

    Args:
        image: RGB uint8 (H,W,3).
        size: Height and width of the result in pixels.
        squash: Whether the whole image is resized to the square, whatever its aspect ratio. Default: False.

    Returns:
        RGB uint8 (size,size,3), bicubic with antialiasing. An image of that size is returned as it is.
    """
    from PIL.Image import Resampling

    return _fitted(image, size, squash, Resampling.BICUBIC)


def fitted_mask(mask: np.ndarray, size: int, squash: bool = False) -> np.ndarray:
    """Fit a mask, uint8 (H,W), as :func:`fitted` fits its image, by the nearest pixel."""
    from PIL.Image import Resampling

    return _fitted(mask, size, squash, Resampling.NEAREST)


def _fitted(picture: np.ndarray, size: int, squash: bool, resampling: 'Resampling') -> np.ndarray:
    from PIL import Image

    height, width = picture.shape[:2]
    if (height, width) == (size, size):
        return picture
    short = min(height, width)
    # Never below size: the rounded long side of an extreme aspect ratio.
    new = (size, size) if squash else tuple(max(size, round(side * size / short)) for side in (width, height))
    resized = np.asarray(Image.fromarray(picture).resize(new, resampling))
    top, left = (resized.shape[0] - size) // 2, (resized.shape[1] - size) // 2
    return np.ascontiguousarray(resized[top : top + size, left : left + size])
