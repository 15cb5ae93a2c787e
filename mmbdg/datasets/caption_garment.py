"""Transform that adds a caption to a garment image."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmbdg.datasets.garment_captions import attributes, caption
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CaptionGarment(BaseTransform):
    """Adds a caption to an item of :class:`~mmbdg.datasets.fashion_mnist.FashionMNIST32`.

    It adds ``caption``, ``stated`` (the attributes that the caption states) and ``attributes`` (those that the image shows).

    It must come before transforms that change the image, since the attributes are computed from a background of exactly 0. An image has
    ``count`` captions, see :func:`mmbdg.datasets.garment_captions.caption`; one of them is drawn like other random augmentations.

    Args:
        count: Number of captions of an image, at least 1. Default: 8.
        seed: Seed of the captions.
    """

    def __init__(self, count: int = 8, seed: int = 0) -> None:
        self.count, self.seed = count, seed
        self._shown: dict[int, dict[str, str | None]] = {}  # by image, since the rule is the slowest step

    def transform(self, results: dict) -> dict:
        image, label, index = results['img'], results['gt_label'], results['img_id']
        if index not in self._shown:
            self._shown[index] = attributes(image, label)
        text, stated = caption(label, self._shown[index], self.seed, index, np.random.randint(self.count))
        return results | dict(caption=text, stated=stated, attributes=self._shown[index])
