"""The configs of the chest X-ray transfer with smaller size and schedule, on folders as the archives unpack."""

import json

import numpy as np
import pytest
import tiny_chest_xray as tiny
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner
from one_process import fresh_process, run_here
from PIL import Image

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.compat.config import read_config
from mmbdg.converters.chest_xray.convert import convert
from mmbdg.files import write_safetensors
from mmbdg.registry import MODELS

CONFIGS = ROOT / 'configs' / 'transfer' / 'chest_xray'
PERCENT = {1: 7, 5: 37, 10: 74, 50: 368, 100: 735}
SIZE = 32


def path_of(percent):
    return CONFIGS / f'fcn_r50_frozen_{percent}pct.py'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root, out = tmp_path_factory.mktemp('archives'), tmp_path_factory.mktemp('data') / 'chest_xray'
    tiny.write_all(root)
    convert(root, out, SIZE, archives=tiny.archives(), raw_side=tiny.RAW_SIDE)
    return out


@pytest.fixture(scope='module')
def backbone(tmp_path_factory):
    """A ResNet-50 with changed batch statistics."""
    torch.manual_seed(7)
    state = MODELS.build(dict(type='mmseg.ResNet', depth=50)).state_dict()
    state = {key: value + 0.1 if key.endswith('running_mean') else value for key, value in state.items()}
    path = tmp_path_factory.mktemp('backbone') / 'backbone.safetensors'
    write_safetensors(path, state)
    return path


def small(data, backbone):
    workers = [f'{part}_dataloader.{key}' for part in ('train', 'val', 'test') for key in ('num_workers=0', 'persistent_workers=False')]
    few = ('epochs=1', 'custom_hooks.0.num_samples=2', 'default_hooks.checkpoint.save_optimizer=False')
    return [f'data_root={data}', f'pretrained={backbone}', f'size=({SIZE},{SIZE})', *few, *workers]


@pytest.fixture(scope='module')
def trained(data, backbone, tmp_path_factory):
    """Function that trains and tests a config once and returns its work dir."""
    done = {}

    def train(percent):
        if percent not in done:
            work_dir = tmp_path_factory.mktemp(f'work_{percent}')
            options = ('--work-dir', work_dir, '--cfg-options', *small(data, backbone))
            output = run_here('tools/train.py', path_of(percent), *options)
            (checkpoint,) = work_dir.glob('iter_*.pth')
            assert f'next: python tools/test.py {path_of(percent)} {checkpoint}' in output
            run_here('tools/test.py', path_of(percent), checkpoint, *options)
            done[percent] = work_dir
        return done[percent]

    return train


@pytest.mark.parametrize('percent', PERCENT)
def test_every_config_trains_and_is_measured(trained, percent):
    """Every config trains on its fraction of the 15 training images, in batches of 8, and is tested."""
    kept = {1: 4, 5: 4, 10: 4, 50: 8, 100: 15}[percent]
    (checkpoint,) = trained(percent).glob('iter_*.pth')
    assert checkpoint.stem == f'iter_{-(-kept // 8)}'
    metrics = json.loads((trained(percent) / 'test.json').read_text())['metrics']
    assert 0 < metrics['mIoU'] < 100 and metrics.keys() == {'aAcc', 'mIoU', 'mAcc'}


def test_the_backbone_stays_as_it_was_bit_for_bit(trained, backbone):
    (checkpoint,) = trained(100).glob('iter_*.pth')
    before, after = read_state_dict(backbone), read_state_dict(checkpoint, 'backbone.')
    counters = {key for key in after if key.endswith('num_batches_tracked')}
    assert before.keys() | counters == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    fresh = MODELS.build(dict(Config.fromfile(path_of(100)).model.decode_head, _scope_='mmseg')).state_dict()
    heads = [read_state_dict(next(trained(p).glob('iter_*.pth')), 'decode_head.') for p in (50, 100)]
    assert heads[0].keys() == fresh.keys() and not torch.equal(heads[0]['conv_seg.weight'], heads[1]['conv_seg.weight'])


