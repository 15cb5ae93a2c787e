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
    """:class:`~mmbdg.datasets.ResizedCropFlip` as a step of a pipeline, after image and mask are loaded: offline samples are augmented as
    online ones are.

    Takes and gives ``img`` uint8 (H,W,3) BGR and ``gt_seg_map`` integer (H,W). Its seed comes from numpy's global generator, which
    :class:`~mmbdg.datasets.JointDataset` sets for each sample.

    Args:
        **kwargs: As ``ResizedCropFlip``.
    """

    def __init__(self, **kwargs: Any) -> None:
        self.augmentation = ResizedCropFlip(**kwargs)

    def transform(self, results: dict) -> dict:
        """A pipeline's results with image and mask cropped, resized, perhaps mirrored and recoloured."""
        image = torch.from_numpy(results['img'][..., ::-1].transpose(2, 0, 1).copy())
        mask = torch.from_numpy(results['gt_seg_map'].astype(np.int64))
        image, mask = self.augmentation(image, mask, generator_at('augment', np.random.randint(2**62)))
        results['img'] = np.ascontiguousarray(image.numpy().transpose(1, 2, 0)[..., ::-1])
        results['gt_seg_map'] = mask.numpy()
        results['img_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module()
class KeepDifficult(BaseTransform):
    """Trains on the objects that VOC marks "difficult", as Detectron2 does; after ``mmdet.LoadAnnotations``.

    mmdet marks them as ignored and its detectors then learn them as background. Not for a test: there they do not count (VOC's rule).
    """

    def transform(self, results: dict) -> dict:
        """``gt_ignore_flags`` bool (N) becomes False."""
        results['gt_ignore_flags'] = np.zeros_like(results['gt_ignore_flags'])
        return results
