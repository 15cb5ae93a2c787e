"""Transforms that mmseg lacks."""

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations

from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadMask(LoadAnnotations):
    """``mmseg.LoadAnnotations`` for more than 254 labels: that one casts to uint8, so that label 300 becomes 44.

    Masks may be uint8 or uint16; ``gt_seg_map`` is int32 (H,W). ``label_map`` is applied, ``reduce_zero_label`` is not.
    """

    def _load_seg_map(self, results: dict) -> None:
        content = fileio.get(results['seg_map_path'], backend_args=self.backend_args)
        stored = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend).squeeze()
        seg_map = stored.astype(np.int32)
        for old, new in (results.get('label_map') or {}).items():
            seg_map[stored == old] = new
        results['gt_seg_map'] = seg_map
        results['seg_fields'].append('gt_seg_map')
