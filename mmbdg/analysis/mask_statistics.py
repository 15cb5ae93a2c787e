"""Statistics of all masks of a set, in one pass."""

from dataclasses import dataclass

import numpy as np

from mmbdg.analysis.labelled_images import LabelledImages

COLUMNS = ('IN', 'MI', 'BI', 'MB', 'PL', 'SC')
"""Of Table 1, one number an image; SD is one of a class."""


@dataclass(frozen=True)
class MaskStatistics:
    """What :func:`mask_statistics` finds, N samples in the order of the set.

    Attributes:
        classes: Names of the images' classes.
        class_ids: int32 (N,), -1 where an image has no class.
        columns: Each of :data:`COLUMNS` and ``uncertainty``: float32 (N,), NaN where it is not defined.
        outlines: float32 (N,128,2), outline of the largest component in its unit box, NaN where there is no foreground.
        crops: uint8 (N,S,S), the foreground in its tight box, 0..255; 0 where there is none.
    """

    classes: tuple[str, ...]
    class_ids: np.ndarray
    columns: dict[str, np.ndarray]
    outlines: np.ndarray
    crops: np.ndarray

    def __len__(self) -> int:
        return len(self.class_ids)


def mask_statistics(images: LabelledImages, processes: int = 1, min_pixels: int = 30, progress: bool = True) -> MaskStatistics:
    """See the class."""
    raise NotImplementedError


def summary(statistics: MaskStatistics, seed: int = 0, processes: int = 1, progress: bool = True) -> dict:
    """Means as JSON: ``{'all': ROW, 'classes': {name: ROW}}``.

    A ROW is ``{'n': images, 'without_foreground': images, 'IN': ..., 'MI': ..., 'BI': ..., 'MB': ..., 'PL': ..., 'SC': ..., 'SD': ...,
    'uncertainty': ...}``, None where a value is not defined.
    """
    raise NotImplementedError
