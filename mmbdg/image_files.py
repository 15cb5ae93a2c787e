"""Open image files with Pillow: with limits on their size, with the EXIF orientation applied, and with clear messages about damage."""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NoReturn

from mmbdg.errors import InputError
from mmbdg.paths import check_regular

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ('PNG', 'JPEG', 'WEBP', 'TIFF', 'BMP', 'DIB', 'GIF', 'PPM', 'JPEG2000')
"""Pillow's names of the supported formats; some of its other formats start programs (EPS) or hold no pixels."""
PIXELS_VARIABLE, BYTES_VARIABLE = 'MMBDG_MAX_IMAGE_PIXELS', 'MMBDG_MAX_IMAGE_BYTES'
MOST_PIXELS, MOST_BYTES = 2**27, 2**29
"""Default limits: 134 million pixels (11,585 x 11,585) and 512 MiB; the environment variables or ``image_limits`` change them."""
ORIENTATION = 0x0112
"""EXIF tag of the orientation: 1 as stored, 2 to 8 mirrored or rotated, 5 to 8 with height and width swapped."""
_pillow_bound = Lock()


class DamagedImageError(InputError):
    """The file exists, but contains no image that can be decoded."""


def set_image_limits(limits: Mapping | None) -> None:
    """Set the size limits of images that this process and its child processes open.

    Args:
        limits: ``image_limits`` of a config: ``dict(pixels=..., bytes=...)``, the largest width times height and the largest file size. A
            missing key leaves its limit unchanged.

    Raises:
        InputError: A key is unknown, or a value is not an integer above 0.
    """
    if not isinstance(limits or {}, Mapping):
        raise InputError(f'image_limits is dict(pixels=..., bytes=...), got {limits!r}')
    variables = dict(pixels=PIXELS_VARIABLE, bytes=BYTES_VARIABLE)
    for key, value in (limits or {}).items():
        if key not in variables or type(value) is not int or value < 1:
            raise InputError(f'image_limits takes pixels and bytes, whole numbers above 0; got {key}={value!r}')
        os.environ[variables[key]] = str(value)


def image_limits() -> tuple[int, int]:
    """Largest number of pixels and of bytes of an image file, see :func:`set_image_limits`.

    Raises:
        InputError: An environment variable is not an integer.
    """
    found = []
    for variable, most in ((PIXELS_VARIABLE, MOST_PIXELS), (BYTES_VARIABLE, MOST_BYTES)):
        text = os.environ.get(variable, '')
        if text and not (text.isascii() and text.isdecimal()):
            raise InputError(f'{variable} is {text!r}; it takes a whole number')
        found.append(int(text) if text else most)
    return found[0], found[1]


@contextmanager
def opened(source: str | os.PathLike | bytes, name: str) -> Iterator['Image']:
    """Context that yields a decoded image with its EXIF orientation applied.

    Its ``info['deep_colours']`` tells whether the file has colours of 16 bits, which Pillow rounds to 8.

    Args:
        source: Path of the file, or its bytes.
        name: Name of the image in messages.

    Raises:
        DamagedImageError: The file is empty, truncated, or not an image in one of :data:`FORMATS`.
        InputError: The file is missing or too large.
    """
    with header(source, name) as picture:
        deep = picture.mode in ('RGB', 'RGBA', 'LA') and any(';16' in str(tile[3]) for tile in picture.tile)
        load(picture, name)
        turned = _turned(picture)
        turned.format, turned.info = picture.format, picture.info | dict(deep_colours=deep)
        yield turned


def load(picture: 'Image', name: str) -> None:
    """Decode the pixels; errors as in :func:`opened`."""
    try:
        picture.load()
    except Exception as error:  # damaged bytes can raise any exception in Pillow's plugins
        _refuse(error, f'{name} is cut off or damaged ({error})')


@contextmanager
def header(source: str | os.PathLike | bytes, name: str) -> Iterator['Image']:
    """Like :func:`opened`, but the pixels are not decoded and the orientation is not applied."""
    from PIL import Image, Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401  Pillow preloads the other plugins

    most_pixels, most_bytes = image_limits()
    size = len(source) if isinstance(source, bytes) else check_regular(source).st_size
    if size > most_bytes:
        raise InputError(f'{name} has {size:,} bytes; images of more than {most_bytes:,} are not opened (image_limits.bytes of the config)')
    if not size:
        raise DamagedImageError(f'{name} is empty')
    try:
        with _pillow_bound:  # Pillow's own limit is a global of the process; our limit is checked below
            usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
            finally:
                Image.MAX_IMAGE_PIXELS = usual
    except Exception as error:  # as in load
        reason = 'its format is not known' if isinstance(error, Image.UnidentifiedImageError) else error
        _refuse(error, f'{name} is no image, or is cut off ({reason})')
    with picture:
        width, height = picture.size
        if width * height > most_pixels:
            raise InputError(
                f'{name} is {width}x{height} px; images of more than {most_pixels:,} pixels are not opened (image_limits.pixels of the '
                'config)'
            )
        yield picture


def _refuse(error: Exception, message: str) -> NoReturn:
    """Raise a :class:`DamagedImageError`; errors of the disk or the memory are raised unchanged."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        raise error
    raise DamagedImageError(message) from error


def orientation(picture: 'Image') -> int:
    """EXIF orientation, 1 to 8, see :data:`ORIENTATION`. 1 also if the EXIF data are damaged: viewers show such an image as stored."""
    try:
        return picture.getexif().get(ORIENTATION, 1)
    except Exception:
        return 1


def _turned(picture: 'Image') -> 'Image':
    """Apply the EXIF orientation. ``ImageOps.exif_transpose`` would also copy unrotated images and rewrite their EXIF data."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    found = orientation(picture)
    return picture.transpose(turns[found]) if found in turns else picture


def metadata_at_the_end(source: str | os.PathLike | bytes) -> bool:
    """Whether a PNG stores text or EXIF data after its pixels, where Pillow finds them only after decoding."""
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open('rb') as file:
        file.seek(8)
        pixels = False
        while len(begin := file.read(8)) == 8 and begin[4:] != b'IEND':
            if pixels and begin[4:] in (b'eXIf', b'tEXt', b'zTXt', b'iTXt'):
                return True
            pixels |= begin[4:] == b'IDAT'
            file.seek(int.from_bytes(begin[:4], 'big') + 4, io.SEEK_CUR)
    return False
