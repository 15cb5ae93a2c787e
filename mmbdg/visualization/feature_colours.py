"""Visualizes features as colours."""

import numpy as np


def principal_colours(features: np.ndarray) -> np.ndarray:
    """The first three principal components of the pixels of a feature map as red, green and blue.

    The components are computed over the pixels of all samples, so colours are comparable between samples. Each component is scaled from its
    1st to its 99th percentile. The sign of a component makes its entry with the largest absolute value positive.

    Args:
        features: Feature maps, float (N,C,H,W).

    Returns:
        RGB images, uint8 (N,H,W,3). A component that does not exist or is constant has the value 127.
    """
    n, c, h, w = features.shape
    pixels = np.moveaxis(features, 1, -1).reshape(-1, c).astype(np.float64)
    pixels -= pixels.mean(0)
    _, directions = np.linalg.eigh(pixels.T @ pixels)
    directions = directions[:, ::-1][:, :3]
    directions *= np.sign(directions[np.abs(directions).argmax(0), range(directions.shape[1])])
    scores = np.zeros((len(pixels), 3))
    scores[:, : directions.shape[1]] = pixels @ directions
    low, high = np.percentile(scores, [1, 99], axis=0)
    spread = np.where(high > low, high - low, 1)
    colours = np.where(high > low, (scores - low) / spread, 0.5).clip(0, 1)
    return (colours * 255).round().astype(np.uint8).reshape(n, h, w, 3)
