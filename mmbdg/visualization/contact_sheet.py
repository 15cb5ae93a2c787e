"""Draws images in a grid and masks over images."""

import os
from collections.abc import Sequence

import numpy as np

from mmbdg.files import write_png


def grid(images: Sequence[np.ndarray], columns: int, gap: int = 2, background: int = 255) -> np.ndarray:
    """Images, uint8 (H,W,3), row by row in one image, uint8 (H',W',3). Smaller images are in the top left corner of their cell."""
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), background, np.uint8)
    for i, image in enumerate(images):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
    return sheet


def overlay(image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]], opacity: float = 0.5) -> np.ndarray:
    """Colour an image by its mask. Pixels of the background (0) and of ids without a colour (ignore) do not change.

    Args:
        image: RGB image, uint8 (H,W,3).
        mask: Label ids, integer (H,W).
        palette: RGB colour of each id, 0 to 255.
        opacity: Opacity of the colour, 0 to 1. Default: 0.5.

    Returns:
        RGB image, uint8 (H,W,3).
    """
    colours = np.asarray(palette, np.float64)
    coloured = (mask > 0) & (mask < len(colours))
    out = image.astype(np.float64)
    out[coloured] = (1 - opacity) * out[coloured] + opacity * colours[mask[coloured]]
    return out.round().astype(np.uint8)


def line_colours(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Colours uint8 (N,3) for lines on dark images, from a palette (N,3), RGB 0..255: full brightness, mixed with a quarter of white."""
    colours = np.asarray(palette, np.float64).reshape(-1, 3)
    brightest = colours.max(axis=1, keepdims=True)
    full = np.where(brightest > 0, 255 * colours / np.maximum(brightest, 1), 255)
    return (0.75 * full + 0.25 * 255).round().astype(np.uint8)


def outlined(image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]], ignore: int, width: int = 1) -> np.ndarray:
    """Draw the outlines of the labels of a mask in :func:`line_colours`, with a dark border that is visible on all images.

    Args:
        image: RGB image, uint8 (H,W,3).
        mask: Label ids, integer (H,W).
        palette: RGB colour of each id, 0 to 255.
        ignore: Value of ignored pixels.
        width: Width of the line in pixels, inside the region of the label. Default: 1.

    Returns:
        RGB image, uint8 (H,W,3).
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
    """Image, uint8 (H,W,3), and mask, integer (H,W), with a long side of about ``side`` pixels: reduced by interpolation, or enlarged by
    repeating pixels."""
    from PIL import Image

    longest = max(image.shape[:2])
    if longest <= side:
        times = max(1, side // longest)
        return tuple(array.repeat(times, axis=0).repeat(times, axis=1) for array in (image, mask))
    height, width = (max(1, round(extent * side / longest)) for extent in image.shape[:2])
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in ((height, mask.shape[0]), (width, mask.shape[1])))
    small = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small), mask[rows[:, None], columns]


def resized(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Image, uint8 (H,W,3), resized to ``shape`` (height, width) by bilinear interpolation, uint8."""
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(shape[::-1], Image.Resampling.BILINEAR))


def save_picture(path: str | os.PathLike, picture: np.ndarray, scale: int = 1) -> None:
    """Write an image, uint8 (H,W,3), as PNG, enlarged by repeating each pixel ``scale`` x ``scale`` times."""
    write_png(path, picture.repeat(scale, axis=0).repeat(scale, axis=1))
