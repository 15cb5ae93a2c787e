"""Images brought to a square of another size."""

import numpy as np


def fitted(image: np.ndarray, size: int, squash: bool = False) -> np.ndarray:
    """An image brought to a square.

    Args:
        image: RGB uint8 (H,W,3).
        size: Height and width in pixels.
        squash: False: the short side gets the size and the middle of the long side is kept. True: both sides get the size, as in the code
            of "The Unmet Promise".

    Returns:
        RGB uint8 (size,size,3); an image of that size is returned as it is.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    from PIL import Image

    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    box = (0, 0, width, height) if squash else (left, top, left + side, top + side)
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC, box))


def averaged(image: np.ndarray, size: int) -> np.ndarray:
    """A square image made smaller: each pixel is the mean of the area it covers.

    Args:
        image: RGB uint8 (S,S,3).
        size: Height and width in pixels, S at most.

    Returns:
        RGB uint8 (size,size,3).
    """
    from PIL import Image

    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))
