"""COCO's run lengths: the mask column by column, lengths of the runs of 0 and 1 in turn, beginning with 0.

Plain they are a list of numbers. Compressed they are text: from the fourth on each number is the difference to the one two before it;
it is cut into groups of five bits, lowest first, and a group is the character ``48 + group``, plus 32 if more follow.
"""

from collections.abc import Sequence

import numpy as np

from mmbdg.errors import InputError

LARGEST_BITS = 40
"""Of a number in compressed run lengths."""


def encode(mask: np.ndarray) -> list[int]:
    """bool (H,W) -> lengths of its runs."""
    flat = np.concatenate([[False], mask.astype(bool).ravel(order='F'), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.unique(np.concatenate([changes, [mask.size]]))
    return [*([0] if mask.size and mask[0, 0] else []), *np.diff(np.concatenate([[0], ends[ends > 0]])).tolist()]


def decode(lengths: Sequence[int], height: int, width: int) -> np.ndarray:
    """Lengths of runs -> bool (height,width).

    Raises:
        InputError: They are no whole numbers from 0 on, or do not add up to the picture.
    """
    if not all(type(length) is int and length >= 0 for length in lengths):
        raise InputError('run lengths must be whole numbers from 0 on')
    if sum(lengths) != height * width:
        raise InputError(f'the run lengths add up to {sum(lengths)} pixels, {width}x{height} has {height * width}')
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape((height, width), order='F')


def compress(lengths: Sequence[int]) -> str:
    """Lengths of runs as text."""
    text = []
    for i, length in enumerate(lengths):
        value = length - lengths[i - 2] if i > 2 else length
        more = True
        while more:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            text.append(chr(48 + group + 32 * more))
    return ''.join(text)


def decompress(text: str) -> list[int]:
    """Text -> lengths of runs.

    Raises:
        InputError: A character does not belong there, the text is cut off, or a number is larger than any picture.
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
