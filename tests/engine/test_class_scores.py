"""Tests of the figures by class and of the training set in the result of tools/test.py."""

from types import SimpleNamespace

import numpy as np
from mmengine.dataset import ConcatDataset

from mmbdg.datasets import FashionMNIST32
from mmbdg.datasets.image_class import class_of_image
from mmbdg.engine.hooks.class_scores_hook import iou
from mmbdg.engine.hooks.training_set_hook import TrainingSetHook


def test_iou_by_hand():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    pixels = np.stack([np.bincount(some, minlength=3) for some in (truth[truth == predicted], truth, predicted)])
    assert iou(pixels) == [50.0, round(200 / 3, 4), None]


def test_class_of_an_image():
    dataset = FashionMNIST32(split='test', label_space='fgbg', label_fraction=0.01)
    assert [class_of_image(dataset, index) for index in range(len(dataset))] == dataset.labels.tolist()
    assert class_of_image([1, 2], 0) is None


def test_training_set_in_a_checkpoint():
    real = FashionMNIST32(split='test', label_fraction=0.01)
    loader = SimpleNamespace(dataset=ConcatDataset([real, real], lazy_init=True), batch_size=4)
    checkpoint = dict(meta=dict(iter=5))
    TrainingSetHook().before_save_checkpoint(SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), world_size=1), checkpoint)
    assert checkpoint['meta']['training_set'] == 2 * [dict(dataset='FashionMNIST32', synthetic=False, images=len(real))]
