"""Real-annotated, Synthetic-annotated and ImageNet-S, read by one dataset in any label space."""

import numpy as np
import pytest
from conftest import ROOT, TINY_CLASSES, plan_of
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from PIL import Image
from tiny_imagenet_sets import (
    CHIHUAHUA,
    DRAGON_LIZARD,
    TENCH,
    TOILET_TISSUE,
    WNIDS,
    drawn,
    half,
    picture,
    write_annotated,
    write_imagenet_s,
    write_real,
)

from mmbdg.assets.class_lists import class_names
from mmbdg.compat.config import read_config
from mmbdg.datasets import AnnotatedSegDataset
from mmbdg.datasets.published_counts import check_counts
from mmbdg.errors import InputError
from mmbdg.synthesis import synthesize

IN1K = class_names('in1k')
PACK = [dict(type='mmseg.PackSegInputs')]


def real(root, **options):
    options = dict(class_names='in1k', layout='images', allow_missing_classes=True) | options
    return AnnotatedSegDataset(str(root), options.pop('name', 'real-random'), **options)


def imagenet_s(root, split='validation', **options):
    return AnnotatedSegDataset(str(root), split, 'in1k', layout='imagenet-s', **options)


@pytest.mark.parametrize(
    ('space', 'expected'),
    [
        ('fgbg', {TENCH: 1, DRAGON_LIZARD: 1, CHIHUAHUA: 1, TOILET_TISSUE: 1}),
        ('dog', {CHIHUAHUA: 1}),
        ('mc16', {CHIHUAHUA: 11}),
        ('mc992', {TENCH: 1, CHIHUAHUA: 150, TOILET_TISSUE: 991}),
        ('classes', {TENCH: 1, DRAGON_LIZARD: 45, CHIHUAHUA: 152, TOILET_TISSUE: 1000}),
    ],
)
@pytest.mark.parametrize('kind', ['real', 'synthetic'])
def test_label_spaces(tmp_path, kind, space, expected):
    classes = TENCH, DRAGON_LIZARD, CHIHUAHUA, TOILET_TISSUE
    if kind == 'real':
        write_real(tmp_path, classes)
        dataset = real(tmp_path, label_space=space, pipeline=PACK)
    else:
        write_annotated(tmp_path, classes)
        dataset = AnnotatedSegDataset(str(tmp_path), 'biggan512', 'in1k', space, allow_missing_classes=True, pipeline=PACK)
    assert [dataset.get_data_info(i)['gt_label'] for i in range(len(dataset))] == list(expected)
    assert dataset.metainfo['label_space']['name'] == space == dataset.space.name
    for item, label in zip(dataset, expected.values(), strict=True):
        truth = item['data_samples'].gt_sem_seg.data[0]
        assert truth.unique().tolist() == [0, label] and not truth[: len(truth) // 2].any()
        assert truth.shape == item['inputs'].shape[1:]


def test_ignored_pixels_of_many_labels(tmp_path):
    write_real(tmp_path, [TOILET_TISSUE])
    mask = half((8, 12))
    mask[:2] = 128
    drawn(next((tmp_path / 'annotations' / 'real-random').rglob('*.png')), mask)
    found = {space: real(tmp_path, label_space=space, ignore_value=128)[0]['gt_seg_map'] for space in ('fgbg', 'mc992')}
    assert np.unique(found['fgbg']).tolist() == [0, 1, 255] and np.unique(found['mc992']).tolist() == [0, 991, 65535]


IDS = [[0, 1, 2, 3], [1000, 3, 3, 0]]
"""Ids of the classes tench, Chihuahua and toilet tissue, and an ignored pixel."""


@pytest.fixture
def small_s(tmp_path):
    write_imagenet_s(tmp_path, {TENCH: [IDS, IDS], CHIHUAHUA: [[[2, 2, 0, 1]]], TOILET_TISSUE: [IDS]})
    return tmp_path


@pytest.mark.parametrize(
    ('space', 'images', 'expected'),
    [
        ('own', 4, [[0, 1, 2, 3], [255, 3, 3, 0]]),
        ('classes', 4, [[0, 1, 152, 1000], [65535, 1000, 1000, 0]]),
        ('mc992', 4, [[0, 1, 150, 991], [65535, 991, 991, 0]]),
        ('fgbg', 4, [[0, 1, 1, 1], [255, 1, 1, 0]]),
        (dict(fish=[TENCH], paper=[TOILET_TISSUE]), 3, [[0, 1, 0, 2], [255, 2, 2, 0]]),  # other classes are background
    ],
)
def test_imagenet_s(small_s, space, images, expected):
    dataset = imagenet_s(small_s, label_space=space)
    assert len(dataset) == images and dataset[0]['gt_seg_map'].tolist() == expected
    assert dataset[0]['img'].shape == (2, 4, 3) and dataset[0]['gt_label'] == TENCH
    if space == 'own':
        assert dataset.space.name == 'imagenet-s3' and dataset.metainfo['classes'] == ('background', IN1K[0], IN1K[151], IN1K[999])


def test_ids_above_255(tmp_path):
    """The ids of a set with 300 classes: R + 256 G."""
    for wnid in WNIDS[:300]:
        for folder in ('validation', 'validation-segmentation'):
            (tmp_path / folder / wnid).mkdir(parents=True)
    write_imagenet_s(tmp_path, {256: [[[257, 257, 256, 300]]]})
    assert imagenet_s(tmp_path, label_space='own')[0]['gt_seg_map'].tolist() == [[257, 257, 256, 300]]
    assert imagenet_s(tmp_path, label_space='classes')[0]['gt_seg_map'].tolist() == [[257, 257, 256, 300]]


def test_an_incomplete_copy_of_imagenet_s(small_s):
    """Without the folder of the first class, all ids would be those of other classes."""
    for folder in ('validation', 'validation-segmentation'):
        (small_s / folder / WNIDS[TENCH]).rename(small_s / folder.replace('validation', 'moved'))
    with pytest.raises(
        InputError, match=r'(?s)not those of its 2 class folders in their order.*n02085620.* holds mostly 2, its folder is number 1'
    ):
        imagenet_s(small_s)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda root: next((root / 'validation-segmentation').rglob('*.png')).unlink(),
            r'has no mask .*validation-segmentation/n01440764/',
        ),
        (lambda root: next((root / 'validation').rglob('*.JPEG')).unlink(), r'has no image .*validation/n01440764/ILSVRC2012_val_\d+\.\*'),
        (lambda root: (root / 'validation-segmentation').rename(root / 'x'), 'the sets with masks are validation and train-semi'),
        (lambda root: picture(root / 'validation' / 'a.JPEG', (2, 2)), 'has no mask'),
        (lambda root: (root / 'validation' / 'cat').mkdir(), 'validation/cat is not the folder of a class of ImageNet'),
    ],
)
def test_incomplete_sets_are_refused(small_s, change, message):
    change(small_s)
    with pytest.raises(InputError, match=message):
        imagenet_s(small_s)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (np.full((2, 4, 3), 7, np.uint8), 'holds the id 1799 in 8 pixels; the set has 3 classes, and 1000 is ignored'),
        (np.zeros((2, 4), np.uint8), 'has one channel; masks of ImageNet-S have colours'),
        (np.zeros((4, 4, 3), np.uint8), 'is 4x4 px, its image 4x2'),
    ],
)
def test_wrong_masks_of_imagenet_s(small_s, mask, message):
    Image.fromarray(mask).save(small_s / 'validation-segmentation' / WNIDS[TENCH] / 'ILSVRC2012_val_00000001.png')
    with pytest.raises(InputError, match=message):
        imagenet_s(small_s)[1]


