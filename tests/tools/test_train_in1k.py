"""The ImageNet configs trained for an epoch on a few images, with their own data, label space, start and schedule."""

import json

import numpy as np
import pytest
import torch
from conftest import TINY_GENERATOR, TINY_INTERPRETER, build_tiny, plan_of, run_tool
from PIL import Image

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator
from mmbdg.synthesis.pipeline import synthesize

CLASSES = (0, 1, 404)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """ImageNet's folders with twelve images, and a synthetic dataset of some of its classes."""
    root = tmp_path_factory.mktemp('data')
    rng, wnids = np.random.default_rng(0), folder_names('in1k')
    for wnid in wnids:
        (root / 'imagenet/train' / wnid).mkdir(parents=True)
    for c in CLASSES:
        for i in range(4):
            noise = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(noise).save(root / 'imagenet/train' / wnids[c] / f'{wnids[c]}_{i}.JPEG')
    torch.manual_seed(0)
    config = TINY_GENERATOR | dict(num_classes=1000, resolution=32, channel_multipliers=(2, 2, 2, 1))
    generator = build_tiny(config)
    interpreter = TINY_INTERPRETER | dict(member=dict(TINY_INTERPRETER['member'], groups=(8, 32)))
    ensemble = MODELS.build({**generator.interpreter_sizes(), **interpreter})
    LabelledGenerator.write(
        root / 'labelled', (config, generator.state_dict()), (interpreter, ensemble.state_dict()),
        classes=class_names('in1k'), folders=wnids, truncation=0.9,
    )  # fmt: skip
    plan = plan_of(str(root / 'labelled'), num_per_class=4, classes=CLASSES, candidates=4)
    synthesize(plan, root / 'sim')
    return root


def train(name, data, work_dir, *options):
    small = (
        'model.backbone.depth=18', 'model.backbone.base_channels=8', 'model.backbone.stem_channels=8',
        'model.neck.in_channels=64', 'model.neck.hid_channels=32',
        'model.seg_neck.in_channels=[8,16,32,64]', 'model.seg_neck.out_channels=16',
        'model.seg_head.in_channels=[16,16,16,16]', 'model.seg_head.channels=16',
        'train_dataloader.batch_size=4', 'train_dataloader.num_workers=1', 'train_cfg.max_epochs=1',
        'default_hooks.logger.interval=1', 'custom_hooks=[]', f'imagenet={data}/imagenet', f'synthetic={data}/sim',
        'train_dataloader.dataset.seg.allow_empty=True', *options,
    )  # fmt: skip
    run_tool('tools/train.py', f'configs/{name}.py', '--work-dir', work_dir, '--cfg-options', *small)
    lines = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return [json.loads(line) for line in lines], read_state_dict(work_dir / 'epoch_1.pth')


def test_densecl_over_992_classes(data, tmp_path):
    """The training starts from a DenseCL checkpoint without a segmentation head, at the learning rate of epoch 150."""
    start = MODELS.build(
        dict(
            type='mmpretrain.DenseCL', queue_len=64, data_preprocessor=dict(type='mmpretrain.SelfSupDataPreprocessor'),
            backbone=dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='BN')),
            neck=dict(type='mmpretrain.DenseCLNeck', in_channels=64, hid_channels=32, out_channels=128),
            head=dict(type='mmpretrain.ContrastiveHead', loss=dict(type='mmpretrain.CrossEntropyLoss')),
        )
    )  # fmt: skip
    torch.save(dict(state_dict=start.state_dict()), tmp_path / 'start.pth')
    log, state = train('densecl_biggan_fpn_in1k', data, tmp_path / 'work', 'model.queue_len=64', f'load_from={tmp_path}/start.pth')
    assert len(log) == 3 and all(np.isfinite(line['loss']) for line in log)
    assert log[0]['lr'] == pytest.approx(0.004393, abs=1e-6)
    assert 5 < log[0]['seg.loss_ce'] < 9  # untrained, 992 labels: log 992 = 6.9
    assert state['seg_head.conv_seg.weight'].shape[0] == 992 and state['queue_ptr'].item() == 12
    difference = state['backbone.conv1.weight'] - start.state_dict()['backbone.conv1.weight']
    assert 0 < difference.norm() < 0.1 * state['backbone.conv1.weight'].norm()


def test_another_method_with_other_labels(data, tmp_path):
    """Command line variables set the label space, two synthetic images for each real one and half the loss weight."""
    log, state = train('simsiam_biggan_fpn_in1k', data, tmp_path / 'work', 'label_space=fgbg', 'synthetic_ratio=2', 'seg_loss_weight=0.5',
                       'model.neck.out_channels=32', 'model.head.predictor.in_channels=32', 'model.head.predictor.hid_channels=16',
                       'model.head.predictor.out_channels=32', 'train_dataloader.dataset.seg.allow_empty=False')  # fmt: skip
    assert len(log) == 3 and log[0]['seg.loss_ce'] < 0.8 and state['seg_head.conv_seg.weight'].shape[0] == 2
