"""Every transfer config trains a few iterations and is measured, on composed scenes in the files of its dataset."""

import json
import math
import shutil

import pytest
from conftest import ROOT
from in_process import logged, options, run_main
from tiny_cityscapes import write_cityscapes
from tiny_coco import write_coco
from tiny_voc import write_voc

ITERATIONS = 2
SMALL = dict(  # schedule and size only
    pretrained=None,
    train_cfg__max_iters=ITERATIONS,
    train_dataloader__num_workers=0,
    test_dataloader__num_workers=0,
    default_hooks__logger__interval=1,
    default_hooks__checkpoint__save_optimizer=False,
)
DETECTOR = dict(
    val_dataloader=None,  # the end of a training measures as tools/test.py does
    val_cfg=None,
    val_evaluator=None,
    batch_size=2,
    model__train_cfg__rpn_proposal__max_per_img=20,
    model__train_cfg__rcnn__sampler__num=8,
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
        SEGMENTOR
        | dict(
            train_dataloader__dataset__pipeline__2__scale='(128,64)',
            train_dataloader__dataset__pipeline__3__crop_size='(65,65)',
            model__data_preprocessor__size='(65,65)',
            model__test_cfg__crop_size='(65,65)',
            model__test_cfg__stride='(43,43)',
        ),
        ['mIoU'],
    ),
}
WRITE = dict(coco=write_coco, voc=write_voc, cityscapes=write_cityscapes)


@pytest.fixture(scope='session')
def trees(tmp_path_factory):
    """data_root of each dataset."""
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in WRITE.items()}


def test_every_config_is_run():
    found = {p.relative_to(ROOT / 'configs/transfer').with_suffix('').as_posix() for p in (ROOT / 'configs/transfer').rglob('*.py')}
    assert {name for name in found if name.split('/')[0] in WRITE} == set(RUNS)


@pytest.mark.parametrize('name', RUNS)
def test_config_trains_and_is_measured(name, trees, tmp_path):
    changes, metrics = RUNS[name]
    config = ROOT / 'configs/transfer' / f'{name}.py'
    common = options(data_root=trees[name.split('/')[0]], **SMALL, **changes)
    run_main('train', config, '--work-dir', tmp_path, *common)
    steps = [line for line in logged(tmp_path) if 'loss' in line]
    assert [line['step'] for line in steps] == list(range(1, ITERATIONS + 1))
    assert all(math.isfinite(line['loss']) for line in steps)
    run_main('test', config, tmp_path / f'iter_{ITERATIONS}.pth', '--work-dir', tmp_path, *common)
    figures = json.loads((tmp_path / 'test.json').read_text())['metrics']
    assert all(math.isfinite(figures[key]) for key in metrics), figures
    shutil.rmtree(tmp_path)  # the checkpoint is large