def test_imagenet_s_has_no_grey_values(small_s):
    with pytest.raises(InputError, match='ignore_value is a grey value; masks of ImageNet-S hold ids'):
        imagenet_s(small_s, ignore_value=255)


def test_real_annotated_is_complete(tmp_path):
    write_real(tmp_path, [TENCH, CHIHUAHUA])
    with pytest.raises(InputError, match=r'998 of 1000 classes have no pairs: n01443537, .*allow_missing_classes=True'):
        real(tmp_path, allow_missing_classes=False)
    with pytest.raises(InputError, match='none of the 2 annotated samples has a class of the label space "bird"'):
        real(tmp_path, label_space='bird')
    for kind in ('images', 'annotations'):
        next((tmp_path / kind / 'real-random').rglob('n0208*_191.*')).unlink()
    with pytest.raises(InputError, match=r'images/real-random/n02085620/n02085620_191\.\* is listed in .*real-random-list\.txt'):
        real(tmp_path)


def test_counts_of_published_sets(tmp_path, small_s):
    write_real(tmp_path / 'b', [TENCH])
    with pytest.raises(InputError, match=r'has 1 pairs of real-random, the published set has 8k \(7,500 to 8,499\)\. Complete the copy'):
        real(tmp_path / 'b', counts='published')
    with pytest.raises(InputError, match='has 3 class folders, ImageNet-S has 50, 300 or 919'):
        imagenet_s(small_s, counts='published')
    with pytest.raises(InputError, match='counts must be "published" or None'):
        real(tmp_path / 'b', counts=8000)
    with pytest.raises(InputError, match='there is no layout "x"'):
        real(tmp_path / 'b', layout='x')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('data', 'biggan512', 5000, 'dog', 657, None), None),
        (('data', 'biggan512', 5000, 'dog', 656, None), 'has 656 pairs of biggan512 in the label space "dog", the published set has 657'),
        (('data', 'biggan512', 4000, 'fgbg', 4000, None), '5k'),
        (('data', 'other', 5000, 'fgbg', 5000, None), 'no published counts of "other"'),
        (('data', 'validation', 12419, 'own', 12419, 919), None),
        (('data', 'validation', 12418, 'own', 12418, 919), 'has 12,418 pairs, ImageNet-S of 919 classes has 12419'),
        (('data', 'train-semi', 500, 'mc992', 100, 50), None),
    ],
)
def test_counts(arguments, message):
    if message is None:
        return check_counts(*arguments)
    with pytest.raises(InputError, match=message):
        check_counts(*arguments)


