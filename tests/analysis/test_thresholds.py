"""Thresholds on images whose best masks are known by hand, against a search with mmseg's metric."""

import sys
from importlib import import_module

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmseg.evaluation import IoUMetric

from mmbdg.analysis.statistics.thresholds import MEASURES, POSITION, measured

sys.path.append(str(ROOT / 'tools'))
tool = import_module('threshold_baseline')


def mmseg_iou(predictions, masks, num_labels):
    areas = [torch.zeros(num_labels) for _ in range(4)]
    for predicted, mask in zip(predictions, masks, strict=True):
        found = IoUMetric.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(mask), num_labels, 255)
        areas = [total + area for total, area in zip(areas, found, strict=True)]
    return 100 * np.nanmean(IoUMetric.total_area_to_metrics(*areas, metrics=['mIoU'])['IoU'])


def grey(rows):
    return np.repeat(np.array(rows, np.uint8)[:, :, None], 3, axis=2)


def test_by_hand():
    image, mask = grey([[10, 20, 30, 200]]), np.array([[0, 0, 1, 1]])
    found = measured([(image, mask)], 2, 255)
    best = found.fgbg('brightness')
    assert (best.mIoU, best.threshold, best.above) == (100, 21, True)
    assert found.background() == dict(fgbg=25, classes=25)
    dark = measured([(image, 1 - mask)], 2, 255).fgbg('red')
    assert (dark.mIoU, dark.threshold, dark.above) == (100, 20, False)
    # No threshold finds the middle one of three: at best it is found with a wrong neighbour, IoU 1/2 and 1/2.
    middle = measured([(grey([[10, 20, 30]]), np.array([[0, 1, 0]]))], 2, 255)
    assert middle.fgbg('blue').mIoU == pytest.approx(50)
    assert middle.fgbg(POSITION).mIoU == 100  # but it lies in the middle of the image
    assert measured([(grey([[10, 20, 30, 200]]), np.array([[0, 0, 1, 255]]))], 2, 255).background() == dict(fgbg=pytest.approx(100 / 3)) | {
        'classes': pytest.approx(100 / 3)
    }


def test_measures_by_hand():
    image = np.zeros((4, 4, 3))
    image[1:3, 1:3] = (30, 0, 0)
    assert MEASURES['saturation'](image)[1, 1] == 30 and MEASURES['brightness'](image)[1, 1] == 10
    assert MEASURES['distance to the colour of the border'](image)[1, 1] == pytest.approx(30 / 3**0.5)
    assert MEASURES['distance to the mean colour'](image)[1, 1] == pytest.approx((30 - 7.5) / 3**0.5)
    found = measured([(image.astype(np.uint8), np.zeros((4, 4), int))], 2, 255)
    assert found.measures[POSITION](image)[0, 0] == pytest.approx(255) and found.measures[POSITION](image)[1, 1] == pytest.approx(85)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    pairs = []
    for label in (1, 2, 3, 0):
        mask = np.zeros((6, 5), np.int64)
        mask[1:4, label:] = label
        image = np.clip(rng.integers(0, 16, (6, 5, 3)) * 4 + 40 * (mask > 0)[..., None], 0, 255).astype(np.uint8)
        pairs.append((image, mask))
    return pairs


def test_search_with_mmseg(pairs):
    """All thresholds by brute force, measured by mmseg's metric."""
    images, masks = zip(*pairs, strict=True)
    tries = dict(fgbg=[], one_class=[], true_class=[])
    for level in range(256):
        for above in (True, False):
            inside = [(image[..., 1] >= level if above else image[..., 1] <= level).astype(np.int64) for image in images]
            tries['fgbg'].append(mmseg_iou(inside, [np.minimum(mask, 1) for mask in masks], 2))
            tries['one_class'] += [mmseg_iou([part * label for part in inside], masks, 4) for label in (1, 2, 3)]
            tries['true_class'].append(mmseg_iou([part * mask.max() for part, mask in zip(inside, masks, strict=True)], masks, 4))
    found = measured(pairs, 4, 255)
    for name, values in tries.items():
        assert getattr(found, name)('green').mIoU == pytest.approx(max(values)), name
    assert found.background()['classes'] == pytest.approx(mmseg_iou([np.zeros_like(mask) for mask in masks], masks, 4))


def test_several_labels_in_an_image():
    mask = np.array([[0, 1, 2, 2]])
    found = measured([(grey([[0, 50, 90, 90]]), mask)], 3, 255)
    assert found.true_class('red') is None
    assert found.one_class('red').mIoU == pytest.approx(100 * (1 + 0 + 2 / 3) / 3)  # from 50 on, all of it painted as label 2


def test_table():
    found = measured([(grey([[10, 20, 30, 200]]), np.array([[0, 0, 1, 1]]))], 2, 255)
    lines = tool.as_table(tool.figures(found), found.background()).splitlines()
    assert lines[2] == '| background everywhere | 25.0 | 25.0 | 25.0 |' and '| best of these thresholds | 100.0 | 100.0 | 100.0 |' in lines
