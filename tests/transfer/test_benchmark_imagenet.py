"""The configs of the ImageNet benchmark: what their variables choose, and runs with a narrow network on tiny data in the right layout."""

import json
import sys

import pytest
import torch
from conftest import ROOT
from mmengine.registry import DefaultScope
from mmseg.structures import SegDataSample
from one_process import run_here

from mmbdg.assets.class_lists import class_names
from mmbdg.compat.config import check_keys, read_config
from mmbdg.engine.config_changes import leave_at_random
from mmbdg.errors import InputError
from mmbdg.registry import MODELS
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
    cfg = read_config(path_of(task), options)
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
    ids = torch.arange(4)[:, None].repeat(4, 5).numpy()
    write_imagenet_s(root / 's', {class_id: [ids[number : number + 8]] for number, class_id in enumerate(CLASSES, 1)})
    return root


def narrow(data):
    """A ResNet-50 with a sixteenth of the channels, on images of 16 px."""
    return (
        *(f'data.annotated={data}', f'data.imagenet_s={data}/s', 'counts=None', 'pretrained=random', f'crop_size=({SIZE},{SIZE})'),
        *('model.backbone.base_channels=4', 'model.backbone.stem_channels=4', 'model.decode_head.in_channels=128'),
        *('model.decode_head.channels=4', 'model.auxiliary_head.in_channels=64', 'model.auxiliary_head.channels=4'),
        *(f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')),
        *('iterations=2', 'train_dataloader.batch_size=2', 'default_hooks.checkpoint.save_optimizer=False'),
    )


@pytest.fixture(scope='module')
def trained(data, tmp_path_factory):
    """Work dirs of the seven tasks, trained for two iterations and measured on Real-annotated."""
    root = tmp_path_factory.mktemp('work')
    for task in TASKS:
        run_here('tools/train.py', path_of(task), '--work-dir', root / task, '--cfg-options', *narrow(data))
    return root


@pytest.mark.parametrize('task', TASKS)
def test_every_task_trains_and_is_measured(trained, task):
    (log,) = (trained / task).glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (measured,) = [line for line in lines if 'mIoU' in line]
    assert 0 <= measured['mIoU'] <= 100 and (trained / task / 'iter_2.pth').is_file()


def test_imagenet_s_as_the_test_set(trained, data):
    work_dir = trained / 'mc992'
    options = '--work-dir', work_dir, '--cfg-options', *narrow(data), 'test_data=imagenet-s'
    run_here('tools/test.py', path_of('mc992'), work_dir / 'iter_2.pth', *options)
    metrics = json.loads((work_dir / 'test.json').read_text())['metrics']
    assert 0 <= metrics['mIoU'] <= 100 and 'IoU_great white shark' in metrics


def test_what_is_missing_is_named(tmp_path):
    options = '--work-dir', tmp_path, '--cfg-options', f'data.annotated={tmp_path}/none', 'pretrained=densecl'
    output = run_here('tools/train.py', path_of('dog'), *options, code=2)
    assert 'densecl_r50_imagenet_200ep.pth' in output and f'{tmp_path}/none' in output and 'docs/benchmark.md' in output


def test_a_resnet_152_with_992_labels_takes_a_step():
    """One step of 105 million parameters at a crop of 32 px."""
    cfg = config('mc992', depth=152, pretrained='random', crop_size=(32, 32))
    cfg.model.backbone.init_cfg = None
    cfg.model.backbone.norm_cfg = cfg.model.decode_head.norm_cfg = cfg.model.auxiliary_head.norm_cfg = dict(type='BN')
    with DefaultScope.overwrite_default_scope('mmseg'), torch.device('meta'):
        model = MODELS.build(cfg.model)

    def step():
        model.to_empty(device='cpu')
        for value in [*model.parameters(), *model.buffers()]:
            value.data.fill_(0.01)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        samples = [SegDataSample(), SegDataSample()]
        for sample in samples:
            sample.gt_sem_seg = dict(data=torch.randint(992, (1, 32, 32)))
        losses = model.loss(torch.randn(2, 3, 32, 32), samples)
        assert losses['decode.loss_ce'] == pytest.approx(torch.tensor(992.0).log().item(), rel=0.2)
        (losses['decode.loss_ce'] + losses['aux.loss_ce']).backward()
        optimizer.step()

    peaks = resident_peaks([step])
    assert sum(value.numel() for value in model.parameters()) > 100e6
    assert peaks is None or peaks[0] < 4e9
