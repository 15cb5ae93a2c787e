"""Entropy of the predictions of a test by the class of the image: how uncertain a learner is, without masks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmbdg.datasets.image_class import class_names_of, class_of_image
from mmbdg.engine.hooks.class_scores_hook import in1k_names
from mmbdg.engine.hooks.tested_images import TestedImages
from mmbdg.errors import InputError
from mmbdg.models.steered_sampler import mean_entropy, predicted_probabilities


class EntropyByClassHook(Hook):
    """Averages the entropy of the predicted labels by the class of the image. True masks and true labels are not read.

    The entropy of an image is the mean over its pixels (segmentor), or that of its class probabilities (classifier), in nats.

    Attributes:
        found: None before the end of a test and in all processes but the first. Then a dict: ``labels``, the number L of labels that the
            model tells apart, so that an entropy is 0 to ln(L); ``per_class``, for each class with images ``images``, their number, and
            ``entropy``, their mean.

    Raises:
        InputError: (when the test begins) the dataset does not tell the classes of its images; (during the test) the model predicts neither
            logits of masks nor scores of classes.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.found: dict[str, Any] | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        self.found, self._tested, self._dataset = None, TestedImages(runner), runner.test_dataloader.dataset
        meta = getattr(self._dataset, 'metainfo', None) or {}
        self._names = in1k_names(class_names_of(self._dataset) or list(meta.get('classes') or ()))
        if not self._tested.ordered or not len(self._dataset) or self._class_of(0) is None:
            raise self._unknown()
        self._sums, self._images, self._labels = np.zeros(len(self._names)), np.zeros(len(self._names), np.int64), 0

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None) -> None:
        for sample in outputs if isinstance(outputs, Sequence) else [None]:
            probabilities = _probabilities(sample)
            if hasattr(sample, 'seg_logits') and not class_names_of(self._dataset):
                raise self._unknown()  # the classes of its meta information are labels of pixels
            if (index := self._tested.next()) is None or (class_id := self._class_of(index)) is None:
                continue
            self._labels = len(probabilities)
            self._sums[class_id] += mean_entropy(probabilities[None], torch.ones_like(probabilities[None, 0])).item()
            self._images[class_id] += 1

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        sums, images, labels = zip(*all_gather_object((self._sums, self._images, self._labels)), strict=True)
        if runner.rank:
            return
        number = sum(images)
        means = {i: float(sum(sums)[i] / number[i]) for i in np.flatnonzero(number)}
        classes = {self._names[i]: dict(images=int(number[i]), entropy=round(mean, 6)) for i, mean in means.items()}
        self.found = dict(labels=max(labels), per_class=classes)

    def _unknown(self) -> InputError:
        return InputError(
            f'--entropy: the test set, a {type(self._dataset).__name__}, does not tell the classes of its images. It needs gt_label in '
            'its data list, class_names in its meta information if the model is a segmentor, and a test loader without shuffling'
        )

    def _class_of(self, index: int) -> int | None:
        if class_names_of(self._dataset):
            return class_of_image(self._dataset, index)
        if not isinstance(self._dataset, BaseDataset):
            return None
        label = BaseDataset.get_data_info(self._dataset, index).get('gt_label')  # a list or none with several labels for an image
        if not isinstance(label, int | np.integer):
            return None
        return int(label) if 0 <= label < len(self._names) else None


def _probabilities(sample: Any) -> Tensor:
    """Probabilities (L,H,W) of the labels of a predicted sample; of a class (L,1,1)."""
    if hasattr(sample, 'seg_logits'):
        return predicted_probabilities(sample)
    if hasattr(sample, 'pred_score') and sample.pred_score.ndim == 1:
        return sample.pred_score.float()[:, None, None]
    raise InputError('--entropy: the model predicts neither logits of masks nor scores of classes')
