"""Consistency checks before training raise errors for settings that do not match."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.datasets import JointDataset
from mmbdg.engine import AddressedSampler
from mmbdg.engine.checks import check_data, check_metrics, check_queue, label_problems
from mmbdg.errors import InputError

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
LABELLED = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmseg.PackSegInputs')])


def runner(dataset, sampler, model=None, batch_size=4, world_size=1, drop_last=True, loop=None, **head):
    model = model or nn.Module()
    model.data_preprocessor = nn.Identity()
    if head:
        model.seg_head = SimpleNamespace(**head)
    loader = DataLoader(dataset, batch_size, sampler=sampler, drop_last=drop_last)
    train_loop = object.__new__(loop) if loop else SimpleNamespace()  # the check needs the class of the loop and its data loader
    train_loop.dataloader = loader
    return SimpleNamespace(train_loop=train_loop, model=model, world_size=world_size)


def test_a_joint_dataset_wants_addresses():
    dataset = JointDataset(REAL, LABELLED)
    check_data(runner(dataset, AddressedSampler(dataset, 0)))
    for sampler in (InfiniteSampler(dataset), DefaultSampler(dataset)):
        with pytest.raises(InputError, match=r"indexed by addresses.*sampler=dict\(type='mmbdg.AddressedSampler'\)"):
            check_data(runner(dataset, sampler))


@pytest.mark.parametrize('joint', [True, False])
def test_the_head_fits_the_label_space(joint):
    dataset = JointDataset(REAL, LABELLED) if joint else JointDataset(REAL, LABELLED).seg
    sampler = AddressedSampler(dataset, 0) if joint else InfiniteSampler(dataset)
    check_data(runner(dataset, sampler, num_classes=11, ignore_index=255))
    with pytest.raises(InputError, match='has 2 labels, the label space "classes" of the labelled images has 11: set num_labels=11'):
        check_data(runner(dataset, sampler, num_classes=2, ignore_index=255))
    with pytest.raises(InputError, match='ignores label 65535.*is 255: set ignore_index=255'):
        check_data(runner(dataset, sampler, num_classes=11, ignore_index=65535))
    check_data(runner(JointDataset(REAL), AddressedSampler(JointDataset(REAL), 0), num_classes=2, ignore_index=0))  # no labelled images


def test_a_queue_takes_whole_batches():
    dataset, model = JointDataset(REAL, LABELLED), nn.Module()
    model.queue_len = 32
    check_data(runner(dataset, AddressedSampler(dataset, 0), model, 4, 2))
    with pytest.raises(InputError, match=r'queue length 32 is not a multiple of the total batch size 12 \(4 x 3 processes\)'):
        check_data(runner(dataset, AddressedSampler(dataset, 0), model, 4, 3))

    model.queue_len = 36
    check_data(runner(dataset, AddressedSampler(dataset, 0), model, 6, drop_last=False))
    by_epoch = AddressedSampler(dataset, 0, by_epoch=True)  # 20 samples
    check_data(runner(dataset, by_epoch, model, 6))
    with pytest.raises(InputError, match='last batch of an epoch has only 2 samples instead of 6.*drop_last=True'):
        check_data(runner(dataset, by_epoch, model, 6, drop_last=False))


def test_epochs_end_and_iterations_do_not():
    """A sampler with epochs needs an epoch-based loop, and a sampler without epochs needs an iteration-based loop.

    Otherwise the first epoch never ends, or a training that resumes at an iteration repeats earlier samples.
    """
    dataset = JointDataset(REAL, LABELLED)
    endless, by_epoch = (AddressedSampler(dataset, 0, by_epoch=value) for value in (False, True))
    check_data(runner(dataset, endless, loop=IterBasedTrainLoop))
    check_data(runner(dataset, by_epoch, loop=EpochBasedTrainLoop))
    with pytest.raises(InputError, match='never end: .*train_dataloader.sampler.by_epoch=True'):
        check_data(runner(dataset, endless, loop=EpochBasedTrainLoop))
    with pytest.raises(InputError, match='never end: .*DefaultSampler'):
        check_data(runner(dataset.seg, InfiniteSampler(dataset.seg), loop=EpochBasedTrainLoop))
    with pytest.raises(InputError, match='counts iterations: set train_dataloader.sampler.by_epoch=False'):
        check_data(runner(dataset, by_epoch, loop=IterBasedTrainLoop))


def test_fewer_samples_than_a_batch():
    dataset = JointDataset(REAL, LABELLED)
    check_data(runner(dataset, AddressedSampler(dataset, 0), batch_size=32))  # this sampler never ends
    with pytest.raises(InputError, match='20 samples, fewer than one batch of 32'):
        check_data(runner(dataset, AddressedSampler(dataset, 0, by_epoch=True), batch_size=32))


def test_datasets_of_other_packages():
    """Datasets of other packages have no label space, so the check compares the number of class names."""
    dataset = SimpleNamespace(metainfo=dict(classes=('a', 'b', 'c')))
    loader, model = SimpleNamespace(dataset=dataset), nn.Module()
    model.decode_head = SimpleNamespace(num_classes=2, ignore_index=255)
    assert list(label_problems(loader, model)) == ['the segmentation head has 2 labels, SimpleNamespace has 3: set num_classes']
    model.decode_head.num_classes = 3
    assert not list(label_problems(loader, model))


def test_the_queue_is_checked_before_data_is_made(monkeypatch):
    cfg = Config(dict(launcher='none', model=dict(queue_len=32), train_dataloader=dict(batch_size=16)))
    monkeypatch.setenv('WORLD_SIZE', '3')
    check_queue(cfg)
    cfg.launcher = 'pytorch'
    with pytest.raises(InputError, match=r'not a multiple of the total batch size 48 \(16 x 3 processes\)'):
        check_queue(cfg)
    cfg.launcher = 'slurm'
    monkeypatch.setenv('SLURM_NTASKS', '2')
    check_queue(cfg)
    check_queue(Config(dict(launcher='none', model=dict(type='x'))))


def test_a_metric_without_its_package(monkeypatch):
    cfg = Config(dict(val_evaluator=[dict(type='CocoMetric'), dict(type='mmdet.CityScapesMetric')], test_evaluator=dict(type='IoUMetric')))
    check_metrics(cfg)
    monkeypatch.setattr('mmbdg.engine.checks.find_spec', lambda name: None)
    with pytest.raises(InputError, match=r'CityScapesMetric needs cityscapesscripts.*mmbdg\[cityscapes\]'):
        check_metrics(cfg)
    check_metrics(Config(dict(val_evaluator=None, test_evaluator=cfg.test_evaluator)))
