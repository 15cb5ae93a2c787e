"""Real images at the size of a dataset."""

import numpy as np


def fitted(image: np.ndarray, size: int, squash: bool = False) -> np.ndarray:
    """Resize the short side and crop the centre, or squash, to a square.

    Args:
        image: RGB uint8 (H,W,3).
        size: Height and width of the result in pixels.
        squash: Whether the whole image is resized to the square, whatever its aspect ratio.

    Returns:
        RGB uint8 (size,size,3); bicubic with antialiasing. An image of that size is returned as it is.
    """
    from PIL import Image

    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    short = min(height, width)
    # Never below size: the rounded long side of an extreme aspect ratio.
    new = (size, size) if squash else tuple(max(size, round(side * size / short)) for side in (width, height))
    resized = np.asarray(Image.fromarray(image).resize(new, Image.Resampling.BICUBIC))
    top, left = (resized.shape[0] - size) // 2, (resized.shape[1] - size) // 2
    return np.ascontiguousarray(resized[top : top + size, left : left + size])
