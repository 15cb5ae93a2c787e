"""A transform that removes specks from masks."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmbdg.analysis.statistics.mask_columns import components, foreground
from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DropSmallComponents(BaseTransform):
    """Sets small components of the foreground to background: specks that a feature interpreter leaves beside an object.

    All labels except 0 and the ignore value are foreground; components are 8-connected and may have several labels. The files of the
    dataset are not changed. Input and output are ``gt_seg_map``, integer (H,W). Place it after the step that loads the mask.

    Args:
        min_share: Size below which a component is removed, as a share of the largest component of its image, 0 to 1. 1 keeps only the
            largest component, or several of equal size; 0 keeps all.
        ignore: Value of ignored pixels, which are not changed. Default: 255.

    Raises:
        InputError: ``min_share`` is not from 0 to 1.
    """

    def __init__(self, min_share: float, ignore: int = 255) -> None:
        if not 0 <= min_share <= 1:
            raise InputError(f'DropSmallComponents: min_share is {min_share}, expected 0 (keep all components) to 1 (keep the largest)')
        self.min_share, self.ignore = min_share, ignore

    def transform(self, results: dict) -> dict:
        """Remove the small components of the pipeline's mask."""
        mask = results['gt_seg_map']
        found = components(foreground(mask, self.ignore))
        if len(found.sizes) > 1:
            small = np.concatenate([[False], found.sizes < self.min_share * found.sizes.max()])
            results['gt_seg_map'] = np.where(small[found.ids], 0, mask).astype(mask.dtype)
        return results
