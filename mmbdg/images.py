"""Images and masks from files, as people and cameras write them: the one way to open each.

Both are turned as their EXIF orientation says, as every viewer and annotation tool shows them, and bounded in bytes and pixels before
anything is decoded.
"""

import os
from typing import TYPE_CHECKING

import numpy as np

from mmbdg.errors import InputError
from mmbdg.image_files import DamagedImageError, header, load, metadata_at_the_end, opened, orientation

if TYPE_CHECKING:
    from PIL.Image import Image

LOSSY = ('JPEG', 'MPO', 'JPEG2000', 'WEBP')
"""Formats that blur the edges of a mask, or may."""


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
        DamagedImageError: It is empty, no image of :data:`FORMATS`, cut off, or its pixels are no greys or colours of up to 16 bits.
        InputError: It is missing or too large.
    """
    name = name or _name(source)
    with opened(source, name) as picture:
        if picture.mode.startswith('I') or picture.mode == 'F':
            return np.repeat(eight_bits(_whole_numbers(picture, name))[:, :, None], 3, axis=2)
        return np.array(_converted(picture, 'RGB', name))


def open_grey(source: str | os.PathLike | bytes, name: str = '') -> np.ndarray:
    """An image in grey with all of its levels: as :func:`open_image`, greys of 16 bits as they are.

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
    """A label map: the values of its pixels as they are stored, palettes by index.

    Colours of which the three channels are equal count as greys; an alpha channel is left out where it is opaque everywhere.

    Args:
        source: Path, or the bytes of a file.
        name: What messages call it; default: the path.

    Returns:
        uint8 (H,W), uint16 where the file has more than 8 bits. Black and white of one bit is 0 and 1.

    Raises:
        DamagedImageError: It is no image, or cut off.
        InputError: It is missing or too large; it is in a lossy format, has colours, or transparent pixels: then it is not certain what a
            pixel is labelled.
    """
    name = name or _name(source)
    values, _ = read_stored(source, name)
    if values.ndim == 3:
        if not (values == values[..., :1]).all():
            raise InputError(f'{name} has colours; a mask has one channel, whose values are the labels: save it as greys or with a palette')
        values = np.ascontiguousarray(values[..., 0])
    return values


def read_stored(source: str | os.PathLike | bytes, name: str = '') -> tuple[np.ndarray, np.ndarray | None]:
    """The values of a mask's pixels as they are stored, and its palette: what :func:`read_mask` and readers of coloured masks begin with.

    Returns:
        uint8 or uint16 (H,W), indices where there is a palette; or uint8 (H,W,3) RGB. And the palette RGB uint8 (256,3), or None.

    Raises:
        InputError: See :func:`read_mask`; colours of 8 bits are none of its reasons here.
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
    """Height and width in pixels as :func:`open_image` would give them; pixels are not decoded, but of a PNG whose metadata follow them.

    Raises:
        InputError: See :func:`open_image`.
    """
    name = name or _name(source)
    with header(source, name) as picture:
        width, height = picture.size
        if picture.format == 'TIFF':  # whose size Pillow gives turned
            return height, width
        if picture.format == 'PNG' and not {'exif', 'xmp', 'Raw profile type exif'} & set(picture.info):
            if not metadata_at_the_end(source):
                return height, width
            load(picture, name)
        return (width, height) if orientation(picture) in (5, 6, 7, 8) else (height, width)


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Greys of up to 16 bits -> uint8, see :func:`open_image`."""
    most = int(values.max(initial=0))
    depth = next(bits for bits in (255, 4095, 65535) if most <= bits)
    return values.astype(np.uint8) if depth == 255 else np.rint(values * (255 / depth)).astype(np.uint8)


def _name(source: str | os.PathLike | bytes) -> str:
    return 'the image' if isinstance(source, bytes) else os.fspath(source)


def _converted(picture: 'Image', mode: str, name: str) -> 'Image':
    """The image itself where it has the mode."""
    try:
        return picture if picture.mode == mode else picture.convert(mode)
    except ValueError as error:  # LAB, say
        raise DamagedImageError(f'{name} has pixels of the kind {picture.mode}, which are not read: save it as PNG or JPEG') from error


def _whole_numbers(picture: 'Image', name: str) -> np.ndarray:
    """Greys of more than 8 bits as uint16."""
    values = np.asarray(picture)
    if picture.mode == 'F' or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        what = 'floating-point values' if picture.mode == 'F' else f'values from {values.min()} to {values.max()}'
        raise DamagedImageError(f'{name} has {what}; pixels have 0 to 255, or 0 to 65535')
    return values.astype(np.uint16)


def _transparent(picture: 'Image', values: np.ndarray) -> np.ndarray:
    """bool: which pixels are, by an alpha channel, or because greys or colours name one that is."""
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
