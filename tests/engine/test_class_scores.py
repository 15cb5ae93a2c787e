"""Tests of the figures by class and of the training set in the result of tools/test.py."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, DefaultSampler
from mmengine.structures import PixelData
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmbdg.datasets import FashionMNIST32
from mmbdg.datasets.image_class import class_of_image
from mmbdg.engine.hooks.class_scores_hook import ClassScoresHook, iou
from mmbdg.engine.hooks.training_set_hook import TrainingSetHook

FGBG = ('background', 'foreground')


class Labelled(BaseDataset):
    """Images that are their classes only."""

    def __init__(self, of_images, **metainfo):
        self.of_images = of_images
        super().__init__(metainfo=metainfo, serialize_data=False)

    def load_data_list(self):
        return [dict(gt_label=label) for label in self.of_images]


def runner_of(dataset, shuffle=False, **metric):
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[SimpleNamespace(**metric)]))
    loader = SimpleNamespace(dataset=dataset, sampler=DefaultSampler(dataset, shuffle=shuffle))
    return SimpleNamespace(test_dataloader=loader, test_loop=loop, rank=0)


def segmented(truth, predicted):
    sample = SegDataSample()
    sample.gt_sem_seg, sample.pred_sem_seg = (PixelData(data=torch.tensor(mask)[None]) for mask in (truth, predicted))
    return sample


def scores_of(runner, outputs, batch=2):
    hook = ClassScoresHook()
    hook.before_test_epoch(runner)
    for first in range(0, len(outputs), batch):
        hook.after_test_iter(runner, first, outputs=outputs[first : first + batch])
    hook.after_test_epoch(runner, {})
    return hook


def test_iou_by_hand():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    pixels = np.stack([np.bincount(some, minlength=3) for some in (truth[truth == predicted], truth, predicted)])
    assert iou(pixels) == [50.0, round(200 / 3, 4), None]


MASKS = [
    segmented([[0, 0, 1, 1]], [[0, 1, 1, 1]]),  # coat: background 1 of 2, foreground 2 of 3
    segmented([[0, 0, 1, 255]], [[0, 0, 1, 1]]),  # bag: all right, one pixel does not count
    segmented([[0, 0, 0, 0]], [[0, 0, 0, 1]]),  # coat: background 3 of 4, foreground 0 of 1
]


def test_classes_of_a_segmentor():
    dataset = Labelled([1, 0, 1], classes=FGBG, class_names=('bag', 'coat', 'shirt'))
    hook = scores_of(runner_of(dataset), MASKS)
    # all: background 1 + 2 + 3 = 6 of 8, foreground 2 + 1 + 0 = 3 of 5
    assert hook.per_label == dict(background=75.0, foreground=60.0)
    # both coats: background 4 of 6, foreground 2 of 4
    assert hook.per_class == dict(bag=dict(images=1, mIoU=100.0), coat=dict(images=2, mIoU=round((66.6667 + 50) / 2, 4)))
    repeated = scores_of(runner_of(dataset), [*MASKS, MASKS[0]])
    assert (repeated.per_label, repeated.per_class) == (hook.per_label, hook.per_class), 'what fills the last batch does not count'


def test_no_classes_of_a_segmentor():
    """In an unknown order, without classes of images, or with more than two labels there are figures by label only."""
    names = dict(class_names=('bag', 'coat'))
    for runner in (
        runner_of(Labelled([1, 0, 1], classes=FGBG, **names), shuffle=True),
        runner_of(Labelled([1, 0, 1], classes=FGBG)),
        runner_of(Labelled([1, 0, 1], classes=(*FGBG, 'third'), **names)),
    ):
        hook = scores_of(runner, MASKS)
        assert hook.per_class is None and hook.per_label['foreground'] == 60.0 and hook.per_label.get('third') is None


def test_ignored_value_of_the_metric():
    hook = scores_of(runner_of(Labelled([0], classes=FGBG), ignore_index=1), [segmented([[0, 1, 1, 255]], [[0, 0, 0, 0]])])
    assert hook.per_label == dict(background=100.0, foreground=None)


@pytest.mark.parametrize('imagenet', [False, True])
def test_classes_of_a_classifier(imagenet):
    names = IMAGENET_CATEGORIES if imagenet else ('bag', 'coat', 'shirt')
    pairs = [(0, 0), (0, 2), (0, 0), (2, 1)]
    outputs = [DataSample().set_gt_label(truth).set_pred_label(predicted) for truth, predicted in pairs]
    hook = scores_of(runner_of(Labelled([truth for truth, _ in pairs], classes=names)), outputs)
    assert hook.per_label is None and list(hook.per_class.values()) == [dict(images=3, accuracy=66.6667), dict(images=1, accuracy=0.0)]
    assert list(hook.per_class) == (['tench', 'great white shark'] if imagenet else ['bag', 'shirt'])


def test_other_outputs_have_no_figures():
    hook = scores_of(runner_of(Labelled([0, 0], classes=FGBG)), [object(), None])
    assert hook.per_label is None and hook.per_class is None


def test_class_of_an_image():
    dataset = FashionMNIST32(split='test', label_space='fgbg', label_fraction=0.01)
    assert [class_of_image(dataset, index) for index in range(len(dataset))] == dataset.labels.tolist()
    assert class_of_image([1, 2], 0) is None


def test_training_set_in_a_checkpoint():
    real = FashionMNIST32(split='test', label_fraction=0.01)
    loader = SimpleNamespace(dataset=ConcatDataset([real, real], lazy_init=True), batch_size=4, sampler=None)
    checkpoint = dict(meta=dict(iter=5))
    TrainingSetHook().before_save_checkpoint(SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), world_size=1), checkpoint)
    assert checkpoint['meta']['training_set'] == 2 * [dict(dataset='FashionMNIST32', synthetic=False, images=len(real))]
