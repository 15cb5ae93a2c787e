"""Other renderings of an image of an object: its edges, and the object alone on black."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class EdgeDrawing(BaseTransform):
    """Replaces ``img`` by its edges, white on black: what is left of a photo when surfaces are gone.

    A pixel becomes the length of the grey levels' gradient (``cv2.Sobel``, 3x3, divided by 4: a step of h grey levels gives h on both of
    its sides), at most 255. The size and the masks stay as they are.
    """

    def transform(self, results: dict) -> dict:
        """``img`` BGR uint8 (H,W,3) becomes uint8 (H,W,3) with three equal channels."""
        grey = cv2.cvtColor(_image_of(results, 'EdgeDrawing'), cv2.COLOR_BGR2GRAY)
        length = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *axes, ksize=3) for axes in ((1, 0), (0, 1)))) / 4
        edges = np.clip(np.rint(length), 0, 255).astype(np.uint8)
        return results | dict(img=np.repeat(edges[:, :, None], 3, axis=2))

    def __repr__(self) -> str:
        return 'EdgeDrawing()'


@TRANSFORMS.register_module()
class BlackGround(BaseTransform):
    """Makes all pixels of ``img`` black that are background (label 0) in ``gt_seg_map``."""

    def transform(self, results: dict) -> dict:
        """``img`` uint8 (H,W,3) and ``gt_seg_map`` integer (H,W); the labels stay as they are."""
        image, labels = _image_of(results, 'BlackGround'), results.get('gt_seg_map')
        if labels is None or labels.shape != image.shape[:2]:
            raise InputError(f'mmbdg.BlackGround needs gt_seg_map of the size of img, {image.shape[:2]}: put it before any resizing')
        return results | dict(img=np.where(labels[:, :, None] == 0, np.uint8(0), image))

    def __repr__(self) -> str:
        return 'BlackGround()'


def _image_of(results: dict, name: str) -> np.ndarray:
    image = results['img']
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f'mmbdg.{name} takes images uint8 (H,W,3), got {image.dtype} {image.shape}: put it before normalisation')
    return image
