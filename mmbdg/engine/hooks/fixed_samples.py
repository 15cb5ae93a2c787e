"""Samples for the hooks that show a training: the same ones each time, and in each training on the same data."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmbdg.datasets.address import Addressing, addressing, drawn_at
from mmbdg.errors import InputError
from mmbdg.parts import part_of


class LabelledItem(NamedTuple):
    """Input image of the model and its true mask."""

    inputs: Tensor
    """uint8 (3,H,W), BGR as mmcv loads images."""
    sample: SegDataSample
    """Data sample that ``val_step`` adds the prediction to."""
    truth: np.ndarray | None
    """Integer (H',W'); None if the true mask is unknown."""


class Views(NamedTuple):
    """Two views of N images."""

    first: Tensor
    """uint8 (N,3,H,W), BGR."""
    second: Tensor

    def batches(self, preprocessor: nn.Module, size: int) -> list[tuple[Tensor, Tensor]]:
        """Preprocessed batches for the backbone: pairs of float (n,3,H,W), n at most ``size``, on the preprocessor's device."""
        parts = zip(self.first.split(size), self.second.split(size), strict=True)
        return [tuple(preprocessor(dict(inputs=list(part), data_samples=None), False)['inputs']) for part in parts]


def evenly_spread(dataset: Dataset, num: int) -> list[int]:
    """At most ``num`` indices, evenly spread from the first to the last."""
    return np.linspace(0, len(dataset) - 1, min(num, len(dataset))).astype(int).tolist()


def validation_items(runner: Runner, num: int) -> list[LabelledItem]:
    """Samples of the validation set, evenly spread; empty without a validation set."""
    if runner.val_loop is None:
        return []
    dataset = runner.val_loop.dataloader.dataset
    return [_with_truth(_drawn(dataset, i, 'validation')) for i in evenly_spread(dataset, num)]


def synthetic_items(runner: Runner, num: int) -> list[LabelledItem]:
    """Synthetic samples of the training set with the training's augmentation, in the augmented frame; empty if there are none.

    Offline: evenly spread over the dataset, and so over its classes. Online: the first samples of the count, whose classes alternate.
    """
    dataset = synthetic_dataset(runner)
    if dataset is None:
        return []
    if addressing(dataset) is not Addressing.COUNT:
        return [_in_its_frame(_drawn(dataset, i, 'labelled')) for i in evenly_spread(dataset, num)]
    preprocessor = part_of(get_ori_model(runner.model).data_preprocessor, 'seg')
    items = [dataset[n] for n in range(num)]
    images, samples = preprocessor.make([item['inputs'].tolist() for item in items], [item['data_samples'] for item in items], True)
    return [_in_its_frame(dict(inputs=image, data_samples=sample)) for image, sample in zip(images, samples, strict=True)]


def real_items(runner: Runner, num: int) -> list[LabelledItem]:
    """First views of the real images of a joint training, without true masks; empty in other trainings."""
    if not {'ssl', 'seg'} <= set(getattr(runner.train_dataloader.dataset, 'parts', ())):
        return []
    views = fixed_views(runner, num).first
    return [LabelledItem(view, SegDataSample(metainfo=_frame(view)), None) for view in views]


def synthetic_dataset(runner: Runner) -> Dataset | None:
    """The part ``seg`` of a joint dataset, or a training set that is synthetic; None if there is neither."""
    dataset = runner.train_dataloader.dataset
    if hasattr(dataset, 'parts'):
        return part_of(dataset, 'seg')
    return dataset if getattr(dataset, 'synthetic', False) else None


def fixed_views(runner: Runner, num: int) -> Views:
    """The first two views of real images of the training set, evenly spread, with the training's augmentation.

    Raises:
        InputError: The items of the training set are not two views.
    """
    dataset = part_of(runner.train_dataloader.dataset, 'ssl')
    pairs = [_drawn(dataset, i, 'real')['inputs'] for i in evenly_spread(dataset, num)]
    if not isinstance(pairs[0], list | tuple) or len(pairs[0]) < 2:
        raise InputError(
            f'the samples of {type(dataset).__name__} are not two views of an image: EmbeddingHook and CorrespondenceHook are for '
            "self-supervised trainings, whose pipelines end with dict(type='MultiView', num_views=2, ...) and dict(type='PackInputs')"
        )
    return Views(*(torch.stack([pair[view] for pair in pairs]) for view in (0, 1)))


def view_preprocessor(runner: Runner) -> nn.Module:
    """The data preprocessor of the views."""
    return part_of(get_ori_model(runner.model).data_preprocessor, 'ssl')


def predicted_mask(runner: Runner, item: LabelledItem) -> np.ndarray:
    """Integer (H',W'), the predicted labels of one image; images are predicted one by one because the logits of many labels are large."""
    batch = FUNCTIONS.get('pseudo_collate')([dict(inputs=item.inputs, data_samples=item.sample.clone())])
    return runner.model.val_step(batch)[0].pred_sem_seg.data.squeeze(0).cpu().numpy()


def _drawn(dataset: Dataset, index: int, name: str) -> dict[str, Any]:
    with drawn_at('seen', name, index):
        return dataset[index]


def _with_truth(item: dict[str, Any]) -> LabelledItem:
    sample = item['data_samples']
    return LabelledItem(item['inputs'], sample, sample.gt_sem_seg.data.squeeze(0).cpu().numpy())


def _in_its_frame(item: dict[str, Any]) -> LabelledItem:
    """A training sample, whose mask was cropped and flipped with its image: predictions must stay in the frame of the augmented image."""
    inputs, sample, truth = _with_truth(item)
    return LabelledItem(inputs, SegDataSample(metainfo=_frame(inputs)), truth)


def _frame(image: Tensor) -> dict[str, Sequence[int]]:
    return dict(ori_shape=tuple(image.shape[1:]), img_shape=tuple(image.shape[1:]))
