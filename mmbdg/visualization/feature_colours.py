"""Features as pictures."""

import numpy as np


def principal_colours(features: np.ndarray) -> np.ndarray:
    """The first three principal components of a feature's pixels as red, green and blue.

    Pixels of all samples are taken together, so a colour means the same in each. Each component is stretched from its 1st to its 99th
    percentile; its sign makes the entry of largest modulus positive.

    Args:
        features: float (N,C,H,W).

    Returns:
        uint8 (N,H,W,3); grey where a component does not exist or is constant.
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
