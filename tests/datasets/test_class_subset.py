"""Low-data and long-tailed parts of datasets."""

from collections import Counter

import numpy as np
import pytest

from mmbdg.datasets.label_fraction import labelled_subset
from mmbdg.datasets.long_tail import long_tail
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS

REAL = dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[])  # 100 images of each class


def subset(**kwargs):
    return DATASETS.build(dict(type='mmbdg.ClassSubset', dataset=REAL, **kwargs))


def sizes(part):
    return [count for _, count in sorted(Counter(item['gt_label'] for item in part).items())]


def test_cifar_lt():
    """Published class sizes of CIFAR-10-LT with imbalance 100 and 10, and of CIFAR-100-LT's ends."""
    assert long_tail(5000, 10, 100) == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert long_tail(5000, 10, 10) == [5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500]
    assert (hundred := long_tail(500, 100, 100))[0] == 500 and hundred[-1] == 5 and sum(hundred) == 10847
    assert long_tail(1000, 3, 100) == [1000, 100, 10] and long_tail(7, 4, 1) == [7] * 4 and long_tail(2, 3, 2) == [2, 1, 1]


def test_long_tail_and_what_fills_it():
    tailed, fill = subset(imbalance=50), subset(imbalance=50, most=100, fill=True)
    assert sizes(tailed) == long_tail(100, 10, 50) and sizes(tailed)[0] == 100 and sizes(tailed)[-1] == 2
    assert sizes(fill) == [100 - count for count in sizes(tailed)][1:]  # the first class lacks nothing
    assert len(tailed) + len(fill) == 1000 and tailed.metainfo['class_names'][0] == 't-shirt'
    assert tailed.get_cat_ids(0) == [tailed[0]['gt_label']]


def test_nested_and_repeatable():
    few, more, other = subset(per_class=3), subset(per_class=10), subset(per_class=3, seed=1)
    assert sizes(few) == [3] * 10 and set(few.indices) < set(more.indices) and set(few.indices) != set(other.indices)
    assert np.array_equal(few.indices, subset(per_class=3).indices) and set(few.indices) < set(subset(imbalance=5, most=20).indices)


def test_fraction_is_that_of_the_garments():
    """The same images as FashionMNIST32's own label_fraction."""
    own = DATASETS.build(dict(REAL, label_fraction=0.05))
    assert subset(fraction=0.05).indices.tolist() == own.indices.tolist() == labelled_subset(own_labels(), 0.05, 0).tolist()


def own_labels():
    return np.array(DATASETS.build(REAL).labels, dtype=np.int64)


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(), 'takes one of fraction, per_class and imbalance, got none'),
        (dict(fraction=0.1, per_class=3), 'got fraction, per_class'),
        (dict(per_class=3, most=4), 'belong to imbalance'),
        (dict(imbalance=3, fill=True), 'fill needs most'),
        (dict(fraction=0), 'fraction is 0'),
        (dict(per_class=0), 'per_class is 0'),
        (dict(per_class=101), 'needs 101 images of class 0, but FashionMNIST32 has 100'),
        (dict(imbalance=0.5), 'an imbalance from 1'),
        (dict(imbalance=101), 'an imbalance from 1'),
        (dict(imbalance=10, most=200), 'needs 200 images of class 0'),
    ],
)
def test_refused(keys, message):
    with pytest.raises(InputError, match=message):
        subset(**keys)


def test_datasets_without_classes_are_refused():
    for dataset in (
        dict(type='mmbdg.FashionScenes', count=2, pipeline=[]),
        dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'),
    ):
        with pytest.raises(InputError, match='ClassSubset'):
            DATASETS.build(dict(type='mmbdg.ClassSubset', per_class=1, dataset=dataset))
