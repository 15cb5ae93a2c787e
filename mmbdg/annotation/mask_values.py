"""Grey values of annotation masks, and masks that annotators draw, read as such."""

import io

import numpy as np

from mmbdg.errors import InputError
from mmbdg.images import read_stored

BACKGROUND, IGNORE, FOREGROUND = 0, 128, 255


def read_values(data: bytes, colours: bool = True) -> np.ndarray:
    """What the pixels of a plain mask are: 0 is background, anything else foreground, or what ``ignore_value`` names.

    Grey values and indices of a palette are as they are stored, see :func:`mmbdg.images.read_stored`; index 0 must be black, and be the
    only black that is used. Colours of equal channels are greys; of others whatever is not black is 255.

    Args:
        data: Bytes of a PNG file.
        colours: Whether other colours than greys are taken.

    Returns:
        uint8 or uint16 (H,W).

    Raises:
        InputError: It is no lossless image, has transparent pixels or a palette that leaves the background uncertain.
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
        raise InputError('has colours; where a value is to be ignored, it must have grey values or a palette')
    return np.where(values.any(axis=2), FOREGROUND, BACKGROUND).astype(np.uint8)


def read_mask(data: bytes, ignore_value: int | None = None) -> np.ndarray:
    """A plain mask: any pixel that is not zero is foreground.

    Args:
        data: Bytes of a PNG file.
        ignore_value: Grey value (or palette index) of pixels that do not count.

    Returns:
        uint8 (H,W) of BACKGROUND, IGNORE and FOREGROUND.

    Raises:
        InputError: See :func:`read_values`.
    """
    values = read_values(data, colours=ignore_value is None)
    return compose(values != 0, np.zeros(values.shape, bool) if ignore_value is None else values == ignore_value)


def compose(foreground: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """bool (H,W) each -> uint8 (H,W); a pixel that is both does not count."""
    return np.where(ignored, IGNORE, np.where(foreground, FOREGROUND, BACKGROUND)).astype(np.uint8)


def encode_png(array: np.ndarray) -> bytes:
    """uint8 (H,W) or (H,W,3) as the bytes of a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format='PNG')
    return buffer.getvalue()
