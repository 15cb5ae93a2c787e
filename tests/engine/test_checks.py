"""What does not go together is refused before a training begins."""

from types import SimpleNamespace

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.datasets import JointDataset
from mmbdg.engine import AddressedSampler
from mmbdg.engine.checks import check_data
from mmbdg.errors import InputError

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
LABELLED = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmseg.PackSegInputs')])


def runner(dataset, sampler, model=None, batch_size=4, world_size=1, **head):
    model = model or nn.Module()
    model.data_preprocessor = nn.Identity()
    if head:
        model.seg_head = SimpleNamespace(**head)
    loader = DataLoader(dataset, batch_size, sampler=sampler, drop_last=True)
    return SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), model=model, world_size=world_size)


def test_a_joint_dataset_wants_addresses():
    dataset = JointDataset(REAL, LABELLED)
    check_data(runner(dataset, AddressedSampler(dataset, 0)))
    for sampler in (InfiniteSampler(dataset), DefaultSampler(dataset)):
        with pytest.raises(InputError, match=r"asked by addresses.*sampler=dict\(type='mmbdg.AddressedSampler'\)"):
            check_data(runner(dataset, sampler))


@pytest.mark.parametrize('joint', [True, False])
def test_the_head_fits_the_label_space(joint):
    dataset = JointDataset(REAL, LABELLED) if joint else JointDataset(REAL, LABELLED).seg
    sampler = AddressedSampler(dataset, 0) if joint else InfiniteSampler(dataset)
    check_data(runner(dataset, sampler, num_classes=11, ignore_index=255))
    with pytest.raises(
        InputError, match='tells 2 labels apart, the label space "classes" of the labelled images has 11: set num_labels=11'
    ):
        check_data(runner(dataset, sampler, num_classes=2, ignore_index=255))
    with pytest.raises(InputError, match='ignores label 65535.*by 255: set ignore_index=255'):
        check_data(runner(dataset, sampler, num_classes=11, ignore_index=65535))
    check_data(runner(JointDataset(REAL), AddressedSampler(JointDataset(REAL), 0), num_classes=2, ignore_index=0))  # no labels at all


def test_a_queue_takes_whole_batches():
    dataset, model = JointDataset(REAL, LABELLED), nn.Module()
    model.queue_len = 32
    check_data(runner(dataset, AddressedSampler(dataset, 0), model, 4, 2))
    with pytest.raises(InputError, match=r'queue of 32 keys is filled by 12 at a time \(4 x 3 processes\)'):
        check_data(runner(dataset, AddressedSampler(dataset, 0), model, 4, 3))


def test_fewer_samples_than_a_batch():
    dataset = JointDataset(REAL, LABELLED)
    check_data(runner(dataset, AddressedSampler(dataset, 0), batch_size=32))  # goes round without end
    with pytest.raises(InputError, match='20 samples, fewer than one batch of 32'):
        check_data(runner(dataset, AddressedSampler(dataset, 0, by_epoch=True), batch_size=32))
