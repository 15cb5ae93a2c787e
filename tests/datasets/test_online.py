import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate, pseudo_collate
from torch.utils.data import DataLoader

from mmbdg.addressed import generator_at
from mmbdg.datasets import JointDataset, OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler
from mmbdg.errors import InputError
from mmbdg.storage.label_spaces import label_space

FASHION = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')
REAL = dict(
    type='mmbdg.FashionMNIST32',
    split='test',
    label_fraction=0.02,  # two images of each class
    pipeline=[dict(type='mmpretrain.MultiView', num_views=2, transforms=[[]]), dict(type='mmpretrain.PackInputs')],
)


def test_addresses_are_classes_in_turn_and_never_come_twice():
    dataset = OnlineSyntheticDataset('fashion32', seed=3)
    addresses = [dataset.address(n) for n in range(500)]
    assert len(set(addresses)) == 500
    rounds = np.array(addresses).reshape(50, 10, 2)
    for number, one in enumerate(rounds):
        assert sorted(one[:, 0]) == list(range(10))
        assert one[:, 0].tolist() == generator_at('online', 3, number).permutation(10).tolist()
        assert (one[:, 1] == 100_000_000 + number).all()  # nine digits: indices of synthesised samples have eight
    assert len({tuple(one[:, 0]) for one in rounds}) > 40
    assert [OnlineSyntheticDataset('fashion32', seed=3).address(n) for n in (499, 7, 250)] == [addresses[n] for n in (499, 7, 250)]
    assert [OnlineSyntheticDataset('fashion32', seed=4).address(n) for n in range(500)] != addresses


def test_items():
    dataset = OnlineSyntheticDataset('fashion32', label_space=dict(shoes=['sneaker', 'ankle boot'], tops=['coat', 0]), seed=7, length=12)
    assert len(dataset) == 12 and dataset.metainfo['classes'] == ('background', 'shoes', 'tops') and len(dataset.metainfo['palette']) == 3
    items = [dataset[n] for n in range(20, 24)]
    assert {item['inputs'][1].item() for item in items} == {0, 4, 7, 9}
    for n, item in enumerate(items, 20):
        assert item['inputs'].dtype == torch.int64 and item['inputs'].tolist() == [7, *dataset.address(n)]
        sample = item['data_samples']
        assert sample.foreground_id == (1 if item['inputs'][1] in (7, 9) else 2) and sample.ignore == 255
    assert default_collate(items)['inputs'].shape == (4, 3) and len(pseudo_collate(items)['inputs']) == 4
    with pytest.raises(IndexError):
        dataset[-1]
    assert pickle.loads(pickle.dumps(dataset))[5]['inputs'].tolist() == dataset[5]['inputs'].tolist()  # spawned workers pickle the dataset


def test_some_classes():
    dataset = OnlineSyntheticDataset('fashion32', classes=['bag', 2, 'bag'])
    assert [{dataset.address(n)[0] for n in range(i, i + 2)} for i in (0, 2, 4)] == [{2, 8}] * 3
    with pytest.raises(InputError, match="'hat' is not one of the 10 classes"):
        OnlineSyntheticDataset('fashion32', classes=['hat'])
    with pytest.raises(InputError, match='no labelled generator at nowhere'):
        OnlineSyntheticDataset('nowhere')
    with pytest.raises(InputError, match='needs the 1,000 classes'):
        OnlineSyntheticDataset('fashion32', label_space='dog')


def test_masks_that_do_not_fit_the_label_space_are_refused():
    space = label_space('classes', ['a', 'b'])
    space.check_masks(('background', 'foreground'), 'x')
    space.check_masks(('background', 'a', 'b'), 'x')
    with pytest.raises(InputError, match='the masks of x hold 4 labels'):
        space.check_masks(('background', 'a', 'b', 'c'), 'x')


@pytest.mark.parametrize('workers', [0, 2])
def test_workers_give_the_same_batches(workers):
    dataset = OnlineSyntheticDataset('fashion32')
    sampler = AddressedSampler(dataset, seed=0)
    loader = iter(DataLoader(dataset, 6, sampler=sampler, num_workers=workers, collate_fn=default_collate))
    for step in range(4):
        assert next(loader)['inputs'][:, 1:].tolist() == [list(dataset.address(n)) for n in range(6 * step, 6 * step + 6)]


def test_real_images_beside_online_samples():
    dataset = JointDataset(REAL, FASHION)
    sampler = AddressedSampler(dataset, seed=0)
    loader = iter(DataLoader(dataset, 8, sampler=sampler, collate_fn=default_collate))
    assert dataset.metainfo['classes'][0] == 'background'
    batches = [next(loader) for _ in range(5)]
    online = torch.cat([batch['inputs']['seg'] for batch in batches])
    assert online[:, 1:].tolist() == [list(dataset.seg.address(n)) for n in range(40)]
    real = torch.cat([batch['inputs']['ssl'][0] for batch in batches])
    expected = [generator_at('real order', 0, i).permutation(20) for i in range(2)]
    for view, i in zip(real, np.concatenate(expected), strict=True):
        assert np.array_equal(view[0].numpy(), dataset.ssl.images[i])
    with pytest.raises(InputError, match='mmbdg.AddressedSampler'):
        dataset[3]