def test_the_figure_is_the_mean_of_both_ious(trained, data):
    """The mIoU in the results equals that computed with numpy from the model's predictions."""
    (checkpoint,) = trained(100).glob('iter_*.pth')
    cfg = read_config(str(path_of(100)), dict(data_root=str(data), size=(SIZE, SIZE), pretrained=None))
    with fresh_process(), torch.no_grad():
        init_default_scope('mmseg')
        model = MODELS.build(cfg.model)
        model.load_state_dict(read_state_dict(checkpoint))
        loader = Runner.build_dataloader(cfg.test_dataloader | dict(num_workers=0, persistent_workers=False))
        found = [sample for batch in loader for sample in model.eval().test_step(batch)]
    predicted = np.stack([sample.pred_sem_seg.data[0].numpy() for sample in found])
    names = (data / 'test.txt').read_text().split()
    truth = np.stack([np.asarray(Image.open(data / 'masks' / f'{name}.png')) for name in names])
    ious = [((predicted == c) & (truth == c)).sum() / ((predicted == c) | (truth == c)).sum() for c in (0, 1)]
    figure = json.loads((trained(100) / 'test.json').read_text())['metrics']['mIoU']
    assert figure == pytest.approx(100 * np.mean(ious), abs=0.006)


@pytest.fixture(scope='module')
def model():
    cfg = Config.fromfile(path_of(100))
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(cfg.model)


def test_nothing_of_the_backbone_is_trained(model):
    model.train()
    assert [name for name, value in model.named_parameters() if value.requires_grad and not name.startswith('decode_head.')] == []
    norms = [m for m in model.backbone.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    assert len(norms) == 53 and not any(norm.training for norm in norms)
    head = list(model.decode_head.parameters())
    assert sum(map(torch.numel, head)) == 9 * 512 * (2048 + 512 + 2560) + 3 * 2 * 512 + 2 * 513 and all(v.requires_grad for v in head)
    assert not model.with_auxiliary_head and model.num_classes == 2


@pytest.mark.parametrize('percent', PERCENT)
def test_protocol(percent):
    cfg = read_config(str(path_of(percent)))
    train, test = cfg.train_dataloader, cfg.test_dataloader
    assert train.dataset.label_fraction == percent / 100 and train.batch_size == 8 and not train.drop_last
    assert cfg.train_cfg.max_epochs == 30 and cfg.model.backbone.depth == 50 and cfg.model.backbone.type == 'ResNet'
    assert (train.dataset.split, test.dataset.split) == ('train', 'test') and 'label_fraction' not in test.dataset
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53] and cfg.model.data_preprocessor.bgr_to_rgb
    assert cfg.test_evaluator.type == 'IoUMetric' and cfg.pretrained == 'work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors'


def test_variables_reach_their_places(data):
    cfg = read_config(str(path_of(1)), dict(pretrained='b.pth', data_root=str(data), label_seed=2, epochs=3, size=(64, 64)))
    assert cfg.model.backbone.init_cfg == dict(type='mmbdg.PretrainedBackbone', checkpoint='b.pth')
    assert {cfg[f'{part}_dataloader'].dataset.data_root for part in ('train', 'val', 'test')} == {str(data)}
    assert cfg.train_dataloader.dataset.label_seed == 2 and cfg.train_dataloader.dataset.label_fraction == 0.01
    assert (cfg.train_cfg.max_epochs, cfg.param_scheduler.end) == (3, 3)
    assert cfg.model.data_preprocessor.size == (64, 64) == cfg.test_dataloader.dataset.pipeline[1].scale


def test_fewer_images_than_a_batch_are_no_error_and_nothing_trained_is(data, backbone, tmp_path):
    """With drop_last=True and fewer images than a batch, the tool raises an error, because it would train nothing.

    1 % of 735 images is 7 images. The configs use drop_last=False.
    """
    output = run_here(
        'tools/train.py', path_of(1), '--work-dir', tmp_path, '--cfg-options', *small(data, backbone), 'train_dataloader.drop_last=True',
        code=2,
    )  # fmt: skip
    assert 'the training set holds 4 samples, fewer than one batch of 8' in output and not list(tmp_path.glob('*.pth'))


def test_what_is_missing_is_named(tmp_path):
    output = run_here('tools/train.py', path_of(5), '--work-dir', tmp_path, '--cfg-options', f'data_root={tmp_path}/none', code=2)
    assert 'tools/dataset_converters/chest_xray.py ARCHIVES data/chest_xray' in output and 'densecl_biggan_fpn_fgbg_in1k.py' in output
