"""Grey values of annotation masks, and masks read from PNG files of any honest kind."""

import io
import struct
import zlib

import numpy as np

from mmbdg.errors import InputError

BACKGROUND, IGNORE, FOREGROUND = 0, 128, 255
SIGNATURE = b'\x89PNG\r\n\x1a\n'


def decode_png(data: bytes) -> tuple[str, np.ndarray, np.ndarray | None]:
    """A PNG's mode (as Pillow names it, without its alpha), its values and its palette.

    Returns:
        The mode; values (H,W) or (H,W,3) as stored; for mode P the palette uint8 (256,3), else None.

    Raises:
        InputError: No PNG, cut off, with transparent pixels, or with 16 bit colours (Pillow would round dark ones to black).
    """
    from PIL import Image

    if not data.startswith(SIGNATURE):
        raise InputError('is no PNG; other formats blur the edges of a mask, or were only renamed')
    if data[24:25] == b'\x10' and data[25:26] != b'\x00':
        raise InputError('has colours of 16 bit; save it with grey values, a palette or 8 bit RGB')
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            mode, values = picture.mode, np.asarray(picture)
            palette = _palette(picture) if mode == 'P' else None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise InputError(f'is no PNG, or is cut off ({error})') from error
    if mode not in ('LA', 'RGBA'):
        return mode, values, palette
    if not (values[..., -1] == 255).all():
        raise InputError('has transparent pixels, so its background is not certain; save it without transparency')
    return ('L', values[..., 0], None) if mode == 'LA' else ('RGB', values[..., :3], None)


def read_mask(data: bytes, ignore_value: int | None = None) -> np.ndarray:
    """A plain mask: any pixel that is not zero is foreground.

    Grey values of 1, 8, 16 and 32 bit count as they are. In a palette, index 0 must be black, and be the only black that is used.

    Args:
        data: Bytes of a PNG file.
        ignore_value: Grey value (or palette index) of pixels that do not count.

    Returns:
        uint8 (H,W) of BACKGROUND, IGNORE and FOREGROUND.

    Raises:
        InputError: See :func:`decode_png`; or a palette, or a mode, that leaves the background uncertain.
    """
    mode, values, palette = decode_png(data)
    if mode == 'P':
        drawn = palette[values].any(axis=2)
        if not np.array_equal(drawn, values != 0):
            raise InputError('has a palette in which 0 is not black, or black is not 0; save it with grey values')
    elif mode == 'RGB':
        drawn = values.any(axis=2)
        if ignore_value is not None:
            raise InputError('has colours; where a value is to be ignored, it must have grey values or a palette')
    elif mode in ('1', 'L', 'I') or mode.startswith('I;16'):
        drawn = values != 0
    else:
        raise InputError(f'has the mode {mode}; save it with grey values, a palette or RGB')
    ignored = np.zeros(drawn.shape, bool) if ignore_value is None else values == ignore_value
    return compose(drawn, ignored)


def compose(foreground: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """bool (H,W) each -> uint8 (H,W); a pixel that is both does not count."""
    return np.where(ignored, IGNORE, np.where(foreground, FOREGROUND, BACKGROUND)).astype(np.uint8)


def encode_png(array: np.ndarray) -> bytes:
    """uint8 (H,W) or (H,W,3) as the bytes of a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format='PNG')
    return buffer.getvalue()


def _palette(picture: object) -> np.ndarray:
    colours = np.array(picture.getpalette('RGB'), np.uint8).reshape(-1, 3)
    return np.concatenate([colours, np.zeros((256 - len(colours), 3), np.uint8)])
