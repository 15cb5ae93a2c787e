"""Scores of a test by class: IoU of a segmentor, accuracy of a classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

from mmbdg.assets.class_lists import IN1K, class_names
from mmbdg.datasets.image_class import class_names_of, class_of_image
from mmbdg.engine.hooks.tested_images import TestedImages

IGNORE = 255
"""mmseg's default for pixels that do not count."""


class ClassScoresHook(Hook):
    """Counts pixels and images by class during a test (BigDatasetGAN, Figure 7).

    Attributes:
        per_label: IoU in percent by label, over all images; None for a label that is neither in the masks nor predicted. None if the model
            predicts no masks. Their mean is mmseg's mIoU.
        per_class: Figures by the class of the image. Of a segmentor with two labels (FG/BG): ``images`` and ``mIoU`` (mean IoU of the two
            labels over the images of the class, in percent), if the dataset tells the classes of its images. Of a classifier: ``images``
            and ``accuracy`` in percent. None in all other cases: with more than two labels, one wrong pixel of a third label in the images
            of a class would count as a whole label with IoU 0. Classes without images are left out.

    Both are None before the end of a test and in all processes but the first. ImageNet's classes have this package's names
    (:func:`mmbdg.assets.class_lists.class_names`), also where mmpretrain's longer ones are in the meta information.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.per_label: dict[str, float | None] | None = None
        self.per_class: dict[str, dict[str, float]] | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        self.per_label = self.per_class = None
        self._tested, dataset = TestedImages(runner), runner.test_dataloader.dataset
        metrics = getattr(getattr(getattr(runner, 'test_loop', None), 'evaluator', None), 'metrics', ())
        self._ignore = next((metric.ignore_index for metric in metrics if hasattr(metric, 'ignore_index')), IGNORE)
        meta = getattr(dataset, 'metainfo', None) or {}
        self._dataset, self._labels = dataset, list(meta.get('classes') or ())
        self._classes = in1k_names(class_names_of(dataset) or self._labels)
        labels, classes = len(self._labels), len(self._classes)
        self._pixels = np.zeros((3, labels), np.int64)  # intersection, truth, prediction
        self._of_class = np.zeros((classes, 3, labels), np.int64) if labels == 2 and class_names_of(dataset) else None
        self._images, self._right = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
        self._segments = self._classifies = False

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None) -> None:
        for sample in outputs if isinstance(outputs, Sequence) else ():
            index = self._tested.next()
            if index is None:
                continue
            if hasattr(sample, 'pred_sem_seg') and hasattr(sample, 'gt_sem_seg'):
                self._add_masks(index, *(getattr(sample, key).data.cpu().numpy().ravel() for key in ('gt_sem_seg', 'pred_sem_seg')))
            elif hasattr(sample, 'pred_label') and hasattr(sample, 'gt_label'):
                self._add_label(sample.gt_label.flatten().tolist(), sample.pred_label.flatten().tolist())

    def _add_masks(self, index: int, truth: np.ndarray, predicted: np.ndarray) -> None:
        self._segments, labels = True, len(self._labels)
        counted = (truth != self._ignore) & (truth >= 0) & (truth < labels) & (predicted >= 0) & (predicted < labels)
        truth, predicted = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
        pixels = np.stack([np.bincount(some, minlength=labels) for some in (truth[truth == predicted], truth, predicted)])
        self._pixels += pixels
        class_id = class_of_image(self._dataset, index) if self._of_class is not None and self._tested.ordered else None
        if class_id is not None:
            self._of_class[class_id] += pixels
            self._images[class_id] += 1

    def _add_label(self, truth: list[int], predicted: list[int]) -> None:
        if len(truth) == len(predicted) == 1 and 0 <= truth[0] < len(self._classes):  # not for several labels
            self._classifies = True
            self._images[truth[0]] += 1
            self._right[truth[0]] += truth == predicted

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        counts = (self._pixels, self._of_class, self._images, self._right, self._segments, self._classifies)
        pixels, of_class, images, right, segments, classifies = zip(*all_gather_object(counts), strict=True)
        if runner.rank:
            return
        images, there = sum(images), np.flatnonzero(sum(images))
        if any(segments) and self._labels:
            self.per_label = dict(zip(self._labels, iou(sum(pixels)), strict=True))
            if of_class[0] is not None and len(there):
                self.per_class = {
                    self._classes[class_id]: dict(images=int(images[class_id]), mIoU=_mean(iou(sum(of_class)[class_id])))
                    for class_id in there
                }
        elif any(classifies):
            accuracy = {class_id: 100 * float(sum(right)[class_id] / images[class_id]) for class_id in there}
            self.per_class = {
                self._classes[class_id]: dict(images=int(images[class_id]), accuracy=round(accuracy[class_id], 4)) for class_id in there
            }


def iou(pixels: np.ndarray) -> list[float | None]:
    """IoU of each label in percent, from the numbers of pixels (3,C): intersection, truth, prediction; None for a label without pixels."""
    intersection, truth, predicted = pixels
    union = truth + predicted - intersection
    return [round(100 * float(one / all_), 4) if all_ else None for one, all_ in zip(intersection, union, strict=True)]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def in1k_names(names: list[str]) -> list[str]:
    """This package's names of the classes of ImageNet in the place of mmpretrain's; other names unchanged."""
    return list(class_names(IN1K)) if tuple(names) == tuple(IMAGENET_CATEGORIES) else list(names)
