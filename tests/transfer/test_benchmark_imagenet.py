"""The configs of the ImageNet benchmark: what their variables choose, and runs with a narrow network on tiny data in the right layout."""

import json
import math
import sys

import pytest
import torch
from conftest import ROOT
from mmengine.dataset import pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from one_process import run_here

from mmbdg.assets.class_lists import class_names
from mmbdg.compat.config import check_keys, with_options
from mmbdg.engine.config_changes import leave_at_random
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS, METRICS, MODELS
from mmbdg.storage.label_spaces import label_space

sys.path.extend([str(ROOT), str(ROOT / 'tests' / 'datasets')])
from tiny_imagenet_sets import write_annotated, write_imagenet_s, write_real

from tools.benchmarks.memory import resident_peaks

TASKS = dict(dog=2, bird=2, fgbg=2, mc16=16, mc100=101, mc128=128, mc992=992)
CLASSES = 2, 7, 151, 404
"""A shark (in MC-100), a rooster, a Chihuahua and an airliner."""
SIZE = 16


def path_of(task):
    return ROOT / 'configs' / 'benchmark' / 'imagenet' / f'deeplabv3_r50_{task}.py'


def config(task='mc992', **options):
    cfg = with_options(str(path_of(task)), options)
    check_keys(cfg)
    return cfg


@pytest.mark.parametrize('task', TASKS)
def test_tasks(task):
    cfg = config(task)
    space = label_space(task, class_names('in1k'))
    for part in (cfg.model.decode_head, cfg.model.auxiliary_head):
        assert (part.num_classes, part.ignore_index) == (space.num_classes, space.ignore) == (TASKS[task], cfg.ignore)
    assert cfg.model.data_preprocessor.seg_pad_val == cfg.test_evaluator.ignore_index == space.ignore
    for part in ('train', 'test'):
        assert cfg[f'{part}_dataloader'].dataset.label_space == task
    assert cfg.model.backbone.type == 'ResNet' and cfg.model.backbone.dilations == (1, 1, 2, 4)


PRETRAININGS = ('random', 'supervised', 'supcon', 'supselfcon', 'simclr', 'mocov2', 'mocov3', 'byol', 'dino', 'densecl', 'ours')


def test_pretrainings():
    """One line for each row of Table 2, or a file."""
    cfg = config()
    assert tuple(cfg.pretrainings) == PRETRAININGS
    assert cfg.pretrainings.random is None and cfg.model.backbone.init_cfg.checkpoint == cfg.pretrainings.supervised
    chosen = config(pretrained='random', depth=101)
    assert chosen.model.backbone.depth == 101 and chosen.pretrainings.supervised == 'torchvision://resnet101'
    leave_at_random([chosen.model])
    assert chosen.model.backbone.init_cfg is None
    assert config(pretrained='dino').model.backbone.init_cfg.checkpoint == 'data/weights/dino_resnet50_pretrain.pth'
    assert config(pretrained='own/backbone.pth').model.backbone.init_cfg.checkpoint == 'own/backbone.pth'


def test_training_sets():
    kinds = {}
    for name, root in (('annotated', 'annotated'), ('biggan-off', 'biggan'), ('vqgan', 'vqgan'), ('diffusion', 'diffusion')):
        cfg = config(train_data=name)
        dataset = cfg.train_dataloader.dataset
        kinds[name] = dataset.type
        assert dataset.data_root == cfg.data[root] and dataset.data_root in cfg.requires
        assert (cfg.train_dataloader.sampler.type, cfg.model.data_preprocessor.type) == ('InfiniteSampler', 'SegDataPreProcessor')
    synthetic = dict.fromkeys(('biggan-off', 'vqgan', 'diffusion'), 'mmbdg.SyntheticSegDataset')
    assert kinds == {'annotated': 'mmbdg.AnnotatedSegDataset'} | synthetic
    cfg = config(train_data='biggan-on')
    assert cfg.train_dataloader.dataset.type == 'mmbdg.OnlineSyntheticDataset'
    assert cfg.train_dataloader.sampler.type == 'mmbdg.AddressedSampler'
    assert cfg.model.data_preprocessor.labelled_generator == cfg.train_dataloader.dataset.labelled_generator in cfg.requires
    cfg = config(train_data=['biggan-off', 'annotated'])
    assert [part.type for part in cfg.train_dataloader.dataset.datasets] == ['mmbdg.SyntheticSegDataset', 'mmbdg.AnnotatedSegDataset']
    with pytest.raises(InputError, match=r'made in the training \(biggan-on\) are not mixed with others'):
        config(train_data=['biggan-on', 'annotated'])


def test_test_sets():
    assert config(test_data='imagenet-s').test_dataloader.dataset.layout == 'imagenet-s'
    assert config().test_dataloader.dataset.name == 'real-random'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('data')
    write_annotated(root, CLASSES, per_class=2, size=(SIZE, SIZE))
    write_real(root, CLASSES, size=(SIZE, SIZE + 4))
    masks = {class_id: [[[0] * 6] * 4 + [[number] * 6] * 4] for number, class_id in enumerate(CLASSES, 1)}
    write_imagenet_s(root / 's', masks)
    return root


