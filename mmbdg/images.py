"""Read images and masks from files; all other modules use these functions.

The EXIF orientation is applied, as viewers and annotation tools do, and the number of bytes and pixels is checked before decoding.
"""

import os
from typing import TYPE_CHECKING

import numpy as np

from mmbdg.errors import InputError
from mmbdg.image_files import DamagedImageError, header, load, metadata_at_the_end, opened, orientation

if TYPE_CHECKING:
    from PIL.Image import Image

LOSSY = ('JPEG', 'MPO', 'JPEG2000', 'WEBP')
"""Formats with lossy compression, which can blur the edges of a mask."""


def open_image(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """Read a colour image.

    Transparency is dropped; palettes, greys and CMYK are converted to RGB. Greys of 16 bits are scaled to 8 bits: they are taken as 8-bit
    values if none exceeds 255, as 12-bit values if none exceeds 4095 (medical images), else as 16-bit values. Only the first frame is read.

    Args:
        source: Path of the file, or its bytes.
        name: Name of the image in messages; default: the path.

    Returns:
        RGB uint8 (H,W,3).

    Raises:
        DamagedImageError: The file is empty, truncated, not an image in one of :data:`FORMATS`, or its pixels are not greys or colours of
            up to 16 bits.
        InputError: The file is missing or too large.
    """
    name = name or _name(source)
    with opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            return np.repeat(eight_bits(_whole_numbers(picture, name))[:, :, None], 3, axis=2)
        return np.array(_converted(picture, 'RGB', name))


def open_with_opacity(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """Read a colour image with its opacity, for example an object that is cut out.

    Args:
        source: Path of the file, or its bytes.
        name: Name of the image in messages; default: the path.

    Returns:
        uint8 (H,W,4): RGB, and the opacity from 0 to 255; 255 everywhere if the file has none.

    Raises:
        InputError: See :func:`open_image`; or the file has more than 8 bits for grey.
    """
    name = name or _name(source)
    with opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            raise InputError(f'{name} has greys of more than 8 bits; an image with opacity has 8: save it as an RGBA PNG')
        return np.array(_converted(picture, 'RGBA', name))


def open_grey(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """Read a grey image with all of its levels: like :func:`open_image`, but greys of 16 bits are not scaled.

    Returns:
        uint8 or uint16 (H,W).

    Raises:
        InputError: See :func:`open_image`.
    """
    name = name or _name(source)
    with opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            return _whole_numbers(picture, name)
        return np.array(_converted(picture, 'L', name))


def read_mask(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """Read a label map: the pixel values as they are stored; for a palette image, the indices.

    RGB pixels with three equal channels are read as greys; an alpha channel is dropped if it is opaque everywhere.

    Args:
        source: Path of the file, or its bytes.
        name: Name of the mask in messages; default: the path.

    Returns:
        uint8 (H,W), or uint16 (H,W) if the file has more than 8 bits. One-bit images have the values 0 and 1.

    Raises:
        DamagedImageError: The file is not an image, or is truncated.
        InputError: The file is missing or too large, or its labels are ambiguous: it has a lossy format, colours or transparent pixels.
    """
    name = name or _name(source)
    values, _ = read_stored(source, name)
    if values.ndim == 3:
        if not (values == values[..., :1]).all():
            raise InputError(f'{name} has colours; a mask has one channel, whose values are the labels: save it as greys or with a palette')
        values = np.ascontiguousarray(values[..., 0])
    return values


def read_stored(source: str | os.PathLike | bytes, name: str = '') -> tuple[np.ndarray, np.ndarray | None]:
    """Read the pixel values of a mask as they are stored, and its palette. Used by :func:`read_mask` and by readers of coloured masks.

    Returns:
        Pixel values, uint8 or uint16 (H,W) (indices for a palette image) or RGB uint8 (H,W,3); and the palette, RGB uint8 (256,3), or None.

    Raises:
        InputError: As in :func:`read_mask`, except that colours of 8 bits are allowed.
    """
    name = name or _name(source)
    with opened(source, name) as picture:
        if picture.format in LOSSY or 'jpeg' in str(picture.info.get('compression')):
            raise InputError(f'{name} is a {picture.format}, which blurs the edges of a mask: save it as PNG')
        if picture.info.get('deep_colours'):
            raise InputError(f'{name} has colours of 16 bits; a mask has one channel, whose values are the labels: save it as greys')
        if picture.mode == 'P':
            return np.array(picture), _palette(picture)
        if picture.mode.startswith('I') or picture.mode == 'F':
            values = _whole_numbers(picture, name)
        elif picture.mode in ('1', 'L', 'RGB', 'LA', 'PA', 'RGBA'):
            values = np.array(picture)
        else:
            raise InputError(f'{name} has the mode {picture.mode}; a mask has greys, a palette, or RGB')
        if _transparent(picture, values).any():
            raise InputError(f'{name} has transparent pixels, so its labels are not certain: save it without transparency')
        if picture.mode in ('LA', 'PA', 'RGBA'):
            values = np.ascontiguousarray(values[..., 0] if picture.mode != 'RGBA' else values[..., :3])
        if picture.mode == '1':
            values = values.astype(np.uint8)
        return values, _palette(picture) if picture.mode == 'PA' else None


def image_size(source: str | os.PathLike | bytes, name: str = '') -> tuple[int, int]:
    """Height and width in pixels of the array that :func:`open_image` returns. Only a PNG with metadata after its pixels is decoded.

    Raises:
        InputError: See :func:`open_image`.
    """
    name = name or _name(source)
    with header(source, name) as picture:
        width, height = picture.size
        if picture.format == 'TIFF':  # Pillow already applies the orientation to the size of a TIFF
            return height, width
        if picture.format == 'PNG' and not {'exif', 'xmp', 'Raw profile type exif'} & set(picture.info):
            if not metadata_at_the_end(source):
                return height, width
            load(picture, name)
        return (width, height) if orientation(picture) in (5, 6, 7, 8) else (height, width)


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Scale greys of up to 16 bits to uint8, see :func:`open_image`."""
    most = int(values.max(initial=0))
    depth = next(bits for bits in (255, 4095, 65535) if most <= bits)
    return values.astype(np.uint8) if depth == 255 else np.rint(values * (255 / depth)).astype(np.uint8)


def _name(source: str | os.PathLike | bytes) -> str:
    return 'the image' if isinstance(source, bytes) else os.fspath(source)


def _converted(picture: 'Image', mode: str, name: str) -> 'Image':
    """Convert an image to a mode; an image that has the mode is returned unchanged."""
    try:
        return picture if picture.mode == mode else picture.convert(mode)
    except ValueError as error:  # for example LAB
        raise DamagedImageError(f'{name} has pixels of the kind {picture.mode}, which are not read: save it as PNG or JPEG') from error


def _whole_numbers(picture: 'Image', name: str) -> np.ndarray:
    """Greys of more than 8 bits as uint16."""
    values = np.asarray(picture)
    if picture.mode == 'F' or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        what = 'floating-point values' if picture.mode == 'F' else f'values from {values.min()} to {values.max()}'
        raise DamagedImageError(f'{name} has {what}; pixels have 0 to 255, or 0 to 65535')
    return values.astype(np.uint16)


def _transparent(picture: 'Image', values: np.ndarray) -> np.ndarray:
    """Transparent pixels, bool (H,W), or a scalar False if no pixel can be: by the alpha channel or by a colour marked as transparent."""
    if picture.mode in ('LA', 'PA', 'RGBA'):
        return values[..., -1] != 255
    named = picture.info.get('transparency')
    if named is None:
        return np.zeros((), bool)
    named = bool(named) if picture.mode == '1' else named
    return (values == np.asarray(named)).reshape(*values.shape[:2], -1).all(axis=2)


def _palette(picture: 'Image') -> np.ndarray:
    colours = np.array(picture.getpalette('RGB') or [], np.uint8).reshape(-1, 3)
    return np.concatenate([colours, np.zeros((256 - len(colours), 3), np.uint8)])
