"""Consistency checks before training raise errors for settings that do not match."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.datasets import JointDataset, MarkSynthetic
from mmbdg.engine import AddressedSampler
from mmbdg.engine.checks import check_data, check_metrics, check_queue, domain_problems, label_problems, recomputation_problems
from mmbdg.errors import InputError
from mmbdg.models import AuxNorm, AuxNormClassifier, AuxNormSegmentor

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


def domains(dataset, **kind):
    """What is wrong with a set of real and synthetic images for a model with auxiliary norms."""
    model = object.__new__(AuxNormClassifier)
    nn.Module.__init__(model)
    model.aux_norm = nn.Identity()
    for name, value in kind.items():
        setattr(model, name, value)
    return list(domain_problems(SimpleNamespace(dataset=dataset), model))


def one_set(*classes, synthetic=False, **metainfo):
    pipeline = SimpleNamespace(transforms=[MarkSynthetic()] if synthetic else [])
    return SimpleNamespace(metainfo=dict(classes=classes, **metainfo), pipeline=pipeline)


@pytest.mark.parametrize('parts', [True, False])
def test_real_and_synthetic_images_have_the_same_classes(parts):
    def both(real, synthetic):
        return SimpleNamespace(parts=dict(real=real, synthetic=synthetic)) if parts else SimpleNamespace(datasets=[real, synthetic])

    real = one_set('bag', 'coat', 'shirt')
    assert domains(both(real, one_set('bag', 'coat', 'shirt', synthetic=True))) == []
    (problem,) = domains(both(real, one_set('bag', 'shirt', 'coat', synthetic=True)))
    assert 'has 3 classes' in problem and 'class 1 is "coat" there and "shirt" here' in problem
    (problem,) = domains(both(real, one_set('bag', 'coat', synthetic=True)))
    assert 'class 2 is "shirt" there and none here: one head needs the same classes in the same order' in problem
    # A classifier learns the classes of images, a segmentor the labels of pixels.
    labelled = one_set('background', 'bag', synthetic=True, class_names=['bag', 'coat', 'shirt'])
    assert domains(both(real, labelled)) == []
    assert len(domains(both(real, labelled), decode_head=nn.Identity())) == 1


def test_both_domains_are_there():
    (problem,) = domains(SimpleNamespace(datasets=[one_set('bag'), one_set('bag')]))
    assert 'has no synthetic ones: give it the parts real and synthetic (mmbdg.JointDataset), or end the pipeline' in problem
    (problem,) = domains(one_set('bag', synthetic=True))
    assert 'has no real ones' in problem
    assert domains(one_set('bag'), aux_norm=None) == []
    assert not list(domain_problems(SimpleNamespace(dataset=one_set('bag')), nn.Module()))


def test_a_wrong_label_space_of_a_part_is_found():
    dataset = JointDataset(parts=dict(real=LABELLED, synthetic=dict(LABELLED, label_space='fgbg')))
    model = object.__new__(AuxNormSegmentor)
    nn.Module.__init__(model)
    model.aux_norm, model.decode_head = nn.Identity(), SimpleNamespace(num_classes=11, ignore_index=255)
    loader = SimpleNamespace(dataset=dataset)
    (problem,) = label_problems(loader, model)
    assert 'has 11 labels, the label space "fgbg" of the labelled images has 2' in problem
    assert len(list(domain_problems(loader, model))) == 1


def test_the_runners_own_recomputation_is_refused():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    cfg = dict(activation_checkpointing=['backbone'])
    assert not list(recomputation_problems(cfg, model))
    model.aux_norm = AuxNorm(model)
    assert not list(recomputation_problems({}, model))
    (problem,) = recomputation_problems(cfg, model)
    assert 'does not know auxiliary norms: remove it and set with_cp=True' in problem
