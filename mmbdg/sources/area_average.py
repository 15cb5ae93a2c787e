"""Images made smaller by averaging."""

import numpy as np


def averaged(image: np.ndarray, size: int) -> np.ndarray:
    """Make a square image smaller: each pixel is the mean of the area that it covers.

    Args:
        image: RGB uint8 (S,S,3).
        size: Height and width in pixels, 1 to S.

    Returns:
        RGB uint8 (size,size,3).
    """
    from PIL import Image

    channels = [Image.fromarray(channel) for channel in image.astype(np.float32).transpose(2, 0, 1)]  # Pillow rounds uint8 images twice
    means = np.stack([np.asarray(channel.resize((size, size), Image.Resampling.BOX)) for channel in channels], axis=2)
    return np.rint(means).astype(np.uint8)
