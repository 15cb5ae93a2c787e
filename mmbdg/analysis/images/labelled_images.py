"""Common interface of all images, labelled or not, that the analysis reads."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class LabelledImages(ABC):
    """Images, usually with masks. Each is read on access.

    Images and masks are read separately. An object can be passed to forked worker processes.

    Attributes:
        name: Name of the set, used in messages and reports.
        labels: Names of the label ids of the masks, background first. Empty if there are no masks.
        palette: RGB colour of each label, 0 to 255.
        ignore: Value of ignored mask pixels.
        classes: Names of the image classes. Empty if the images have no classes.
        facts: Metadata of the set, JSON values. ``source`` is always present. Optional: ``counts`` (class: images), ``filters``
            (class: {candidates, after_rejection, after_uncertainty, ...}), ``licence``, ``checksums``, ``versions``, ``config``.
    """

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        palette: Sequence[Sequence[int]],
        ignore: int,
        classes: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.labels, self.ignore, self.classes = name, tuple(labels), ignore, tuple(classes)
        self.palette = [list(map(int, colour)) for colour in palette]
        self.facts: dict[str, Any] = dict(facts or {})

    @property
    def has_masks(self) -> bool:
        """Whether the images have masks."""
        return bool(self.labels)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def image(self, i: int) -> np.ndarray:
        """Image uint8 (H,W,3), RGB.

        Raises:
            InputError: The file is missing or is not an image.
        """

    @abstractmethod
    def mask(self, i: int) -> np.ndarray:
        """Label ids, integer (H,W): 0 is background, :attr:`ignore` is ignored, all other ids are foreground.

        Raises:
            InputError: The file is missing or is not a mask, or the set has no masks.
        """

    def class_of(self, i: int) -> int | None:
        """Index into :attr:`classes`. None if the image has no class or several classes."""
        return None

    def title(self, i: int) -> str:
        """Name of the sample in messages and reports."""
        return str(i)

    def uncertainty_of(self, i: int) -> float | None:
        """Uncertainty of the ensemble that labelled the sample, in nats (paper, section 3.2). None if it is unknown."""
        return None
