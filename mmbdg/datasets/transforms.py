"""Transforms that mmseg lacks."""

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmbdg.addressed import generator_at
from mmbdg.datasets.resized_crop_flip import ResizedCropFlip
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AugmentLabelled(BaseTransform):
    """:class:`~mmbdg.datasets.ResizedCropFlip` as a pipeline step, so that offline samples are augmented in the same way as online ones.

    Input and output are ``img`` uint8 (H,W,3) BGR and ``gt_seg_map`` integer (H,W). The seed is drawn from numpy's global generator, which
    :class:`~mmbdg.datasets.JointDataset` seeds for each sample.

    Args:
        **kwargs: Arguments of ``ResizedCropFlip``.
    """

    def __init__(self, **kwargs: Any) -> None:
        self.augmentation = ResizedCropFlip(**kwargs)

    def transform(self, results: dict) -> dict:
        """Augment image and mask of the pipeline's results."""
        image = torch.from_numpy(results['img'][..., ::-1].transpose(2, 0, 1).copy())
        mask = torch.from_numpy(results['gt_seg_map'].astype(np.int64))
        image, mask = self.augmentation(image, mask, generator_at('augment', np.random.randint(2**62)))
        results['img'] = np.ascontiguousarray(image.numpy().transpose(1, 2, 0)[..., ::-1])
        results['gt_seg_map'] = mask.numpy()
        results['img_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module()
class KeepDifficult(BaseTransform):
    """Uses objects that VOC marks as "difficult" for training, as Detectron2 does; place it after ``mmdet.LoadAnnotations``.

    mmdet marks them as ignored, and its detectors then learn them as background. Do not use it in a test: by VOC's rule they are ignored.
    """

    def transform(self, results: dict) -> dict:
        """Set ``gt_ignore_flags`` bool (N,) to False."""
        results['gt_ignore_flags'] = np.zeros_like(results['gt_ignore_flags'])
        return results
