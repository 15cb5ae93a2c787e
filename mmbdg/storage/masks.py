"""Mask files of a dataset: grey PNGs whose values are labels. What is wrong with one is said by name."""

import struct

import numpy as np
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.images import read_stored

SIGNATURE = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'
COLOURS = {2: 'colours', 4: 'transparency', 6: 'colours and transparency'}
"""By PNG's number of a colour type; 0 is grey, 3 a palette."""
BYTE_LABELS = 254
"""Masks of more labels have 16 bits."""


def check_mask_header(data: bytes, size: int, labels: int, name: str) -> None:
    """See by its first bytes that a file is a mask of a dataset.

    Args:
        data: Of the file.
        size: Height and width that it must have.
        labels: How many there are, with the background.
        name: Of the file, for messages.

    Raises:
        InputError: It is no PNG, has another size, more than one channel, or other bits than its labels need.
    """
    if not data.startswith(SIGNATURE) or len(data) < len(SIGNATURE) + 10:
        raise InputError(f'{name} is no PNG; the masks of a dataset are')
    width, height, bits, colour = struct.unpack_from('>IIBB', data, len(SIGNATURE))
    if (width, height) != (size, size):
        raise InputError(f'{name} has {width}x{height} pixels, dataset.json says {size}x{size}')
    if colour in COLOURS:
        raise InputError(f'{name} has {COLOURS[colour]}; the masks of a dataset have one channel, whose values are the labels')
    if bits != 8 and (bits != 16 or labels <= BYTE_LABELS):
        raise InputError(f'{name} has {bits} bits a pixel; {labels} labels are stored in {8 if labels <= BYTE_LABELS else 16}')


def read_labels(data: bytes, size: int, labels: int, ignore: int, name: str) -> np.ndarray:
    """A mask as it is stored, if each of its pixels has a label.

    Args:
        data, size, labels, name: See :func:`check_mask_header`.
        ignore: Value of pixels that do not count.

    Returns:
        uint8 or uint16 (H,W).

    Raises:
        InputError: See :func:`check_mask_header`; or it is cut off, or holds a label that does not exist.
    """
    check_mask_header(data, size, labels, name)
    values, _ = read_stored(data, name)
    if len(wrong := values[(values >= labels) & (values != ignore)]):
        raise InputError(f'{name} holds the label {wrong[0]} in {len(wrong)} pixels, dataset.json names {labels} labels (from 0 on)')
    return values


def as_mask(labels: Tensor, num_labels: int) -> np.ndarray:
    """Label ids int64 as they are stored: uint8 up to 254 labels, uint16 above."""
    return labels.cpu().numpy().astype(np.uint8 if num_labels <= 254 else np.uint16)


def ignore_label(num_labels: int) -> int:
    """Label of pixels that count nowhere: 255 beside up to 254 labels (uint8 masks), 65535 beside more (uint16)."""
    return 255 if num_labels <= 254 else 65535


def foreground_ratio(labels: np.ndarray, ignore: int) -> float:
    """Part of a mask's pixels that are foreground, 0 to 1.

    Args:
        labels: Label ids, integer (H,W), 0 background.
        ignore: Value of pixels that do not count as foreground.
    """
    return float(((labels > 0) & (labels != ignore)).mean())
