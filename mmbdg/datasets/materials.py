"""Random materials for composed images: shapes, patterns, and colours that all parts of an image share."""

from functools import cache

import cv2
import numpy as np

DEEPEST, BRIGHTEST = 12.0, 243.0
"""Range of the colours of a palette, in grey levels."""
SPREAD = 110.0
"""Largest difference between a colour of a palette and the palette's centre in each channel, in grey levels."""


def palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Colours of one image, float64 (count,3) in grey levels: a random centre, and random differences from it."""
    centre = rng.uniform(60, 195, 3)
    return np.clip(centre + rng.uniform(-SPREAD, SPREAD, (count, 3)), DEEPEST, BRIGHTEST)


def noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """Smooth random noise of three octaves, float32 (size,size), standard deviation about 1.

    The cells of the octaves are 1/3, 1/6 and 1/12 of the size wide; their weights differ from pattern to pattern.
    """
    total = np.zeros((size, size), np.float32)
    for cells, weight in zip((3, 6, 12), rng.uniform(0.2, 1.0, 3).tolist(), strict=True):
        enlarge = _enlarging(cells, size)
        total += weight * (enlarge @ rng.standard_normal((cells, cells), np.float32) @ enlarge.T)
    return total / max(float(total.std()), 1e-6)


@cache
def _enlarging(cells: int, size: int) -> np.ndarray:
    """Matrix that enlarges one axis from ``cells`` to ``size`` by cubic interpolation, float32 (size,cells)."""
    return cv2.resize(np.eye(cells, dtype=np.float32), (cells, size), interpolation=cv2.INTER_CUBIC)


def stripes(rng: np.random.Generator, size: int) -> np.ndarray:
    """Stripes of a random direction, phase and wavelength (1/10 to 1/3 of the size), float32 (size,size) in [-1, 1]."""
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    wavelength = size * np.exp(rng.uniform(np.log(0.1), np.log(0.33)))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return np.sin((2 * np.pi / wavelength) * (x * np.cos(angle) + y * np.sin(angle)) + phase)


def pattern(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random pattern, float32 (size,size) in [0, 1]: noise, in half of the cases with stripes."""
    values = noise(rng, size)
    if rng.random() < 0.5:
        values = values * rng.uniform(0.3, 0.7) + stripes(rng, size)
    return np.clip(0.5 + 0.3 * values, 0, 1)


def two_of(rng: np.random.Generator, colours: np.ndarray, contrast: float = 1.0) -> np.ndarray:
    """Two colours of a material, float64 (2,3).

    Args:
        rng: Draws two different colours.
        colours: Colours, float (N,3).
        contrast: How far the second one lies on the way from the first drawn colour to the other, 0..1. Default 1: it is the other.
    """
    first, second = colours[rng.choice(len(colours), 2, replace=False)]
    return np.stack([first, first + contrast * (second - first)])


def painted(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Colour a pattern: 0 gets the first colour, 1 the second one, values between them are mixed.

    Args:
        values: Pattern, float (H,W) in [0, 1].
        colours: Two colours, float (2,3) in grey levels.

    Returns:
        float32 (H,W,3).
    """
    first, second = colours.astype(np.float32)
    return first + values[:, :, None].astype(np.float32) * (second - first)


def blob(rng: np.random.Generator, size: int, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """A turned ellipse or rounded rectangle, bool (size,size).

    Args:
        rng: Draws the angle, and which of both it is.
        size: Side of the image in pixels.
        centre: Row and column in pixels; may lie outside the image.
        radii: Half of the length and of the width in pixels.
    """
    angle, power = rng.uniform(0, np.pi), rng.choice((2, 8))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    y, x = y - centre[0], x - centre[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.abs(along / radii[0]) ** power + np.abs(across / radii[1]) ** power <= 1


def as_pixels(image: np.ndarray) -> np.ndarray:
    """Round grey levels to uint8; values outside 0..255 are cut off."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
