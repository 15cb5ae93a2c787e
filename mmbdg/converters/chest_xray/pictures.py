"""Reads radiographs and lung masks, and resizes them to one size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.image_files import DamagedImageError
from mmbdg.images import open_grey
from mmbdg.reading import read_bytes

RAW_SIDE = 2048
"""Side of JSRT's raw files in pixels. They are square and contain only pixels."""
SOFT_EDGES = 0.02
"""Maximum fraction of the pixels of a mask that are neither black nor white."""


def read_radiograph(path: Path, raw_side: int = RAW_SIDE) -> np.ndarray:
    """Grey levels, air dark and bones bright: float32 (H,W) in [0, 255].

    JSRT's raw ``.IMG`` files contain big-endian 16-bit numbers with 12 used bits. Air is bright in them, so they are inverted. Other image
    formats are not inverted. A 16-bit image is treated as a 12-bit image if no value exceeds 4095.

    Raises:
        InputError: The file cannot be read, is truncated, or contains values outside the range of its format.
    """
    if path.suffix.lower() == '.img':
        return (4095 - _read_raw(path, raw_side)) * np.float32(255 / 4095)
    values = _open(path)
    if values.dtype == np.uint16:
        return values.astype(np.float32) * np.float32(255 / (4095 if values.max() <= 4095 else 65535))
    return values.astype(np.float32)


def read_lungs(paths: Sequence[Path]) -> np.ndarray:
    """Union of masks of one organ each, bool (H,W).

    Pixels above half of the maximum of a mask are lung. The masks are black and white, some with soft edges.

    Raises:
        InputError: A file cannot be read, the masks differ in size, a mask has too many grey pixels (several organs), or the union contains
            no pixel or all pixels.
    """
    union = np.zeros((), bool)
    for path in paths:
        values = _open(path).astype(np.float32)
        top = max(values.max(), 1)
        if ((values > top / 10) & (values < top * 9 / 10)).mean() > SOFT_EDGES:
            raise InputError(f'{path} is more than black and white; split a mask of several organs into one mask per organ')
        if union.shape and union.shape != values.shape:
            raise InputError(f'{path} has {_size(values)} px, but the mask of the other lung has {_size(union)} px')
        union = union | (values > top / 2)
    if not union.any() or union.all():
        raise InputError(f'{" and ".join(map(str, paths))} mark {"everything" if union.any() else "no lung"}')
    return union


def check_same_shape(case: str, radiograph: np.ndarray, lungs: np.ndarray) -> None:
    """Check that radiograph and mask have the same aspect ratio. A mask may be smaller than its radiograph, as in SCR.

    Raises:
        InputError: The aspect ratios differ by more than 1 %.
    """
    ratios = [values.shape[0] / values.shape[1] for values in (radiograph, lungs)]
    if abs(ratios[0] / ratios[1] - 1) > 0.01:
        raise InputError(
            f'{case}: the radiograph has {_size(radiograph)} px and its mask {_size(lungs)} px; their aspect ratios must be equal'
        )


def resized(values: np.ndarray, size: int) -> np.ndarray:
    """Area-averaged resizing to size x size pixels: float32 (size,size). The aspect ratio is not kept."""
    from PIL import Image

    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((size, size), Image.Resampling.BOX))


def as_pictures(radiograph: np.ndarray, lungs: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Stored image and mask: the radiograph, uint8 (size,size,3) with equal channels, and the mask, uint8 (size,size). A mask pixel is 1 if
    at least half of it is lung."""
    grey = np.rint(resized(radiograph, size)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2), (resized(lungs, size) >= 0.5).astype(np.uint8)


def _size(values: np.ndarray) -> str:
    return f'{values.shape[1]}x{values.shape[0]}'


def _read_raw(path: Path, side: int) -> np.ndarray:
    content = read_bytes(path)
    if len(content) != 2 * side * side:
        raise InputError(f'{path} has {len(content)} bytes; a raw radiograph of {side}x{side} px has {2 * side * side}: it is cut off')
    values = np.frombuffer(content, '>u2').reshape(side, side)
    if values.max() > 4095:
        raise InputError(f'{path} has values up to {values.max()}; raw radiographs are big-endian and have 12 bits (0 to 4095)')
    return values.astype(np.float32)


def _open(path: Path) -> np.ndarray:
    try:
        return open_grey(path)
    except DamagedImageError as error:
        raise InputError(f'{error}: unpack it again') from error
