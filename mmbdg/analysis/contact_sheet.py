"""Pictures for people: images in a grid, masks laid over them."""

import os
from collections.abc import Sequence

import numpy as np

from mmbdg.files import write_png


def grid(images: Sequence[np.ndarray], columns: int, gap: int = 2, background: int = 255) -> np.ndarray:
    """Images uint8 (H,W,3), row by row, as one picture uint8 (H',W',3); smaller ones stand in the corner of their cell."""
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), background, np.uint8)
    for i, image in enumerate(images):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
    return sheet


def overlay(image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]], opacity: float = 0.5) -> np.ndarray:
    """Colour an image by its mask; background (0) and ids without a colour (ignore) stay as they are.

    Args:
        image: uint8 (H,W,3), RGB.
        mask: integer (H,W).
        palette: RGB 0..255 for each id.
        opacity: Of the colour, 0..1.

    Returns:
        uint8 (H,W,3).
    """
    colours = np.asarray(palette, np.float64)
    coloured = (mask > 0) & (mask < len(colours))
    out = image.astype(np.float64)
    out[coloured] = (1 - opacity) * out[coloured] + opacity * colours[mask[coloured]]
    return out.round().astype(np.uint8)


def save_picture(path: str | os.PathLike, picture: np.ndarray, scale: int = 1) -> None:
    """Write uint8 (H,W,3) as PNG, each pixel ``scale`` x ``scale``."""
    write_png(path, picture.repeat(scale, axis=0).repeat(scale, axis=1))
