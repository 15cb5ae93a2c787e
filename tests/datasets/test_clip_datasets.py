"""The datasets of configs/clip/vit-b16_*.py, read by mmpretrain from tiny copies of the official layouts."""

import json

import mat4py
import numpy as np
import pytest
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image

from mmbdg.assets import resolve
from mmbdg.compat.config import read_config
from mmbdg.sources.class_list import ClassList

SIZE = (300, 260)


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*SIZE[::-1], 3), (255, 0, 0), np.uint8)).save(path)


def dtd(root):
    names = ['banded/a.jpg', 'zigzagged/b.jpg', 'dotted/c.jpg']
    (root / 'imdb').mkdir(parents=True)
    mat4py.savemat(str(root / 'imdb' / 'imdb.mat'), dict(images=dict(name=names, **{'class': [1, 47, 11], 'set': [1, 2, 3]})))
    for name in names:
        picture(root / 'images' / name)


def aircraft(root):
    for split, line in dict(train='0000001 707-320', val='0000002 Yak-42', test='0000003 A318', trainval='0000001 707-320').items():
        (root / 'data').mkdir(parents=True, exist_ok=True)
        (root / 'data' / f'images_variant_{split}.txt').write_text(f'{line}\n')
        picture(root / 'data' / 'images' / f'{line.split()[0]}.jpg')


def cars(root):
    names = ['car_ims/1.jpg', 'car_ims/2.jpg']
    root.mkdir(parents=True)
    mat4py.savemat(str(root / 'cars_annos.mat'), dict(annotations=dict(relative_im_path=names, **{'class': [1, 196]}, test=[0, 1])))
    for name in names:
        picture(root / name)


def flowers(root):
    root.mkdir(parents=True)
    mat4py.savemat(str(root / 'imagelabels.mat'), dict(labels=[1, 102, 5, 1]))
    mat4py.savemat(str(root / 'setid.mat'), dict(trnid=[1, 4], valid=[2, 1], tstid=[3, 2]))
    for number in range(1, 5):
        picture(root / 'jpg' / f'image_{number:05d}.jpg')


def imagenet(root):
    """mmpretrain takes the labels of the folder from a list."""
    for split, wnid in dict(train='n01440764', val='n15075141').items():
        picture(root / split / wnid / '1.JPEG')
        (root / 'meta').mkdir(exist_ok=True)
        label = ClassList('in1k').ids.index(wnid)
        (root / 'meta' / f'{split}.txt').write_text(f'{wnid}/1.JPEG {label}\n')


@pytest.mark.parametrize(
    ('name', 'make', 'train', 'test'),
    [
        ('dtd', dtd, [0], [10]),
        ('aircraft', aircraft, [0], [23]),
        ('cars', cars, [0], [195]),
        ('flowers', flowers, [0, 0], [4, 101]),
        ('imagenet', imagenet, [0], [999]),
    ],
)
def test_labels_are_indices_of_the_class_list(tmp_path, name, make, train, test):
    make(tmp_path / 'data')
    cfg = read_config(f'configs/clip/vit-b16_{name}.py', dict(data_root=str(tmp_path / 'data')))
    names = ClassList(cfg.model.head.classes).names
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        for loader, labels in ((cfg.train_dataloader, train), (cfg.test_dataloader, test)):
            dataset = DATASETS.build(loader.dataset)
            assert [int(label) for label in dataset.get_gt_labels()] == labels
            item = dataset[0]
            assert item['inputs'].shape == (3, 224, 224) and item['inputs'][:, 100, 100].tolist() == [0, 0, 254]  # BGR; 254 by JPEG
            if name == 'imagenet':  # mmpretrain's names are WordNet's
                continue
            known = dataset.metainfo.get('classes')
            assert known is None or tuple(known) == names


def test_synthesised_images_in_place_of_real_ones(tmp_path):
    listed = json.loads(resolve('mmbdg://clip/dtd/classes.json').read_text())['classes']
    for one in listed:
        picture(tmp_path / one['id'] / '0.png')
    cfg = read_config('configs/clip/vit-b16_dtd.py', dict(synthetic=str(tmp_path)))
    assert cfg.test_dataloader.dataset.type == 'DTD' and cfg.val_dataloader.dataset.type == 'DTD'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert list(dataset.get_gt_labels()) == list(range(47)) and dataset.metainfo['classes'] == tuple(one['id'] for one in listed)
