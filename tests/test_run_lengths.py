"""Run lengths against lengths counted by hand and in numpy."""

import numpy as np
import pytest
from plain_lengths import plain_lengths

from mmbdg.errors import InputError
from mmbdg.run_lengths import decode, encode


def some_masks():
    rng = np.random.default_rng(0)
    yield from (rng.random((7, 5)) < share for share in (0, 0.1, 0.5, 0.9, 1))
    corner = np.zeros((400, 300), bool)
    corner[300:, 250:] = True
    yield from (corner, ~corner, rng.random((64, 64)) < 0.5)


def test_masks_come_back_from_text_and_from_lists():
    for mask in some_masks():
        assert np.array_equal(decode(encode(mask), *mask.shape), mask)
        assert np.array_equal(decode(plain_lengths(mask), *mask.shape), mask)


def test_by_hand():
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)  # columns 00, 10, 11: runs 2, 1, 1, 2
    assert plain_lengths(mask) == [2, 1, 1, 2]
    assert encode(mask) == '2111'  # the fourth number is stored as the difference to the second: 2 - 1
    assert plain_lengths(~mask) == [0, 2, 1, 1, 2] and encode(~mask) == '021O1'  # 1 - 2 = -1 is written as O
    long = np.zeros((40, 40), bool)
    long[:, 1] = True  # runs 40, 40, 1520
    assert encode(long) == 'X1X1`_1'


@pytest.mark.parametrize(
    ('counts', 'message'),
    [
        ([3], 'add up to 3 pixels, 3x2 has 6'),
        ([4, 3], 'add up to 7 pixels'),
        ([-1, 7], 'whole numbers'),
        ([2.0, 4.0], 'whole numbers'),
        ([True, 5], 'whole numbers'),
        ([2**40], 'add up to'),
        ('0 1', "hold the character ' '"),
        ('é', "hold the character 'é'"),
        ('l', 'are cut off'),
        ('oooooooooo1', 'larger than any picture'),
        ('2', 'add up to 2 pixels'),  # pycocotools alone returns uninitialised memory here
        ('', 'add up to 0 pixels'),
    ],
)
def test_bad_lengths(counts, message):
    with pytest.raises(InputError, match=message):
        decode(counts, 2, 3)
