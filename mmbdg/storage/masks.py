"""Mask files of a dataset: grey PNG files whose values are label ids, and their checks."""

import struct

import numpy as np
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.images import read_stored

SIGNATURE = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'
COLOURS = {2: 'colours', 4: 'transparency', 6: 'colours and transparency'}
"""Refused colour types by their number in PNG. The allowed types are 0 (grey) and 3 (palette)."""
BYTE_LABELS = 254
"""Largest number of labels in 8-bit masks. Masks with more labels have 16 bits."""


def check_mask_header(data: bytes, size: int, labels: int, name: str) -> None:
    """Check by its first bytes that a file is a mask of a dataset.

    Args:
        data: Content of the file.
        size: Expected height and width in pixels.
        labels: Number of labels, including the background.
        name: Name of the file, for messages.

    Raises:
        InputError: The file is not a PNG file, or it has another size, more than one channel or a wrong bit depth.
    """
    if not data.startswith(SIGNATURE) or len(data) < len(SIGNATURE) + 10:
        raise InputError(f'{name} is not a PNG file; the masks of a dataset must be PNG files')
    width, height, bits, colour = struct.unpack_from('>IIBB', data, len(SIGNATURE))
    if (width, height) != (size, size):
        raise InputError(f'{name} has {width}x{height} pixels, expected {size}x{size} (dataset.json)')
    if colour in COLOURS:
        raise InputError(f'{name} has {COLOURS[colour]}; the masks of a dataset have one channel, whose values are the labels')
    if bits != 8 and (bits != 16 or labels <= BYTE_LABELS):
        raise InputError(f'{name} has {bits} bits per pixel; {labels} labels are stored in {8 if labels <= BYTE_LABELS else 16} bits')


def read_labels(data: bytes, size: int, labels: int, ignore: int, name: str) -> np.ndarray:
    """Read a mask and check that each pixel has a valid label.

    Args:
        data, size, labels, name: See :func:`check_mask_header`.
        ignore: Value of ignored pixels.

    Returns:
        Stored label ids, uint8 or uint16 (H,W).

    Raises:
        InputError: See :func:`check_mask_header`; or the file is truncated or holds a label that does not exist.
    """
    check_mask_header(data, size, labels, name)
    values, _ = read_stored(data, name)
    if len(wrong := values[(values >= labels) & (values != ignore)]):
        raise InputError(f'{name} holds the label {wrong[0]} in {len(wrong)} pixels, dataset.json names {labels} labels (from 0 on)')
    return values


def as_mask(labels: Tensor, num_labels: int) -> np.ndarray:
    """Convert label ids int64 to the stored type: uint8 for up to 254 labels, uint16 for more."""
    return labels.cpu().numpy().astype(np.uint8 if num_labels <= 254 else np.uint16)


def ignore_label(num_labels: int) -> int:
    """Return the label of ignored pixels: 255 for up to 254 labels (uint8 masks), 65535 for more (uint16 masks)."""
    return 255 if num_labels <= 254 else 65535


def foreground_ratio(labels: np.ndarray, ignore: int) -> float:
    """Return the share of foreground pixels of a mask, 0 to 1.

    Args:
        labels: Label ids, integer (H,W), 0 background.
        ignore: Value of ignored pixels. They do not count as foreground.
    """
    return float(((labels > 0) & (labels != ignore)).mean())
