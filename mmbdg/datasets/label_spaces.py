"""Label spaces: which ids a foreground of a known class is given. Applied when a dataset is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelSpace:
    """A mapping from (foreground, class of the image) to a label id.

    Attributes:
        classes: Names of the labels, background first.
        foreground_ids: For each class of the generator, the id its foreground is given.
    """

    classes: tuple[str, ...]
    foreground_ids: tuple[int, ...]

    @property
    def num_classes(self) -> int:
        """Number of labels including the background."""
        return len(self.classes)

    def paint(self, foreground: np.ndarray, class_id: int) -> np.ndarray:
        """Foreground bool (H,W) and the class of the image -> label ids int64 (H,W)."""
        return np.where(foreground, self.foreground_ids[class_id], 0).astype(np.int64)


def label_space(name: str, class_names: Sequence[str]) -> LabelSpace:
    """A label space by name.

    Args:
        name: "fgbg" (one foreground label for all classes) or "classes" (one label per class, MC-N in the paper).
        class_names: Names of the generator's classes.

    Raises:
        ValueError: An unknown name.
    """
    if name == 'fgbg':
        return LabelSpace(('background', 'foreground'), (1,) * len(class_names))
    if name == 'classes':
        return LabelSpace(('background', *class_names), tuple(range(1, len(class_names) + 1)))
    raise ValueError(f'unknown label space "{name}"; known are "fgbg" and "classes"')
