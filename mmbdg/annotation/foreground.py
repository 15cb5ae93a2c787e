"""The documented foreground rule of the embedded default: an annotator that never tires, for real and generated images alike."""

import numpy as np

BACKGROUND_LEVEL = 8
"""Grey level (0..255) up to which a pixel is background. The rule's own spread is read at 4, 8 and 16."""


def fashion_foreground(image: np.ndarray, threshold: int = BACKGROUND_LEVEL) -> np.ndarray:
    """Foreground mask of a product photo on black: holes filled after a closing of (grey > threshold).

    Fashion-MNIST's background is exactly 0, so the rule is exact on its images once they are padded to 32 px; it must not be applied
    after a resize. Holes that belong to the background (the handle of a bag, a sandal) count as foreground.

    Args:
        image: uint8 (H,W) or (H,W,3); of three channels the mean counts.
        threshold: Grey level, 0..254.

    Returns:
        bool (H,W).

    Raises:
        ValueError: ``image`` has another shape or dtype.
    """
    from scipy import ndimage

    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(f'the foreground rule takes uint8 (H,W) or (H,W,3), got {image.dtype} {image.shape}')
    grey = image if image.ndim == 2 else image.mean(axis=2)
    return ndimage.binary_fill_holes(ndimage.binary_closing(grey > threshold))
