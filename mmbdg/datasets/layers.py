"""An image with instances from bottom to top: an instance hides what lies below it."""

from dataclasses import dataclass

import numpy as np

from mmbdg.analysis.statistics.mask_columns import tight_box
from mmbdg.datasets.blending import Blend, blend_in


@dataclass
class Instance:
    """An instance of an image.

    Attributes:
        label: Class of the instance.
        mask: Its visible part, bool (H,W).
        area: Its pixels before anything was put over it.
        seen: Its visible pixels.
        box: Its box before anything was put over it: x1, y1, x2, y2 in pixels, x2 and y2 exclusive; None without pixels.
        added: Whether it was put into the image here.
    """

    label: int
    mask: np.ndarray
    area: int
    seen: int
    box: tuple[int, int, int, int] | None
    added: bool


class Layers:
    """An image and its instances, bottom to top.

    Args:
        image: Image, uint8 (H,W,3); it is changed in place.
        masks: Masks of the instances that it has already, bool (N,H,W); changed in place.
        labels: Their classes, integer (N,).
    """

    def __init__(self, image: np.ndarray, masks: np.ndarray | None = None, labels: np.ndarray | None = None) -> None:
        self.image = image
        masks = np.zeros((0, *image.shape[:2]), bool) if masks is None else masks
        labels = np.zeros(len(masks), np.int64) if labels is None else labels
        self.instances = [_new(int(label), mask, added=False) for mask, label in zip(masks, labels, strict=True)]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[:2]

    def add(
        self, label: int, pixels: np.ndarray, shape: np.ndarray, top: int, left: int, blend: Blend = 'none', sigma: float = 1.0
    ) -> None:
        """Put an object on top; the instances below lose what it covers. See :func:`~mmbdg.datasets.blending.blend_in`."""
        if not shape.any():
            return
        blend_in(self.image, pixels, shape, top, left, blend, sigma)
        area = slice(top, top + shape.shape[0]), slice(left, left + shape.shape[1])
        for instance in self.instances:
            below = instance.mask[area]
            if lost := int(np.count_nonzero(below & shape)):
                below &= ~shape
                instance.seen -= lost
        mask = np.zeros(self.size, bool)
        mask[area] = shape
        self.instances.append(_new(label, mask, added=True))

    def hidden_share(self, shape: np.ndarray, top: int, left: int) -> float:
        """Largest share of the visible part of an instance that an object at a position would hide, 0..1."""
        area = slice(top, top + shape.shape[0]), slice(left, left + shape.shape[1])
        return max((np.count_nonzero(one.mask[area] & shape) / max(one.seen, 1) for one in self.instances), default=0.0)

    def kept(self, min_visible: float = 0.0) -> list[int]:
        """Indices of the instances that stay.

        An instance that lost pixels goes if nothing of it is visible, or less than the share ``min_visible`` of its area. An instance
        that lost nothing stays.
        """
        return [i for i, one in enumerate(self.instances) if one.seen == one.area or (one.seen > 0 and one.seen >= min_visible * one.area)]


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Box of a mask, bool (H,W): x1, y1, x2, y2 in pixels, with x2 and y2 exclusive; None if the mask is empty."""
    box = tight_box(mask)
    return box and (box[1].start, box[0].start, box[1].stop, box[0].stop)


def _new(label: int, mask: np.ndarray, added: bool) -> Instance:
    area = int(np.count_nonzero(mask))
    return Instance(label, mask, area, area, box_of(mask), added)
