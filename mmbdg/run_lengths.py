"""Masks as run lengths in COCO's format, written and read by pycocotools.

A mask is stored column by column as the lengths of the runs of 0 and 1 in turn, beginning with 0: either a list of integers or compressed
text. pycocotools does not check that the lengths add up to the image, and returns uninitialised memory where they do not; therefore run
lengths from files are parsed and checked here first.
"""

from collections.abc import Sequence

import numpy as np

from mmbdg.errors import InputError

LARGEST_BITS = 40
"""Largest number of bits of a number in compressed run lengths."""


def encode(mask: np.ndarray) -> str:
    """Compressed run lengths of a mask, bool (H,W)."""
    from pycocotools import mask as coco

    return coco.encode(np.asfortranarray(mask, np.uint8))['counts'].decode()


def decode(counts: str | Sequence[int], height: int, width: int) -> np.ndarray:
    """Mask of run lengths.

    Args:
        counts: Compressed text, or a list of integers.
        height, width: Size of the image in pixels.

    Returns:
        Mask, bool (height,width).

    Raises:
        InputError: The text is malformed, a length is not an integer of at least 0, or the lengths do not add up to the image.
    """
    from pycocotools import mask as coco

    lengths = _parsed(counts) if isinstance(counts, str) else counts
    if not all(type(length) is int and length >= 0 for length in lengths):
        raise InputError('run lengths must be whole numbers from 0 on')
    if sum(lengths) != height * width:
        raise InputError(f'the run lengths add up to {sum(lengths)} pixels, {width}x{height} has {height * width}')
    return coco.decode(coco.frPyObjects(dict(size=[height, width], counts=list(lengths)), height, width)).astype(bool)


def _parsed(text: str) -> list[int]:
    """Lengths of compressed text.

    A number is cut into groups of five bits, lowest first; a group is the character ``48 + group``, plus 32 if another group follows. From
    the fourth number on, the difference to the number two places before is stored.
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise InputError(f'compressed run lengths hold the character {character!r}')
        if shift >= LARGEST_BITS:
            raise InputError('compressed run lengths hold a number that is larger than any picture')
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                value -= 1 << shift
            lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
            value = shift = 0
    if shift:
        raise InputError('compressed run lengths are cut off')
    return lengths
