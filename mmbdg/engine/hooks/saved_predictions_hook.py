"""Saves some images of a test set with their true and predicted masks, for pictures (BigDatasetGAN, Figure 11)."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.datasets.image_class import class_names_of, class_of_image
from mmbdg.engine.hooks.fixed_samples import evenly_spread
from mmbdg.engine.hooks.tested_images import TestedImages
from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.storage.palette import palette
from mmbdg.visualization.contact_sheet import resized

NUMBER = 16
"""Number of images if none are named."""


class SavedPredictionsHook(Hook):
    """Keeps images, true masks and predicted masks of a segmentor's test.

    Args:
        images: Indices of the images in the test set. Empty: :data:`NUMBER` images, evenly spread over it.

    Attributes:
        classes: Class of each saved image by its index, None if the dataset does not tell it; in the first process, after a test.

    Raises:
        InputError: (when the test begins) there is no such image, or the test set is read in an unknown order; (during the test) the model
            predicts no masks, or the input images are not uint8.
    """

    priority = 'LOWEST'

    def __init__(self, images: Sequence[int] = ()) -> None:
        self.images = list(dict.fromkeys(images))
        self.classes: dict[int, str | None] = {}
        self._kept: dict[int, dict[str, Any]] = {}

    def before_test_epoch(self, runner: Runner) -> None:
        self._tested, self._kept = TestedImages(runner), {}
        dataset = runner.test_dataloader.dataset
        if not self._tested.ordered:
            raise InputError(
                "predictions are saved by the number of the image: test_dataloader needs sampler=dict(type='DefaultSampler', shuffle=False)"
            )
        if wrong := [index for index in self.images if index >= len(dataset)]:
            raise InputError(f'--save-predictions: there is no image {wrong[0]}; the test set has the images 0 to {len(dataset) - 1}')
        self._wanted = set(self.images or evenly_spread(dataset, NUMBER))
        meta = getattr(dataset, 'metainfo', None) or {}
        self._palette = meta.get('palette') or palette(len(meta.get('classes') or ()))

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None) -> None:
        for place, sample in enumerate(outputs if isinstance(outputs, Sequence) else [None]):
            if not (hasattr(sample, 'pred_sem_seg') and hasattr(sample, 'gt_sem_seg')):
                raise InputError('--save-predictions is for segmentors whose test set has true masks')
            index = self._tested.next()
            if index in self._wanted:
                self._kept[index] = self._pictures(runner, index, data_batch['inputs'][place], sample)

    @staticmethod
    def _pictures(runner: Runner, index: int, inputs: torch.Tensor, sample: Any) -> dict[str, Any]:
        if inputs.dtype != torch.uint8:
            raise InputError(f'--save-predictions: the images of the test set are {inputs.dtype}, not uint8')
        truth, predicted = (getattr(sample, key).data.squeeze(0).cpu().numpy().astype(np.int32) for key in ('gt_sem_seg', 'pred_sem_seg'))
        image = inputs.permute(1, 2, 0).cpu().numpy()
        colours = image[..., ::-1] if image.shape[2] == 3 else np.repeat(image[..., :1], 3, axis=2)  # mmcv loads BGR
        dataset = runner.test_dataloader.dataset
        class_id, names = class_of_image(dataset, index), class_names_of(dataset)
        name = None if class_id is None else names[class_id]
        return dict(image=resized(colours, truth.shape), truth=truth, predicted=predicted, name=name)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._kept = {index: kept for part in all_gather_object(self._kept) for index, kept in part.items()}
        self.classes = {index: self._kept[index]['name'] for index in self.images or sorted(self._kept)}

    def save(self, path: Path) -> None:
        """Write a ``.npz`` file; call it after the test in the first process.

        ``image_N`` uint8 (H,W,3) RGB, in the size of its mask; ``truth_N`` and ``predicted_N`` int32 (H,W), for each image number N;
        ``palette`` uint8 (C,3).
        """
        arrays = {f'{kind}_{index}': kept[kind] for index, kept in self._kept.items() for kind in ('image', 'truth', 'predicted')}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, palette=np.asarray(self._palette, np.uint8).reshape(-1, 3), **arrays)
        write_atomically(path, lambda part: part.write_bytes(buffer.getvalue()))
