"""What an analysis reads: images with masks, whoever made them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class LabelledImages(ABC):
    """Images and their masks by number, read when they are asked for.

    Reading image ``i`` does not read its mask, nor the reverse. An object can be handed to worker processes that are forked.

    Attributes:
        name: Of the set, for people.
        labels: Names of the masks' ids, background first.
        palette: RGB 0..255 for each label.
        ignore: Value of mask pixels that do not count.
        classes: Names of the images' classes; empty if images have none.
        facts: What is known of the set beside its pixels, as JSON: ``source`` always; where known ``counts`` (class: images), ``filters``
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

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def image(self, i: int) -> np.ndarray:
        """Image uint8 (H,W,3), RGB.

        Raises:
            InputError: The file is missing or no picture.
        """

    @abstractmethod
    def mask(self, i: int) -> np.ndarray:
        """Label ids, integer (H,W): 0 is background, :attr:`ignore` does not count, all else is foreground.

        Raises:
            InputError: The file is missing or no mask.
        """

    def class_of(self, i: int) -> int | None:
        """Index into :attr:`classes`, None where the image has no class (or several)."""
        return None

    def title(self, i: int) -> str:
        """What people find the sample by."""
        return str(i)

    def uncertainty_of(self, i: int) -> float | None:
        """Uncertainty of the ensemble that labelled it (paper, section 3.2), nats; None where it is not known."""
        return None
