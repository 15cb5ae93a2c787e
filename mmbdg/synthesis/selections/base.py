"""The interface of the steps of a selection, and the base class of steps that keep the best part of a ranking."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mmbdg.errors import InputError
from mmbdg.storage.layout import sample_id
from mmbdg.storage.stored import StoredDataset

SCOPES = ('class', 'dataset')


class Samples:
    """Input of a step: the samples that the steps before it kept.

    Args:
        dataset: Whole dataset.
        places: Indices of the samples in ``dataset.lines``, int64 (N,), ascending.
        progress: Whether to show a progress bar while many samples are read. Default: False.
    """

    def __init__(self, dataset: StoredDataset, places: np.ndarray, progress: bool = False) -> None:
        self.dataset, self.places, self.progress = dataset, places, progress

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def class_ids(self) -> np.ndarray:
        """Class of each sample, int32 (N,)."""
        return self.dataset.index.class_ids[self.places]

    def title(self, i: int) -> str:
        """Return class folder and id of sample ``i``, for messages."""
        index, place = self.dataset.index, self.places[i]
        return f'{index.folders[index.class_ids[place]]}/{sample_id(int(index.numbers[place]))}'

    def image(self, i: int) -> np.ndarray:
        """Image of sample ``i``, RGB uint8 (R,R,3)."""
        return self.dataset.image(self.dataset.lines[self.places[i]])

    def values(self, field: str) -> np.ndarray:
        """Return the values of a manifest field for all samples, float64 (N,).

        Args:
            field: Key of the manifest lines, such as "uncertainty".

        Raises:
            InputError: A sample has no such number, or the number is not finite.
        """
        from tqdm import tqdm

        found = np.zeros(len(self))
        places = tqdm(self.places.tolist(), unit='sample', desc=field, dynamic_ncols=True, disable=not self.progress)
        for i, place in enumerate(places):
            value = self.dataset.lines[place].get(field)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise InputError(
                    f'{self.dataset.root / "manifest.jsonl"}, line {place + 1}: the sample {self.title(i)} has no {field} ({value!r}), '
                    'but this step needs it; remove the step'
                )
            found[i] = value
        return found


class Pair(NamedTuple):
    """A dropped sample and the image that it is too similar to."""

    sample: int
    """Index of the dropped sample."""
    other: str
    """Name of the other image: class folder and id of a sample, or a path."""
    similarity: float
    """Cosine similarity of the two, -1 to 1."""
    image: Callable[[], np.ndarray]
    """Reads the other image, RGB uint8 (H,W,3)."""


class Choice(NamedTuple):
    """Result of a step."""

    kept: np.ndarray
    """Whether each sample is kept, bool (N,)."""
    thresholds: dict[int, float]
    """Value of the last kept sample of each class, for the report. Classes without a value are omitted."""
    pairs: Sequence[Pair] = ()
    """Pairs of a step that compares images: one for each dropped sample, in the order of the manifest."""


class Selection(ABC):
    """A step that chooses among the samples of a finished dataset. The dataset is not changed.

    Subclasses are registered in :data:`mmbdg.registry.SELECTIONS` and check their arguments in the constructor.
    """

    @abstractmethod
    def choose(self, samples: Samples) -> Choice:
        """Choose among the samples. The same samples must give the same result.

        Raises:
            InputError: The samples lack a value that the step needs.
        """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return all values that determine the result, as JSON values: type, arguments, model checksums, package versions."""


@dataclass(frozen=True)
class RankedSelection(Selection):
    """A step that keeps the best part of a ranking by one score per sample.

    Samples with equal scores are ranked in the order of the manifest.

    Args:
        fraction: Share of the samples that is kept, above 0 and at most 1. The number is rounded to the nearest integer
            (halves to the even one), and is at least 1.
        scope: Scope of the ranking: "class" keeps this share of each class, "dataset" keeps it of all samples together. A
            class can lose all its samples then. Default: "class".

    Raises:
        InputError: An argument has a wrong type or is out of its range.
    """

    fraction: float
    scope: str = 'class'

    highest: ClassVar[bool] = False
    """Whether the highest scores are the best ones."""

    def __post_init__(self) -> None:
        number = isinstance(self.fraction, int | float) and not isinstance(self.fraction, bool)
        if not number or not 0 < self.fraction <= 1:
            raise InputError(f'{type(self).__name__}.fraction must be a number above 0 and at most 1, got {self.fraction!r}')
        if self.scope not in SCOPES:
            raise InputError(f'{type(self).__name__}.scope must be one of {", ".join(SCOPES)}, got {self.scope!r}')

    @abstractmethod
    def scores(self, samples: Samples) -> np.ndarray:
        """Return the score of each sample, float64 (N,), finite.

        Raises:
            InputError: The samples lack a value that the score needs.
        """

    def choose(self, samples: Samples) -> Choice:
        scores = self.scores(samples)
        groups = samples.class_ids if self.scope == 'class' else np.zeros(len(samples), np.int32)
        kept = np.zeros(len(samples), bool)
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            order = np.argsort(-scores[members] if self.highest else scores[members], kind='stable')
            kept[members[order[: self.number_kept(len(members))]]] = True
        return Choice(kept, self._thresholds(samples, scores, kept))

    def number_kept(self, total: int) -> int:
        """Return the number of kept samples among ``total`` samples."""
        return max(1, round(total * self.fraction))

    def identity(self) -> dict[str, Any]:
        return dict(type=f'mmbdg.{type(self).__name__}', fraction=self.fraction, scope=self.scope)

    def _thresholds(self, samples: Samples, scores: np.ndarray, kept: np.ndarray) -> dict[int, float]:
        last = np.min if self.highest else np.max
        if self.scope == 'dataset':
            value = float(last(scores[kept]))
            return dict.fromkeys(np.unique(samples.class_ids).tolist(), value)
        return {class_id: float(last(scores[kept & (samples.class_ids == class_id)])) for class_id in np.unique(samples.class_ids).tolist()}
