"""Images and masks from files, as people and cameras write them: the one way to open each.

Both are turned as their EXIF orientation says, as every viewer and annotation tool shows them, and bounded in bytes and pixels before
anything is decoded.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from mmbdg.errors import InputError
from mmbdg.paths import check_regular

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ('PNG', 'JPEG', 'WEBP', 'TIFF', 'BMP', 'DIB', 'GIF', 'PPM', 'JPEG2000')
"""Pillow's names of the formats that are read; others of Pillow's start programs (EPS) or hold no pixels."""
LOSSY = ('JPEG', 'MPO', 'JPEG2000')
"""Formats that blur the edges of a mask."""
PIXELS_VARIABLE, BYTES_VARIABLE = 'MMBDG_MAX_IMAGE_PIXELS', 'MMBDG_MAX_IMAGE_BYTES'
MOST_PIXELS, MOST_BYTES = 2**27, 2**29
"""134 million pixels (11,585 x 11,585) and 512 MiB, unless the environment, or ``image_limits`` of a config, says otherwise."""
_pillow_bound = Lock()


def set_image_limits(pixels: int | None = None, bytes: int | None = None) -> None:
    """Bounds of the images that this process and those it starts will open; None leaves one as it is.

    Args:
        pixels: Width times height.
        bytes: Of the file.

    Raises:
        InputError: One is not a whole number above 0.
    """
    for variable, value in ((PIXELS_VARIABLE, pixels), (BYTES_VARIABLE, bytes)):
        if value is None:
            continue
        if type(value) is not int or value < 1:
            raise InputError(f'image_limits takes pixels and bytes, whole numbers above 0; got {value!r}')
        os.environ[variable] = str(value)


def open_image(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """An image in colours.

    Transparency is left out, palettes, greys and CMYK become RGB. Greys of 16 bits are brought to 8: as 8 bits where no value exceeds 255,
    as 12 bits where none exceeds 4095 (medical images), else as 16. Of several frames the first counts.

    Args:
        source: Path, or the bytes of a file.
        name: What messages call it; default: the path.

    Returns:
        RGB uint8 (H,W,3).

    Raises:
        InputError: It is no image of :data:`FORMATS`, is cut off, is too large, or its pixels are no greys or colours of up to 16 bits.
    """
    name = name or _name(source)
    with _opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            return np.repeat(eight_bits(_whole_numbers(picture, name), name)[:, :, None], 3, axis=2)
        return np.array(picture.convert('RGB'))


def open_grey(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """An image in grey with all of its levels: as :func:`open_image`, greys of 16 bits as they are.

    Returns:
        uint8 or uint16 (H,W).

    Raises:
        InputError: See :func:`open_image`.
    """
    name = name or _name(source)
    with _opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            return _whole_numbers(picture, name)
        return np.array(picture.convert('L'))


def read_mask(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """A label map: the values of its pixels as they are stored, palettes by index.

    Colours of which the three channels are equal count as greys; an alpha channel is left out where it is opaque everywhere.

    Args:
        source: Path, or the bytes of a file.
        name: What messages call it; default: the path.

    Returns:
        uint8 (H,W), uint16 where the file has more than 8 bits. Black and white of one bit is 0 and 1.

    Raises:
        InputError: It is no image, or cut off; it is in a lossy format, has colours, or transparent pixels: then it is not certain what a
            pixel is labelled.
    """
    name = name or _name(source)
    values, colours = read_stored(source, name)
    if colours is not None:
        return values
    if values.ndim == 3:
        if not (values == values[..., :1]).all():
            raise InputError(f'{name} has colours; a mask has one channel, whose values are the labels: save it as greys or with a palette')
        values = values[..., 0]
    return values


def read_stored(source: str | os.PathLike | bytes, name: str = '') -> tuple[np.ndarray, np.ndarray | None]:
    """The values of a mask's pixels as they are stored, and its palette: what :func:`read_mask` and readers of coloured masks begin with.

    Returns:
        uint8 or uint16 (H,W), indices where there is a palette; or uint8 (H,W,3) RGB. And the palette RGB uint8 (256,3), or None.

    Raises:
        InputError: See :func:`read_mask`; colours are none of its reasons here.
    """
    name = name or _name(source)
    with _opened(source, name) as picture:
        if picture.format in LOSSY:
            raise InputError(f'{name} is a {picture.format}, which blurs the edges of a mask: save it as PNG')
        if picture.info.get('transparency') is not None and picture.mode in ('1', 'L', 'I;16', 'RGB'):
            raise InputError(f'{name} names a transparent value, so its labels are not certain: save it without transparency')
        if picture.mode == 'P':
            return np.array(picture), _palette(picture)
        if picture.mode.startswith('I') or picture.mode == 'F':
            return _whole_numbers(picture, name), None
        values = np.array(picture)
        if picture.mode in ('LA', 'RGBA', 'PA'):
            if not (values[..., -1] == 255).all():
                raise InputError(f'{name} has transparent pixels, so its labels are not certain: save it without transparency')
            values = values[..., 0] if picture.mode in ('LA', 'PA') else values[..., :3]
            return values, _palette(picture) if picture.mode == 'PA' else None
        if picture.mode == '1':
            return values.astype(np.uint8), None
        if picture.mode not in ('L', 'RGB'):
            raise InputError(f'{name} has the mode {picture.mode}; a mask has greys, a palette, or RGB')
        return values, None


def image_size(source: str | os.PathLike | bytes, name: str = '') -> tuple[int, int]:
    """Height and width in pixels as :func:`open_image` would give them; the pixels are not decoded.

    Raises:
        InputError: See :func:`open_image`.
    """
    with _header(source, name or _name(source)) as picture:
        width, height = picture.size
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (width, height) if turned else (height, width)


def eight_bits(values: np.ndarray, name: str = 'the image') -> np.ndarray:
    """Greys of up to 16 bits -> uint8, see :func:`open_image`."""
    most = int(values.max(initial=0))
    depth = next(bits for bits in (255, 4095, 65535) if most <= bits)
    return values.astype(np.uint8) if depth == 255 else np.rint(values * (255 / depth)).astype(np.uint8)


@contextmanager
def _opened(source: str | os.PathLike | bytes, name: str) -> Iterator['Image']:
    """Decoded and turned."""
    import struct
    import zlib

    from PIL import Image, ImageOps

    with _header(source, name) as picture:
        try:
            picture.load()
            turned = ImageOps.exif_transpose(picture)
        except Image.DecompressionBombError as error:
            raise InputError(f'{name} is refused: {error}') from error
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error, MemoryError) as error:
            raise InputError(f'{name} is cut off or damaged ({error})') from error
        turned.format, turned.info = picture.format, picture.info
        yield turned


@contextmanager
def _header(source: str | os.PathLike | bytes, name: str) -> Iterator['Image']:
    """Opened, within the bounds, and not decoded yet."""
    import struct
    import zlib

    from PIL import Image, Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401  Pillow knows the others without a question

    most_pixels, most_bytes = (
        int(os.environ.get(key, most)) for key, most in ((PIXELS_VARIABLE, MOST_PIXELS), (BYTES_VARIABLE, MOST_BYTES))
    )
    size = len(source) if isinstance(source, bytes) else check_regular(source).st_size
    if size > most_bytes:
        raise InputError(f'{name} has {size:,} bytes; images of more than {most_bytes:,} are not opened (image_limits.bytes of the config)')
    if not size:
        raise InputError(f'{name} is empty')
    try:
        with _pillow_bound:  # Pillow's own bound holds for all images of a process; ours is checked below
            usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
            finally:
                Image.MAX_IMAGE_PIXELS = usual
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error, OverflowError) as error:
        raise InputError(f'{name} is no image, or is cut off ({_reason(error, source)})') from error
    with picture:
        width, height = picture.size
        if width * height > most_pixels:
            raise InputError(
                f'{name} is {width}x{height} px; images of more than {most_pixels:,} pixels are not opened (image_limits.pixels of the '
                'config)'
            )
        yield picture


def _reason(error: Exception, source: str | os.PathLike | bytes) -> str:
    """Pillow names the file, or the object it reads from, at length."""
    text = str(error)
    return 'its format is not known' if 'cannot identify image file' in text else text


def _name(source: str | os.PathLike | bytes) -> str:
    return 'the image' if isinstance(source, bytes) else os.fspath(source)


def _whole_numbers(picture: 'Image', name: str) -> np.ndarray:
    """Greys of more than 8 bits as uint16."""
    values = np.asarray(picture)
    if picture.mode == 'F' or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        what = 'floating-point values' if picture.mode == 'F' else f'values from {values.min()} to {values.max()}'
        raise InputError(f'{name} has {what}; pixels have 0 to 255, or 0 to 65535')
    return values.astype(np.uint16)


def _palette(picture: 'Image') -> np.ndarray:
    colours = np.array(picture.getpalette('RGB') or [], np.uint8).reshape(-1, 3)
    return np.concatenate([colours, np.zeros((256 - len(colours), 3), np.uint8)])
