"""The best masks that one threshold for all images can make: a baseline that says how much of a task is free.

The threshold, its direction, and the measure of a pixel are chosen with the true masks of the same images, so the figures are upper bounds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

LEVELS = 256


def _distance(image: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.linalg.norm(image - colour, axis=2) / np.sqrt(3)


def _to_border(image: np.ndarray) -> np.ndarray:
    return _distance(image, np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), axis=0))


def _to_centre(image: np.ndarray) -> np.ndarray:
    y, x = (np.abs(np.linspace(-1, 1, side)) for side in image.shape[:2])
    return (LEVELS - 1) * np.hypot(y[:, None], x[None, :]) / np.sqrt(2)


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'brightness': lambda image: image.mean(axis=2),
    'red': lambda image: image[..., 0],
    'green': lambda image: image[..., 1],
    'blue': lambda image: image[..., 2],
    'saturation': lambda image: image.max(axis=2) - image.min(axis=2),
    'distance to the mean colour': lambda image: _distance(image, image.mean(axis=(0, 1))),
    'distance to the colour of the border': _to_border,
}
"""Measures of the pixels of an image, float (H,W,3) RGB in 0..255: (H,W) in 0..255. Colour distances are Euclidean, divided by sqrt(3); the
colour of the border is the median of its pixels."""
POSITION = 'position'
"""Name of the distance of a pixel to the middle of its image. It uses no colour: its threshold draws one disc in all images."""


@dataclass(frozen=True)
class Best:
    """The best threshold of a measure.

    Attributes:
        mIoU: Mean IoU in percent over the labels that the true masks contain, background included.
        threshold: Level, 0..255.
        above: Whether pixels above or at the threshold are foreground; otherwise those below or at it.
    """

    mIoU: float
    threshold: int
    above: bool


class Thresholds:
    """Counts pixels for each level of each measure, then finds the best thresholds.

    Args:
        num_labels: Number of labels of the masks, background (0) included.
        ignore: Value of ignored mask pixels.
    """

    def __init__(self, num_labels: int, ignore: int) -> None:
        self.num_labels, self.ignore, self.single = num_labels, ignore, True
        self.measures = MEASURES | {POSITION: _to_centre}
        # Pixels of each label, and background pixels of the images of each label, for each level.
        self._of_label = {name: np.zeros((num_labels, LEVELS), np.int64) for name in self.measures}
        self._around = {name: np.zeros((num_labels, LEVELS), np.int64) for name in self.measures}

    def add(self, image: np.ndarray, mask: np.ndarray) -> None:
        """Count an image, uint8 (H,W,3) RGB, with its true mask, integer label ids (H,W)."""
        known = mask != self.ignore
        labels = mask[known].astype(np.int64)
        present = np.unique(labels[labels > 0])
        self.single &= len(present) < 2
        around = np.where(labels == 0, present[0] if len(present) else 0, -1)
        pixels = image.astype(np.float64)
        for name, measure in self.measures.items():
            levels = np.clip(np.rint(measure(pixels)[known]), 0, LEVELS - 1).astype(np.int64)
            for counts, rows in ((self._of_label[name], labels), (self._around[name], around)):
                inside = rows >= 0
                counts += np.bincount(rows[inside] * LEVELS + levels[inside], minlength=counts.size).reshape(counts.shape)

    def background(self) -> dict[str, float]:
        """mIoU in percent of masks without foreground: "fgbg" and "classes"."""
        total = self._of_label[POSITION].sum(axis=1)
        present = np.count_nonzero(total)
        share = 100 * total[0] / total.sum()
        return dict(fgbg=float(share / min(present, 2)), classes=float(share / present))

    def fgbg(self, measure: str) -> Best:
        """Best threshold for foreground and background."""
        background, foreground = self._of_label[measure][0], self._of_label[measure][1:].sum(axis=0)
        return _best(lambda inside: np.mean([_kept(inside, background, foreground), _found(inside, foreground, background)], axis=0))

    def one_class(self, measure: str) -> Best:
        """Best threshold for all labels, if its foreground gets the same label in all images: the best of them."""
        counts = self._of_label[measure]
        foreground, present = counts[1:].sum(axis=0), np.count_nonzero(counts.sum(axis=1))

        def mean_iou(inside: Callable) -> np.ndarray:
            best = np.max([_found(inside, part, counts[0] + foreground - part) for part in counts[1:]], axis=0)
            return (_kept(inside, counts[0], foreground) + best) / present

        return _best(mean_iou)

    def true_class(self, measure: str) -> Best | None:
        """Best threshold for all labels, if its foreground gets the true label of its image; None if an image has several.

        An image without foreground stays background.
        """
        if not self.single:
            return None
        counts, around = self._of_label[measure], self._around[measure]
        foreground, present = counts[1:].sum(axis=0), np.count_nonzero(counts.sum(axis=1))
        empty = int(around[0].sum())

        def mean_iou(inside: Callable) -> np.ndarray:
            each = [_found(inside, part, near) for part, near in zip(counts[1:], around[1:], strict=True)]
            return (_kept(inside, around[1:].sum(axis=0), foreground, empty) + np.sum(each, axis=0)) / present

        return _best(mean_iou)


def _best(mean_iou: Callable) -> Best:
    """Try all levels in both directions.

    Args:
        mean_iou: Function that returns the mean IoU for each threshold, float (256,), from a function that sums counts (256,) over the
            levels inside each threshold.
    """
    found = []
    for above in (True, False):
        values = mean_iou(lambda counts, above=above: np.cumsum(counts[::-1])[::-1] if above else np.cumsum(counts))
        found.append(Best(100 * float(values.max()), int(values.argmax()), above))
    return max(found, key=lambda best: best.mIoU)


def _found(inside: Callable, right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """IoU of a label that is painted inside the threshold, float (256,), from the counts of its pixels and of others."""
    return inside(right) / np.maximum(right.sum() + inside(wrong), 1)


def _kept(inside: Callable, background: np.ndarray, foreground: np.ndarray, more: int = 0) -> np.ndarray:
    """IoU of the background, float (256,); ``more`` background pixels are right at any threshold."""
    right = background.sum() - inside(background) + more
    return right / np.maximum(background.sum() + more + foreground.sum() - inside(foreground), 1)


def measured(pairs: Iterable[tuple[np.ndarray, np.ndarray]], num_labels: int, ignore: int) -> Thresholds:
    """Count all images; see :meth:`Thresholds.add`."""
    thresholds = Thresholds(num_labels, ignore)
    for image, mask in pairs:
        thresholds.add(image, mask)
    return thresholds
