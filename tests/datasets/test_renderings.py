"""Edges and black ground, by hand."""

import numpy as np
import pytest

from mmbdg.datasets import BlackGround, ColourGarments, EdgeDrawing, FashionMNIST32
from mmbdg.errors import InputError


def test_edges_of_a_step():
    """A step of 60 grey levels between columns 2 and 3 gives 60 in both columns."""
    image = np.zeros((5, 6, 3), np.uint8)
    image[:, 3:] = 60
    drawn = EdgeDrawing().transform(dict(img=image, gt_label=3))
    assert drawn['gt_label'] == 3 and drawn['img'].dtype == np.uint8 and drawn['img'].shape == (5, 6, 3)
    assert drawn['img'][:, :, 0].tolist() == [[0, 0, 60, 60, 0, 0]] * 5 and np.ptp(drawn['img'], axis=2).max() == 0


def test_edges_in_numpy():
    """The 3x3 Sobel filters of the inner pixels, written out."""
    image = FashionMNIST32('test')[40]['img']
    grey = image[:, :, 0].astype(float)
    top, bottom, left, right = grey[:-2], grey[2:], grey[:, :-2], grey[:, 2:]
    across = (right[:-2] - left[:-2] + 2 * (right[1:-1] - left[1:-1]) + right[2:] - left[2:]) / 4
    down = (bottom[:, :-2] - top[:, :-2] + 2 * (bottom[:, 1:-1] - top[:, 1:-1]) + bottom[:, 2:] - top[:, 2:]) / 4
    by_hand = np.clip(np.hypot(across, down), 0, 255)
    assert np.abs(EdgeDrawing().transform(dict(img=image))['img'][1:-1, 1:-1, 1] - by_hand).max() <= 0.51


def test_black_ground():
    plain, item = ColourGarments('test')[7], ColourGarments('test', pipeline=[dict(type='mmbdg.BlackGround')])[7]
    inside = plain['gt_seg_map'] > 0
    assert np.array_equal(item['img'][inside], plain['img'][inside]) and not item['img'][~inside].any() and plain['img'][~inside].any()
    assert item['gt_label'] == plain['gt_label']


def test_wrong_items():
    with pytest.raises(InputError, match='needs gt_seg_map of the size of img'):
        BlackGround().transform(dict(img=np.zeros((4, 4, 3), np.uint8)))
    with pytest.raises(InputError, match='needs gt_seg_map of the size of img'):
        BlackGround().transform(dict(img=np.zeros((4, 4, 3), np.uint8), gt_seg_map=np.zeros((8, 8), np.int64)))
    for step in (EdgeDrawing(), BlackGround()):
        with pytest.raises(InputError, match='takes images uint8'):
            step.transform(dict(img=np.zeros((4, 4, 3), np.float32)))
