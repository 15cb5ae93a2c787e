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


def line_colours(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """A palette (N,3), RGB 0..255, as colours uint8 (N,3) that show on dark pictures: at full brightness, a quarter of white in them."""
    colours = np.asarray(palette, np.float64).reshape(-1, 3)
    brightest = colours.max(axis=1, keepdims=True)
    full = np.where(brightest > 0, 255 * colours / np.maximum(brightest, 1), 255)
    return (0.75 * full + 0.25 * 255).round().astype(np.uint8)


def outlined(image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]], ignore: int, width: int = 1) -> np.ndarray:
    """Draw the outlines of a mask's labels, in :func:`line_colours`, with a dark rim that shows on anything.

    Args:
        image: uint8 (H,W,3), RGB.
        mask: integer (H,W).
        palette: RGB 0..255 for each id.
        ignore: Value of pixels that do not count.
        width: Of the line in pixels, inside the label's region.

    Returns:
        uint8 (H,W,3).
    """
    labels = np.where(mask == ignore, 0, mask)
    inner, rim = np.zeros(mask.shape, bool), np.zeros(mask.shape, bool)
    bordered = np.pad(labels, width, mode='edge')
    for dy in range(-width, width + 1):
        for dx in range(-width, width + 1):
            other = bordered[width + dy : width + dy + mask.shape[0], width + dx : width + dx + mask.shape[1]]
            inner |= (other != labels) & (labels > 0)
            if abs(dy) <= 1 and abs(dx) <= 1:
                rim |= (other != labels) & (labels == 0)
    colours = line_colours(palette)
    out = image.copy()
    out[rim] = (0.35 * out[rim]).astype(np.uint8)
    out[inner] = colours[np.minimum(labels[inner], len(colours) - 1)]
    return out


def thumbnail(image: np.ndarray, mask: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Image uint8 (H,W,3) and mask integer (H,W) with the long side near ``side`` pixels: shrunk smoothly, or whole pixels repeated."""
    from PIL import Image

    longest = max(image.shape[:2])
    if longest <= side:
        times = max(1, side // longest)
        return tuple(array.repeat(times, axis=0).repeat(times, axis=1) for array in (image, mask))
    height, width = (max(1, round(extent * side / longest)) for extent in image.shape[:2])
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in ((height, mask.shape[0]), (width, mask.shape[1])))
    small = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small), mask[rows[:, None], columns]


def save_picture(path: str | os.PathLike, picture: np.ndarray, scale: int = 1) -> None:
    """Write uint8 (H,W,3) as PNG, each pixel ``scale`` x ``scale``."""
    write_png(path, picture.repeat(scale, axis=0).repeat(scale, axis=1))
