"""Images made smaller by averaging."""

import numpy as np


def averaged(image: np.ndarray, size: int) -> np.ndarray:
    """A square image made smaller: each pixel is the mean of the area it covers.

    Args:
        image: RGB uint8 (S,S,3).
        size: Height and width in pixels, S at most.

    Returns:
        RGB uint8 (size,size,3).
    """
    from PIL import Image

    channels = [Image.fromarray(channel) for channel in image.astype(np.float32).transpose(2, 0, 1)]  # of bytes, Pillow rounds twice
    means = np.stack([np.asarray(channel.resize((size, size), Image.Resampling.BOX)) for channel in channels], axis=2)
    return np.rint(means).astype(np.uint8)
