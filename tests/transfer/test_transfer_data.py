"""Samples that the transfer configs read, and perfect scores of perfect predictions."""

import copy

import numpy as np
import pytest
import torch
from composed_scenes import compose
from conftest import ROOT
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, DefaultScope
from mmengine.structures import InstanceData
from one_process import fresh_process
from tiny_cityscapes import write_cityscapes
from tiny_coco import write_coco
from tiny_voc import NAMES, write_voc

from mmbdg.compat.config import read_config

CONFIGS = dict(
    voc='voc/faster-rcnn_r50-c4_24k_voc0712',
    coco='coco/mask-rcnn_r50_fpn_1x_coco',
    cityscapes='cityscapes/mask-rcnn_r50_fpn_90k_cityscapes',
)
WRITE = dict(voc=write_voc, coco=write_coco, cityscapes=write_cityscapes)


@pytest.fixture(scope='module')
def trees(tmp_path_factory):
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in WRITE.items()}


@pytest.fixture(autouse=True)
def scope():
    with fresh_process(), DefaultScope.overwrite_default_scope('mmdet'):
        yield


def config(kind, trees):
    return read_config(str(ROOT / 'configs/transfer' / f'{CONFIGS[kind]}.py'), dict(data_root=str(trees[kind])))


def unscaled(pipeline):
    """The pipeline without resizing and flipping."""
    return [step for step in pipeline if step['type'] not in ('RandomChoiceResize', 'RandomFlip', 'Resize')]


def training_set(cfg):
    dataset = copy.deepcopy(cfg.train_dataloader.dataset)
    for part in dataset.get('datasets', [dataset]):
        part.pipeline = unscaled(part.pipeline)
    return DATASETS.build(dataset)


def test_voc_boxes_and_difficult_objects(trees):
    """Both years of VOC are read. Difficult objects are used for training and ignored in the test."""
    cfg = config('voc', trees)
    dataset = training_set(cfg)
    assert len(dataset) == 5 and dataset.metainfo['classes'][:10] == NAMES
    sample = dataset[0]['data_samples']
    scene = compose(0, garments=2)
    np.testing.assert_array_equal(sample.gt_instances.bboxes.tensor.numpy(), scene.boxes() - [0, 0, 1, 1])  # mmdet: to the last pixel
    assert sample.gt_instances.labels.tolist() == scene.labels.tolist() and len(sample.ignored_instances) == 0
    cfg.test_dataloader.dataset.pipeline = unscaled(cfg.test_dataloader.dataset.pipeline)
    sample = DATASETS.build(cfg.test_dataloader.dataset)[0]['data_samples']
    assert (len(sample.gt_instances), len(sample.ignored_instances)) == (2, 1)


def test_coco_shapes_crowd_and_images_without_annotation(trees):
    dataset = training_set(config('coco', trees))
    assert len(dataset) == 3  # the fourth image has no annotation
    sample = dataset[0]['data_samples']
    scene = compose(0)
    assert sample.gt_instances.labels.tolist() == [8 * label for label in scene.labels[:2]]  # the third is a crowd
    assert sample.ignored_instances.labels.tolist() == [8 * scene.labels[2]]
    masks = sample.gt_instances.masks.masks.astype(bool)
    np.testing.assert_array_equal(masks[0], scene.masks[0])  # run lengths are exact
    assert (masks[1] & scene.masks[1]).sum() / (masks[1] | scene.masks[1]).sum() > 0.8  # a polygon through the pixel centres
    np.testing.assert_array_equal(sample.ignored_instances.masks.masks[0].astype(bool), scene.masks[2])


def test_cityscapes_instances(trees):
    dataset = training_set(config('cityscapes', trees))
    assert len(dataset) == 4
    masks = dataset[0]['data_samples'].gt_instances.masks.masks.astype(bool)
    truth = compose(0, 64, 128).masks
    assert all(max((mask & other).sum() / (mask | other).sum() for other in truth) > 0.8 for mask in masks)


def predictions(sample):
    """Predictions from the ground truth, with scores."""
    truth = sample.gt_instances
    found = dict(bboxes=torch.as_tensor(truth.bboxes.tensor), labels=truth.labels, scores=torch.linspace(1, 0.5, len(truth)))
    if 'masks' in truth:
        found['masks'] = torch.from_numpy(truth.masks.masks.astype(bool))
    sample.pred_instances = InstanceData(**found)
    sample.gt_instances.bboxes = sample.gt_instances.bboxes.tensor
    sample.ignored_instances.bboxes = sample.ignored_instances.bboxes.tensor
    return sample.to_dict()


KEYS = dict(
    voc=['pascal_voc/AP50', 'pascal_voc/AP75'],
    coco=['coco/bbox_mAP', 'coco/segm_mAP'],
    cityscapes=['coco/bbox_mAP', 'coco/segm_mAP', 'cityscapes/mAP', 'cityscapes/AP@50'],
)


@pytest.mark.parametrize('kind', CONFIGS)
def test_perfect_predictions_score_one(kind, trees):
    """Perfect predictions score 1, so names, ids and files of the metrics match the dataset."""
    cfg = config(kind, trees)
    cfg.test_dataloader.dataset.pipeline = unscaled(cfg.test_dataloader.dataset.pipeline)
    cfg.test_dataloader.dataset.pipeline[-1].meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    for i in range(len(dataset)):
        for metric in evaluator.metrics:
            metric.process({}, [predictions(dataset[i]['data_samples'])])
    figures = evaluator.evaluate(len(dataset))
    for key in KEYS[kind]:
        assert figures[key] == pytest.approx(1, abs=1e-3), figures
