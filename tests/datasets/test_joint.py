"""Pairs of real and synthetic images: all random draws of an item depend on its address alone."""

import random

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from torch.utils.data import DataLoader

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address, JointDataset
from mmbdg.datasets.address import drawn_at
from mmbdg.datasets.transforms import AugmentLabelled
from mmbdg.engine import AddressedSampler
from mmbdg.errors import InputError

VIEW = [
    dict(type='mmpretrain.RandomResizedCrop', scale=16, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='mmpretrain.ColorJitter', brightness=0.4, contrast=0.4),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
]
REAL = dict(
    type='mmbdg.FashionMNIST32',
    split='test',
    label_fraction=0.02,
    pipeline=[dict(type='mmpretrain.MultiView', num_views=2, transforms=[VIEW]), dict(type='mmpretrain.PackInputs')],
)
LABELLED = dict(
    type='mmbdg.FashionMNIST32',
    split='test',
    label_fraction=0.05,
    pipeline=[dict(type='mmbdg.AugmentLabelled', size=16, brightness=0.4), dict(type='mmseg.PackSegInputs')],
)


def same(a, b):
    """Whether nested items are bit-equal."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return 'gt_sem_seg' not in a or torch.equal(a.gt_sem_seg.data, b.gt_sem_seg.data)


def test_pairs():
    plain = REAL | dict(pipeline=[dict(type='mmpretrain.MultiView', num_views=2, transforms=[[]]), dict(type='mmpretrain.PackInputs')])
    dataset = JointDataset(plain, LABELLED)
    assert len(dataset) == 20 and dataset.metainfo['classes'][0] == 'background'
    batch = default_collate([dataset[Address(0, 0, i, i)] for i in range(4)])
    assert [view.shape for view in batch['inputs']['ssl']] == [(4, 3, 32, 32)] * 2
    assert batch['inputs']['seg'].shape == (4, 3, 16, 16)
    assert len(batch['data_samples']['seg']) == 4 and 'gt_sem_seg' in batch['data_samples']['seg'][0]
    assert np.array_equal(batch['inputs']['ssl'][0][2].numpy().transpose(1, 2, 0), dataset.ssl.images[2][..., None].repeat(3, 2))
    with pytest.raises(InputError, match='mmbdg.AddressedSampler'):
        dataset[3]


def test_an_item_is_a_function_of_its_address():
    """An item depends on seed, epoch and index, but not on earlier random draws or on the count."""
    dataset = JointDataset(REAL, LABELLED)
    item = dataset[Address(1, 2, 3, 40)]
    np.random.rand(7), random.random(), torch.rand(3)
    assert same(item, dataset[Address(1, 2, 3, 999)])
    others = [dataset[address] for address in (Address(0, 2, 3, 40), Address(1, 0, 3, 40), Address(1, 2, 4, 40))]
    for other in others:
        assert not torch.equal(item['inputs']['ssl'][0], other['inputs']['ssl'][0])
        assert not torch.equal(item['inputs']['seg'], other['inputs']['seg'])
    assert not torch.equal(*item['inputs']['ssl'])
    assert [dataset.paired(Address(1, 2, i, 0))[0] for i in range(9)] == [generator_at('paired', 1, 2, i).integers(50) for i in range(9)]


def test_streams_go_on_where_they_were():
    np.random.seed(1), random.seed(1), torch.manual_seed(1)
    expected = np.random.rand(), random.random(), torch.rand(()).item()
    np.random.seed(1), random.seed(1), torch.manual_seed(1)
    with drawn_at('x', 3):
        inside = np.random.rand(), random.random(), torch.rand(()).item()
    assert (np.random.rand(), random.random(), torch.rand(()).item()) == expected
    with drawn_at('x', 3):
        assert (np.random.rand(), random.random(), torch.rand(()).item()) == inside
    with pytest.raises(KeyError), drawn_at('x', 3):
        raise KeyError
    with drawn_at('x', 4):
        assert np.random.rand() != inside[0]


@pytest.mark.parametrize('workers', [1, 2])
def test_persistent_workers_give_what_one_process_gives(workers):
    """Persistent worker processes give the items of a single process over two epochs.

    mmengine seeds a worker once. Without addresses a persistent worker would continue one random stream over all epochs.
    """
    dataset = JointDataset(REAL, LABELLED, ratio=2)
    loaders = [
        DataLoader(dataset, 5, sampler=AddressedSampler(dataset, 7, by_epoch=True), num_workers=n, persistent_workers=n > 0,
                   collate_fn=default_collate, drop_last=True)
        for n in (0, workers)
    ]  # fmt: skip
    alone, many = ([batch for _ in range(2) for batch in loader] for loader in loaders)
    assert len(alone) == 8 and same(alone, many)
    assert not same(alone[:4], alone[4:])


def test_several_synthetic_images_for_each_real_one():
    dataset = JointDataset(REAL, LABELLED, ratio=3)
    item = dataset[Address(1, 2, 3, 40)]
    assert len(item['inputs']['seg']) == len(item['data_samples']['seg']) == 3
    numbers = dataset.paired(Address(1, 2, 3, 40))
    assert len(numbers) == 3 and numbers[0] == JointDataset(REAL, LABELLED).paired(Address(1, 2, 3, 40))[0]
    assert not torch.equal(item['inputs']['seg'][0], item['inputs']['seg'][1])
    online = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')
    dataset = JointDataset(REAL, online, ratio=2)
    numbers = [n for count in range(5) for n in dataset.paired(Address(0, 0, 0, count))]
    assert numbers == list(range(10))  # no sample repeats
    for ratio in (0, 1.5):
        with pytest.raises(InputError, match='at least 1'):
            JointDataset(REAL, LABELLED, ratio=ratio)


def test_labelled_images_are_augmented_in_the_colours_they_were_loaded_in():
    """Augmentation keeps the colours of labelled images: pipelines hold BGR images, the augmentation works in RGB."""
    red = np.zeros((8, 8, 3), dtype=np.uint8)
    red[..., 2], mask = 200, np.ones((8, 8), dtype=np.uint8)
    red[:, :4], mask[:, :4] = 0, 0
    results = AugmentLabelled(size=8, area=(1, 1), ratio=(1, 1), flip=1).transform(dict(img=red, gt_seg_map=mask))
    assert np.array_equal(results['img'], red[:, ::-1]) and np.array_equal(results['gt_seg_map'], mask[:, ::-1])
    assert results['img_shape'] == (8, 8)
    dulled = AugmentLabelled(size=8, flip=0, area=(1, 1), ratio=(1, 1), grayscale=1).transform(dict(img=red, gt_seg_map=mask))['img']
    assert dulled.max() == int(0.2989 * 200)  # the grey weight of red, not of blue


def test_real_images_alone():
    dataset = JointDataset(REAL)
    assert same(dataset[Address(1, 2, 3, 4)]['inputs'], JointDataset(REAL, LABELLED)[Address(1, 2, 3, 4)]['inputs']['ssl'])
