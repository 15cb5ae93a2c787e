import numpy as np
import pytest
from pycocotools import mask as coco

from mmbdg.errors import InputError
from mmbdg.run_lengths import compress, decode, decompress, encode


def some_masks():
    rng = np.random.default_rng(0)
    yield from (rng.random((7, 5)) < share for share in (0, 0.1, 0.5, 0.9, 1))
    corner = np.zeros((400, 300), bool)
    corner[300:, 250:] = True
    yield from (corner, ~corner, rng.random((64, 64)) < 0.5)


def test_as_pycocotools():
    for mask in some_masks():
        ours, theirs = encode(mask), coco.encode(np.asfortranarray(mask, np.uint8))
        assert sum(ours) == mask.size
        assert compress(ours) == theirs['counts'].decode()
        assert decompress(theirs['counts'].decode()) == ours
        assert np.array_equal(decode(ours, *mask.shape), mask)
        plain = coco.frPyObjects(dict(size=list(mask.shape), counts=ours), *mask.shape)
        assert np.array_equal(coco.decode(plain), mask)


def test_by_hand():
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)  # columns 00, 10, 11
    assert encode(mask) == [2, 1, 1, 2] and np.array_equal(decode([2, 1, 1, 2], 2, 3), mask)
    assert encode(~mask) == [0, 2, 1, 1, 2]


def test_bad_lengths():
    for lengths in ([3], [4, 3], [-1, 7], [2.0, 4.0], [True, 5]):
        with pytest.raises(InputError):
            decode(lengths, 2, 3)
    for text in ('0 1', 'é', compress([900, 5])[:1]):
        with pytest.raises(InputError):
            decompress(text)