def test_synthetic_and_annotated_images_together(tiny_labelled_generator, tmp_path):
    """A generated and an annotated set in one label space are mixed as in the configs of the benchmark."""
    root = synthesize(plan_of(str(tiny_labelled_generator), num_per_class=1, candidates=1), tmp_path / 'out')
    for name in TINY_CLASSES:
        picture(tmp_path / 'images' / 'x' / name / 'a.png', (16, 16))
        drawn(tmp_path / 'annotations' / 'x' / name / 'a.png', half((16, 16)))
    config = read_config(ROOT / 'configs' / '_base_' / 'benchmark_in1k.py', dict(train_data=['biggan-off', 'annotated']))
    mixed = config.train_dataloader.dataset
    mixed.datasets[0] |= dict(data_root=str(root), label_space='classes')
    mixed.datasets[1] |= dict(data_root=str(tmp_path), name='x', class_names=TINY_CLASSES, label_space='classes', counts=None)
    for part in mixed.datasets:
        part.pipeline = [step for step in part.pipeline if step.type in ('mmbdg.LoadImage', 'mmbdg.LoadMask', 'PackSegInputs')]
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(mixed)
    assert len(dataset) == 6 and dataset.metainfo['classes'] == ('background', *TINY_CLASSES)
    for item, label in zip(dataset, (1, 2, 3) * 2, strict=True):
        assert set(item['data_samples'].gt_sem_seg.data.unique().tolist()) <= {0, label}
