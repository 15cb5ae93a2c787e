"""Grey values of annotation masks, and reading of plain masks drawn by annotators."""

import io

import numpy as np

from mmbdg.errors import InputError
from mmbdg.images import read_stored

BACKGROUND, IGNORE, FOREGROUND = 0, 128, 255


def read_values(data: bytes, colours: bool = True) -> np.ndarray:
    """Read the pixel values of a plain mask: 0 is background; other values are foreground, or the ``ignore_value`` of :func:`read_mask`.

    Grey values and palette indices are returned as stored, see :func:`mmbdg.images.read_stored`; palette index 0 must be black and the only
    black index in use. RGB images with equal channels are grey; in other RGB images every colour but black becomes 255.

    Args:
        data: Bytes of a PNG file.
        colours: Whether RGB images that are not grey are allowed; default True.

    Returns:
        Pixel values, uint8 or uint16 (H,W).

    Raises:
        InputError: The file is not a lossless image, has transparent pixels, or has a palette with an unclear background.
    """
    values, palette = read_stored(data, 'it')
    if palette is not None:
        if not np.array_equal(palette[values].any(axis=2), values != 0):
            raise InputError('has a palette in which 0 is not black, or black is not 0; save it with grey values')
        return values
    if values.ndim == 2:
        return values
    if (values == values[..., :1]).all():
        return np.ascontiguousarray(values[..., 0])
    if not colours:
        raise InputError('has colours; with an ignore value, it must have grey values or a palette')
    return np.where(values.any(axis=2), FOREGROUND, BACKGROUND).astype(np.uint8)


def read_mask(data: bytes, ignore_value: int | None = None) -> np.ndarray:
    """Read a plain mask: every pixel that is not zero is foreground.

    Args:
        data: Bytes of a PNG file.
        ignore_value: Grey value (or palette index) of ignored pixels; None: no pixel is ignored.

    Returns:
        Mask, uint8 (H,W), with the values BACKGROUND (0), IGNORE (128) and FOREGROUND (255).

    Raises:
        InputError: See :func:`read_values`.
    """
    values = read_values(data, colours=ignore_value is None)
    return compose(values != 0, np.zeros(values.shape, bool) if ignore_value is None else values == ignore_value)


def compose(foreground: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """Combine two bool (H,W) maps to a mask uint8 (H,W); a pixel that is in both is ignored."""
    return np.where(ignored, IGNORE, np.where(foreground, FOREGROUND, BACKGROUND)).astype(np.uint8)


def encode_png(array: np.ndarray) -> bytes:
    """Encode uint8 (H,W) or (H,W,3) as the bytes of a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format='PNG')
    return buffer.getvalue()
