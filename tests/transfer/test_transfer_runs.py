"""Every transfer config trains for a few iterations and is tested, on composed scenes in its dataset's format."""

import json
import math
import shutil

import pytest
import torch
import torchvision
from conftest import ROOT
from mmengine.runner import Runner
from one_process import run_here
from tiny_cityscapes import write_cityscapes
from tiny_coco import write_coco
from tiny_voc import write_voc

from mmbdg.studies import read_study

ITERATIONS = 2
SMALL = dict(  # only schedule and size differ
    train_cfg__max_iters=ITERATIONS,
    train_dataloader__num_workers=0,
    test_dataloader__num_workers=0,
    default_hooks__logger__interval=1,
    default_hooks__checkpoint__save_optimizer=False,
)
DETECTOR = dict(
    val_dataloader=None,  # the last step tests as tools/test.py does
    val_cfg=None,
    val_evaluator=None,
    batch_size=2,
    model__train_cfg__rpn_proposal__max_per_img=20,
    model__train_cfg__rcnn__sampler__num=4,
    model__test_cfg__rpn__max_per_img=10,
    model__test_cfg__rcnn__score_thr=0.0,
    model__test_cfg__rcnn__max_per_img=10,
    custom_hooks__0__iterations=1,
)
MASKS = dict(
    model__roi_head__bbox_head__conv_out_channels=32,
    model__roi_head__bbox_head__fc_out_channels=32,
    model__roi_head__mask_head__conv_out_channels=32,
    test_dataloader__dataset__pipeline__1__scale='(64,48)',
    train_dataloader__dataset__pipeline__2__scales='[(64,48),(64,40)]',
)
SEGMENTOR = dict(
    model__data_preprocessor__size='(64,64)',
    train_dataloader__batch_size=2,
    val_dataloader__num_workers=0,
    val_dataloader__dataset__pipeline__1__scale='(128,64)',
    test_dataloader__dataset__pipeline__1__scale='(128,64)',
)
VOC_SCALES = {f'train_dataloader__dataset__datasets__{i}__pipeline__3__scales': '[(64,48),(64,40)]' for i in (0, 1)}
VOC_CROPS = {f'train_dataloader__dataset__datasets__{i}__pipeline__2__scale': '(128,64)' for i in (0, 1)} | {
    f'train_dataloader__dataset__datasets__{i}__pipeline__3__crop_size': '(64,64)' for i in (0, 1)
}
COCO_METRICS = [f'coco/{kind}_mAP{suffix}' for kind in ('bbox', 'segm') for suffix in ('', '_50', '_75')]
RUNS = {
    'coco/mask-rcnn_r50_fpn_1x_coco': (DETECTOR | MASKS, COCO_METRICS),
    'coco/mask-rcnn_r50_fpn_2x_coco': (DETECTOR | MASKS, COCO_METRICS),
    'voc/faster-rcnn_r50-c4_24k_voc0712': (
        DETECTOR | VOC_SCALES | dict(test_dataloader__dataset__pipeline__1__scale='(64,48)'),
        ['pascal_voc/mAP', 'pascal_voc/AP50', 'pascal_voc/AP75', 'pascal_voc/AP95'],
    ),
    'voc/fcn_r50-d8_20k_voc12aug': (SEGMENTOR | VOC_CROPS, ['mIoU']),
    'cityscapes/mask-rcnn_r50_fpn_90k_cityscapes': (DETECTOR | MASKS, [*COCO_METRICS, 'cityscapes/mAP', 'cityscapes/AP@50']),
    'cityscapes/fcn_r50-d8_40k_cityscapes-769x769': (
        {key: value for key, value in SEGMENTOR.items() if not key.startswith('val_')}
        | dict(
            train_dataloader__dataset__pipeline__2__scale='(128,64)',
            train_dataloader__dataset__pipeline__3__crop_size='(65,65)',
            model__data_preprocessor__size='(65,65)',
            model__test_cfg__crop_size='(65,65)',
            model__test_cfg__stride='(43,43)',
            val_dataloader=None,
            val_cfg=None,
            val_evaluator=None,
            custom_hooks='[]',
        ),
        ['mIoU'],
    ),
}
OTHERWISE = {'coco/mask-rcnn_r50_fpn_1x_coco_paste'}
"""Configs that differ from one in ``RUNS`` in their training set only, which another test reads (test_paste_config.py)."""
WRITE = dict(coco=write_coco, voc=write_voc, cityscapes=write_cityscapes)


@pytest.fixture(scope='session')
def trees(tmp_path_factory):
    """``data_root`` of each dataset."""
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in WRITE.items()}


def test_every_config_is_run():
    found = {p.relative_to(ROOT / 'configs/transfer').with_suffix('').as_posix() for p in (ROOT / 'configs/transfer').rglob('*.py')}
    assert {name for name in found if name.split('/')[0] in WRITE} == set(RUNS) | OTHERWISE


def test_the_papers_columns_are_measured():
    """The figures that the studies read from the logs have the names that the metrics write."""
    looked_for = {}
    for path in (ROOT / 'configs/studies').glob('*.py'):
        study = read_study(path, ROOT / 'tools')
        for row in study.rows:
            name = (row.steps[-1].config or '').removeprefix('configs/transfer/').removesuffix('.py')
            looked_for.setdefault(name, set()).update(figure.read.partition(':')[2] for figure in study.figures)
    tables = {name: set(measured) for name, (_, measured) in RUNS.items()}
    assert looked_for.keys() >= tables.keys() and all(looked_for[name] <= measured for name, measured in tables.items())


def options(values):
    """``--cfg-options`` for keys with __ in place of dots."""
    return ['--cfg-options', *(f'{key.replace("__", ".")}={value}' for key, value in values.items())]


def logged(work_dir):
    """The logged numbers of each iteration of a training."""
    (file,) = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def resnet50(tmp_path):
    """Weights in torchvision's format: names without a prefix, with a classifier."""
    torch.save(torchvision.models.resnet50().state_dict(), path := tmp_path / 'resnet50.pth')
    return path


@pytest.mark.parametrize('name', RUNS)
def test_config_trains_and_is_measured(name, trees, tmp_path, resnet50, monkeypatch):
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)  # describing the machine takes a second
    changes, metrics = RUNS[name]
    config, work_dir = ROOT / 'configs/transfer' / f'{name}.py', tmp_path / 'work'
    c4 = 'c4' in name
    common = options(SMALL | changes | dict(data_root=trees[name.split('/')[0]], pretrained=resnet50 if c4 else None))
    output = run_here('tools/train.py', config, '--work-dir', work_dir, *common)
    filled = [line for line in output.splitlines() if f'tensors of {resnet50}' in line]
    assert [line.split(' fill ')[1] for line in filled] == (['ResNet, stem included', 'ResLayerExtraNorm, it has no stem'] if c4 else [])
    steps = [line for line in logged(work_dir) if 'loss' in line]
    assert [line['step'] for line in steps] == list(range(1, ITERATIONS + 1))
    assert all(math.isfinite(line['loss']) for line in steps)
    run_here('tools/test.py', config, work_dir / f'iter_{ITERATIONS}.pth', '--work-dir', work_dir, *common)
    figures = json.loads((work_dir / 'test.json').read_text())['metrics']
    assert all(math.isfinite(figures[key]) for key in metrics), figures
    shutil.rmtree(tmp_path)  # the checkpoints are large
