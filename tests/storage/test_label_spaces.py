import logging

import numpy as np
import pytest
from conftest import ROOT, TINY_CLASSES, TINY_GENERATOR
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from PIL import Image

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.datasets import AnnotatedLatents, FashionMNIST32, LoadMask, RuleAnnotatedLatents
from mmbdg.errors import InputError
from mmbdg.storage.label_spaces import label_space
from mmbdg.storage.masks import ignore_label
from mmbdg.storage.palette import palette

IMAGENET = class_names('in1k')
MASK = np.array([[True, False]])


def test_spaces():
    foreground = np.array([[True, False]])
    assert label_space('fgbg', ['a', 'b']).paint(foreground, 1).tolist() == [[1, 0]]
    space = label_space('classes', ['a', 'b'])
    assert space.paint(foreground, 1).tolist() == [[2, 0]] and space.classes == ('background', 'a', 'b') and space.num_classes == 3
    with pytest.raises(InputError, match='"fgbg", "classes", .* over ImageNet "dog", "bird", "mc16", "mc100", "mc128", "mc992"'):
        label_space('mc17', ['a'])


@pytest.mark.parametrize(
    ('name', 'num_classes', 'num_leaves', 'ids', 'outside'),
    [
        ('dog', 2, 118, {151: 1, 268: 1}, [150, 269, 7]),
        ('bird', 2, 59, {7: 1, 24: 1, 80: 1, 100: 1, 127: 1, 146: 1}, [6, 25, 79, 101, 126, 147]),
        ('mc16', 16, 224, {404: 1, 444: 2, 146: 3, 914: 4, 440: 5, 779: 6, 817: 7, 287: 8, 423: 9, 532: 10, 200: 11, 339: 12, 982: 13,
                           348: 14, 466: 15}, [0, 269, 999]),
        ('mc100', 101, 100, {2: 1, 4: 2, 6: 3, 993: 100}, [0, 1, 3]),
        ('mc128', 128, 1000, {0: 1, 2: 2, 4: 2, 5: 3, 7: 4, 999: 127}, []),
        ('mc992', 992, 991, {0: 1, 43: 44, 45: 45, 999: 991}, [44, 49, 430, 457, 486, 513, 752, 843, 875]),
        ('classes', 1001, 1000, {0: 1, 999: 1000}, [1000, -1]),
    ],
)  # fmt: skip
def test_spaces_of_the_paper(name, num_classes, num_leaves, ids, outside):
    space = label_space(name, IMAGENET)
    assert space.name == name and space.num_classes == num_classes and len(space.foreground_ids) == 1000
    assert sum(map(space.has, range(1000))) == num_leaves
    for class_id, label in ids.items():
        painted = space.paint(MASK, class_id)
        assert painted.tolist() == [[label, 0]] and painted.dtype == np.int64
    for class_id in outside:
        assert not space.has(class_id)
        with pytest.raises(InputError, match=f'class {class_id} is not in the label space "{name}"'):
            space.paint(MASK, class_id)


def test_names_of_labels():
    assert label_space('dog', IMAGENET).classes == ('background', 'dog')
    assert label_space('mc16', IMAGENET).classes[::5] == ('background', 'bottle', 'diningtable', 'train')
    assert label_space('mc100', IMAGENET).classes[1] == IMAGENET[2]
    assert 'mammal' in label_space('mc128', IMAGENET).classes


def test_spaces_over_imagenet_need_its_classes():
    with pytest.raises(InputError, match='"mc16" needs the 1,000 classes of ImageNet, the generator has 3'):
        label_space('mc16', ['a', 'b', 'c'])


@pytest.mark.parametrize(('name', 'ignore'), [('mc16', 255), ('mc128', 255), ('mc992', 65535)])
def test_ignored_pixels_stay_ignored(name, ignore):
    space = label_space(name, IMAGENET)
    assert space.ignore == ignore == ignore_label(space.num_classes)
    painted = space.paint(np.array([[0, 1], [255, 7]], np.uint8), 999 if name != 'mc16' else 466, ignore=255)
    label = space.num_classes - 1
    assert painted.tolist() == [[0, label], [ignore, label]]
    assert space.paint(np.array([[0, 255]]), 466)[0, 1] == space.foreground_ids[466]  # 255 is foreground unless ignore=255
    assert space.paint(MASK, 466, ignore=1)[0, 0] == space.foreground_ids[466]  # a bool mask has no ignored pixels


def test_labels_survive_16_bits(tmp_path):
    """With more than 254 labels a mask is a 16-bit file, and all labels are read back."""
    space = label_space('mc992', IMAGENET)
    painted = space.paint(np.array([[0, 1], [255, 1]], np.uint8), 999, ignore=255)
    Image.fromarray(painted.astype(np.uint16)).save(tmp_path / 'm.png')
    results = dict(seg_map_path=str(tmp_path / 'm.png'), label_map=None, reduce_zero_label=False, seg_fields=[])
    assert LoadMask()(results)['gt_seg_map'].tolist() == [[0, 991], [65535, 991]]


def test_groups_of_your_own():
    space = label_space(ConfigDict(pet=['cat', 1], thing=[3]), ['cat', 'dog', 'tree', 'car'])
    assert space.classes == ('background', 'pet', 'thing') and space.foreground_ids == (1, 1, None, 2) and space.name == 'groups'
    assert space.paint(MASK, 3).tolist() == [[2, 0]] and not space.has(2)