NARROW = """
_base_ = '{base}'
depth = 18
pretrained = 'random'
test_data = '{test_data}'
iterations = 2
crop_size = ({size}, {size})
model = dict(
    backbone=dict(base_channels=4, stem_channels=4),
    decode_head=dict(in_channels=32, channels=4),
    auxiliary_head=dict(in_channels=16, channels=4),
)
train_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(data_root='{root}', counts=None))
val_dataloader = test_dataloader = dict(num_workers=0, dataset=dict(data_root='{test_root}', counts=None))
default_hooks = dict(checkpoint=dict(save_optimizer=False))
requires = dict(_delete_=True)
"""
"""A ResNet-18 with a sixteenth of the channels, on small images."""


def narrow(path, task, root, test_root, test_data='real'):
    path.write_text(NARROW.format(base=path_of(task), size=SIZE, root=root, test_root=test_root, test_data=test_data))
    return path


@pytest.mark.parametrize('task', [task for task in TASKS if task != 'mc992'])
def test_every_task_trains_and_is_measured(task, data, tmp_path):
    """A training step and a measurement on Real-annotated, without a Runner, which costs more than all of this."""
    cfg = with_options(str(narrow(tmp_path / 'c.py', task, data, data)), {})
    leave_at_random([cfg.model])
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = revert_sync_batchnorm(MODELS.build(cfg.model))
        train, test = (DATASETS.build(cfg[f'{part}_dataloader'].dataset) for part in ('train', 'test'))
        metric = METRICS.build(cfg.test_evaluator)
    before = model.decode_head.conv_seg.bias.clone()
    model.train_step(pseudo_collate([train[0], train[-1]]), OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))
    assert not torch.equal(model.decode_head.conv_seg.bias, before)
    metric.dataset_meta = test.metainfo
    model.eval()
    for item in test:
        metric.process({}, [sample.to_dict() for sample in model.test_step(pseudo_collate([item]))])
    assert len(test) == dict(dog=1, bird=1, mc16=3, mc100=1).get(task, 4) and 0 <= metric.evaluate(len(test))['mIoU'] <= 100


def test_a_run_with_992_labels(data, tmp_path):
    """Two iterations and the measurements on Real-annotated and on ImageNet-S, by the tools."""
    work_dir = tmp_path / 'work'
    run_here('tools/train.py', narrow(tmp_path / 'real.py', 'mc992', data, data), '--work-dir', work_dir)
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    (measured,) = [line for line in map(json.loads, log.read_text().splitlines()) if 'mIoU' in line]
    assert 0 <= measured['mIoU'] <= 100
    on_s = narrow(tmp_path / 's.py', 'mc992', data, data / 's', 'imagenet-s')
    run_here('tools/test.py', on_s, work_dir / 'iter_2.pth', '--work-dir', work_dir)
    metrics = json.loads((work_dir / 'test.json').read_text())['metrics']
    assert 0 <= metrics['mIoU'] <= 100 and 'IoU_great white shark' in metrics


def test_what_is_missing_is_named(tmp_path):
    options = '--work-dir', tmp_path, '--cfg-options', f'data.annotated={tmp_path}/none', 'pretrained=densecl'
    output = run_here('tools/train.py', path_of('dog'), *options, code=2)
    assert 'densecl_r50_imagenet_200ep.pth' in output and f'{tmp_path}/none' in output and 'docs/benchmark.md' in output


def test_a_resnet_152_with_992_labels_takes_a_step():
    """One step of 103 million parameters at a crop of 16 px."""
    cfg = config('mc992', depth=152, pretrained='random', crop_size=(16, 16))
    cfg.model.backbone.init_cfg = None
    cfg.model.backbone.norm_cfg = cfg.model.decode_head.norm_cfg = cfg.model.auxiliary_head.norm_cfg = dict(type='BN')
    with DefaultScope.overwrite_default_scope('mmseg'), torch.device('meta'):
        model = MODELS.build(cfg.model)

    def step():
        model.to_empty(device='cpu')
        for value in [*model.parameters(), *model.buffers()]:
            value.data.fill_(0.01)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        samples = [SegDataSample(), SegDataSample()]
        for sample in samples:
            sample.gt_sem_seg = PixelData(data=torch.randint(992, (1, 16, 16)))
        losses = model.loss(torch.randn(2, 3, 16, 16), samples)
        assert float(losses['decode.loss_ce']) == pytest.approx(math.log(992), rel=0.2)
        (losses['decode.loss_ce'] + losses['aux.loss_ce']).backward()
        optimizer.step()

    peaks = resident_peaks([step])
    assert sum(value.numel() for value in model.parameters()) > 100e6
    assert peaks is None or peaks[0] < 4e9
