"""A subset of labelled images."""

from collections.abc import Sequence

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages


class ImagePart(LabelledImages):
    """Subset of labelled images.

    Args:
        whole: The full set.
        indices: Indices of the samples, in the order of the subset.
    """

    def __init__(self, whole: LabelledImages, indices: Sequence[int]) -> None:
        super().__init__(whole.name, whole.labels, whole.palette, whole.ignore, whole.classes, whole.facts)
        self._whole, self._indices = whole, [int(i) for i in indices]

    def __len__(self) -> int:
        return len(self._indices)

    def image(self, i: int) -> np.ndarray:
        return self._whole.image(self._indices[i])

    def mask(self, i: int) -> np.ndarray:
        return self._whole.mask(self._indices[i])

    def class_of(self, i: int) -> int | None:
        return self._whole.class_of(self._indices[i])

    def title(self, i: int) -> str:
        return self._whole.title(self._indices[i])

    def uncertainty_of(self, i: int) -> float | None:
        return self._whole.uncertainty_of(self._indices[i])