@pytest.mark.parametrize(
    ('groups', 'message'),
    [
        ({}, 'needs at least one label'),
        ({'a': []}, 'classes for each label'),
        ({'background': [0]}, '"background" must not be among them'),
        ({'a': [0], 'b': ['x']}, r'class 0 \(x\) belongs to two labels, the second one is "b"'),
        ({'a': ['z']}, "'z' is not one of the 4 classes"),
        ({'a': [4]}, '4 is not one of the 4 classes'),
        ({'a': [-1]}, '-1 is not one'),
        ({'a': ['twin']}, 'a name that only one class has'),
    ],
)
def test_groups_that_are_wrong(groups, message):
    with pytest.raises(InputError, match=message):
        label_space(groups, ['x', 'y', 'twin', 'twin'])


def said(function):
    """The result of a call and the lines that it logs."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        return function(), '\n'.join(lines)
    finally:
        logger.removeHandler(handler)


def test_items_outside_are_left_out_and_counted():
    space = label_space(dict(a=['x']), ['x', 'y'])
    kept, log = said(lambda: space.within([(0, 'p'), (1, 'q'), (1, 'r')], lambda item: item[0]))
    assert kept == [(0, 'p')] and '2 of 3 items are left out' in log and '"groups"' in log
    kept, log = said(lambda: space.within([0, 0], int))
    assert kept == [0, 0] and log == ''
    with pytest.raises(InputError, match='none of the 2 images has a class of the label space'):
        space.within([1, 1], int, 'images')


def write_pair(root, wnid, class_id, mask):
    for kind in ('annotations', 'latents'):
        (root / kind / 'biggan' / wnid).mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(root / 'annotations' / 'biggan' / wnid / f'seed_{class_id}_0.png')
    np.save(root / 'latents' / 'biggan' / wnid / f'seed_{class_id}_0.npy', np.zeros((1, 4), np.float32))


def test_annotated_latents_in_spaces_of_imagenet(tmp_path):
    """The same annotations, in the released layout, can be read in several label spaces of ImageNet."""
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4] = 255
    for wnid, class_id in (('n01440764', 0), ('n02085620', 151), ('n15075141', 999)):
        write_pair(tmp_path, wnid, class_id, mask)

    def read(name):
        dataset = AnnotatedLatents(str(tmp_path), 'biggan', 4, 8, class_names='in1k', label_space=name, allow_missing_classes=True)
        samples = [item['data_samples'] for item in dataset]
        return dataset, {int(sample.gt_label): sorted(sample.gt_sem_seg.data.unique().tolist()) for sample in samples}

    assert read('fgbg')[1] == {0: [0, 1], 151: [0, 1], 999: [0, 1]}
    assert read('mc992')[1] == {0: [0, 1], 151: [0, 150], 999: [0, 991]}
    (dataset, labels), log = said(lambda: read('mc16'))
    assert labels == {151: [0, 11]} and '2 of 3 annotated latents are left out' in log
    assert dataset.class_names == IMAGENET and dataset.metainfo['classes'][11] == 'dog' and len(dataset.metainfo['palette']) == 16
    assert dataset.metainfo['label_space']['name'] == 'mc16' and dataset.metainfo['label_space']['foreground_ids'][151] == 11
    with pytest.raises(InputError, match='none of the 3 annotated latents'):
        read('bird')


def test_imagenet_in_a_config():
    cfg = Config.fromfile(ROOT / 'configs' / '_base_' / 'datasets' / 'in1k_classes.py')
    assert class_names(cfg.class_names) == IMAGENET and folder_names(cfg.class_names)[151] == 'n02085620'


def bright(image, threshold):
    return image.mean(-1) > 16 * threshold


def test_rules_draw_only_what_has_a_label(monkeypatch):
    monkeypatch.setattr('mmbdg.datasets.annotated_latents.import_rule', lambda name: bright)
    dataset = RuleAnnotatedLatents(TINY_GENERATOR, 'bright', TINY_CLASSES, 2, 0, label_space={'round': ['disc', 'ring']})
    samples = [item['data_samples'] for item in dataset]
    assert [int(sample.gt_label) for sample in samples] == [0, 0, 2, 2]
    assert set(np.unique(np.stack([sample.rule_seg for sample in samples]))) == {0, 1}


def test_real_images_outside_are_left_out():
    dataset = FashionMNIST32('test', label_space=dict(shoe=['sandal', 'sneaker', 'ankle boot'], bag=['bag']))
    assert len(dataset) == 400 and dataset.metainfo['classes'] == ('background', 'shoe', 'bag')
    assert {(item['gt_label'], int(item['gt_seg_map'].max())) for item in (dataset[i] for i in range(400))} == {
        (5, 1),
        (7, 1),
        (8, 2),
        (9, 1),
    }
    whole = FashionMNIST32('test')
    place = {index: i for i, index in enumerate(whole.indices)}
    assert all(np.array_equal(dataset[i]['img'], whole[place[dataset.indices[i]]]['img']) for i in (0, 123, 399))


def test_palette_has_no_twins():
    colours = palette(1001)
    assert colours[0] == [0, 0, 0] and colours[1] == [128, 0, 0] and len(set(map(tuple, colours))) == 1001
