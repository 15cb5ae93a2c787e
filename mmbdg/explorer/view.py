"""What the page shows: samples with their scores and layers. A labelled generator and a dataset are shown by the same interface."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmbdg.analysis.images.image_part import ImagePart
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, summary
from mmbdg.schema import Schema
from mmbdg.storage.catalogue import Catalogue
from mmbdg.synthesis.filters.base import Filter
from mmbdg.synthesis.filters.foreground_filter import ForegroundFilter
from mmbdg.synthesis.filters.rejection_sampling import RejectionSampling
from mmbdg.synthesis.filters.uncertainty_filter import UncertaintyFilter
from mmbdg.visualization.feature_colours import principal_colours

if TYPE_CHECKING:
    from mmbdg.explorer.generator_view import GeneratorView

ORDERS = ('index', 'uncertain', 'certain')
"""Orders of the samples: by index, or by uncertainty, the highest or the lowest first."""
MOST_FEATURES = 2**26
"""Largest number of feature values whose principal components are computed together: 512 MiB in float64."""
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Where(NamedTuple):
    """A class of a set of samples.

    Attributes:
        class_id: Class index.
        seed: Seed of the latents. None for a dataset.
        truncation: Threshold of the truncation. None for a dataset, and for no truncation.
    """

    class_id: int
    seed: int | None = None
    truncation: float | None = None


class FilterSettings(Schema):
    """Settings of the paper's filters, see :mod:`mmbdg.synthesis.filters`. The defaults keep all samples."""

    rejection: Rate = 0.0
    """Share of the candidates that rejection sampling drops."""
    uncertainty: Rate = 0.0
    """Share of the remaining samples that the uncertainty filter drops."""
    min_foreground: Share = 0.0
    max_foreground: Share = 1.0

    def filters(self) -> list[Filter]:
        """Build the filters that have an effect, in the order of the paper. They only rank given scores; nothing is loaded.

        Raises:
            InputError: ``min_foreground`` is above ``max_foreground``.
        """
        found: list[Filter] = [RejectionSampling({}, self.rejection)] if self.rejection else []
        found += [UncertaintyFilter(self.uncertainty)] if self.uncertainty else []
        bounds = self.min_foreground, self.max_foreground
        return found + ([ForegroundFilter(*bounds)] if bounds != (0, 1) else [])


class Listed(NamedTuple):
    """Samples of one page.

    Attributes:
        samples: For each sample ``index``, ``title``, ``dropped_by`` (name of a filter, or None) and its scores by name.
        counts: Number of samples that the filters ranked, that each of them left, and kept ones.
        page, pages: Number of the page, and how many there are; None for an endless number.
    """

    samples: list[dict[str, Any]]
    counts: dict[str, int]
    page: int
    pages: int | None


class Shown(NamedTuple):
    """Layers of one sample.

    Attributes:
        image: RGB image, uint8 (R,R,3).
        mask: Label ids, uint8 or uint16 (R,R). None if there are no masks.
        disagreement: Disagreement of the ensemble in nats, float32 (R,R). None if it is not known.
    """

    image: np.ndarray
    mask: np.ndarray | None
    disagreement: np.ndarray | None


class Scored(NamedTuple):
    """Samples that the filters rank together.

    Attributes:
        indices: Indices of the samples within their class, int64 (N,).
        scores: Scores float64 (N,) by their field in a manifest: classifier_score, uncertainty, foreground_ratio, as far as they are known.
    """

    indices: np.ndarray
    scores: dict[str, np.ndarray]


class View(ABC):
    """Base class of views. The page's requests come from several threads: :attr:`lock` is held while something is computed.

    Args:
        per_page: Number of samples of a page.

    Attributes:
        kind: "generator" or "dataset".
        name: Name of what is shown.
        catalogue: Classes, labels and resolution.
        palette: RGB colour of each label.
        most_disagreement: Largest possible disagreement in nats. None if the disagreement is not known.
        feature_names: Names of the feature maps that can be shown.
    """

    kind: ClassVar[str]
    name: str
    catalogue: Catalogue
    palette: Sequence[Sequence[int]]
    most_disagreement: float | None = None
    feature_names: tuple[str, ...] = ()

    def __init__(self, per_page: int) -> None:
        self.per_page, self.lock = per_page, threading.RLock()
        self._colours: dict[tuple, np.ndarray] = {}

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what the page needs to know before it asks for samples: counts of classes, seed, truncation, known scores."""

    @abstractmethod
    def scored(self, where: Where, page: int) -> Scored:
        """Return the samples that are ranked together: the candidates of a block, or all samples of a class."""

    @abstractmethod
    def show(self, where: Where, index: int) -> Shown:
        """Return the layers of a sample.

        Raises:
            InputError: There is no such sample.
        """

    @abstractmethod
    def images(self, where: Where, indices: Sequence[int]) -> LabelledImages:
        """Return samples for the analysis."""

    @abstractmethod
    def group(self, where: Where, index: int) -> list[int]:
        """Return the indices of a sample and of its neighbours, whose feature maps share their colours."""

    def features(self, where: Where, indices: Sequence[int]) -> list[Tensor]:
        """Return the features (N,C_i,R_i,R_i) of :attr:`feature_names`. Only if there are names."""
        raise NotImplementedError  # called only if there are names, and such a subclass implements it

    def origin(self, where: Where) -> 'tuple[GeneratorView, Where] | None':
        """Return the view of the generator that makes the samples, and the class there. None if it is not known."""
        return None

    def title(self, where: Where, index: int) -> str:
        """Return the name of a sample."""
        return f'{self.catalogue.folders[where.class_id]}/{index}'

    def listed(self, where: Where, settings: FilterSettings, page: int, order: str = 'index', kept_only: bool = False) -> Listed:
        """Return the samples of a page. Samples that were dropped are part of it, unless ``kept_only``."""
        scored = self.scored(where, page)
        dropped_by, counts = apply_filters(settings.filters(), scored)
        places = np.arange(len(scored.indices))
        if kept_only:
            places = places[[name is None for name in dropped_by]]
        if order != 'index' and 'uncertainty' in scored.scores:
            ranks = scored.scores['uncertainty'][places]
            places = places[np.argsort(-ranks if order == 'uncertain' else ranks, kind='stable')]
        page, pages, places = self._page(places, page)
        samples = [
            dict(
                index=int(scored.indices[i]),
                title=self.title(where, int(scored.indices[i])),
                dropped_by=dropped_by[i],
                **{name: float(values[i]) for name, values in scored.scores.items()},
            )
            for i in places.tolist()
        ]
        return Listed(samples, counts, page, pages)

    def _page(self, places: np.ndarray, page: int) -> tuple[int, int | None, np.ndarray]:
        """Number of the page, number of pages, and the part of ``places`` on the page."""
        return page, None, places

    def statistics(self, where: Where, settings: FilterSettings, page: int, most: int = 1000) -> dict[str, Any]:
        """Return the columns of Table 1 of the samples that are ranked together, and of those that the filters keep.

        Args:
            where, settings, page: See :meth:`listed`.
            most: Largest number of measured samples: the first ones. Default: 1000.

        Returns:
            ``all`` and ``kept``: rows of :func:`mmbdg.analysis.statistics.mask_statistics.summary`, None without samples; and ``of``, the
            number of samples of which ``all`` measured the first.
        """
        scored = self.scored(where, page)
        dropped_by, _ = apply_filters(settings.filters(), scored)
        measured = self.images(where, scored.indices[:most].tolist())
        kept = np.array([i for i in range(len(measured)) if dropped_by[i] is None], np.int64)
        rows = {}
        for name, part in (('all', measured), ('kept', ImagePart(measured, kept))):
            rows[name] = summary(mask_statistics(part, progress=False), progress=False)['all'] if len(part) else None
        return dict(rows, of=len(scored.indices))

    def feature_colours(self, where: Where, index: int, tap: int) -> np.ndarray:
        """Return a feature map as colours, uint8 (R_i,R_i,3). The samples of a :meth:`group` share their principal components."""
        indices = self.group(where, index)
        key = (where, indices[0], tap)
        with self.lock:
            if key not in self._colours:
                if len(self._colours) >= 32:
                    self._colours.pop(next(iter(self._colours)))
                values = [self.features(where, [i])[tap].cpu() for i in indices]
                self._colours[key] = principal_colours(torch.cat(values).numpy())
            return self._colours[key][indices.index(index)]


def apply_filters(filters: Sequence[Filter], scored: Scored) -> tuple[list[str | None], dict[str, int]]:
    """Apply filters to known scores, in their order, each to what the one before it kept.

    Returns:
        For each sample the name of the filter that dropped it, or None; and the counts, as in :class:`Listed`. A filter whose scores are
        not known drops nothing.
    """
    dropped_by: list[str | None] = [None] * len(scored.indices)
    counts, left = dict(candidates=len(dropped_by)), list(range(len(dropped_by)))
    for entry in filters:
        if entry.field not in scored.scores:
            continue
        kept = {left[i] for i in entry.keep(torch.from_numpy(scored.scores[entry.field][left]))}
        for place in left:
            if place not in kept:
                dropped_by[place] = entry.name
        left = [place for place in left if place in kept]
        counts[f'after_{entry.name}'] = len(left)
    return dropped_by, counts | dict(kept=len(left))


def group_size(taps: Sequence[Any], per_page: int) -> int:
    """Number of samples whose features are compared together: at most a page, and :data:`MOST_FEATURES` values of the largest tap."""
    return max(1, min(per_page, MOST_FEATURES // max(tap.channels * tap.resolution**2 for tap in taps)))


def shown_taps(taps: Sequence[Any]) -> list[int]:
    """Positions of the taps that are shown: the last one of each resolution."""
    return [i for i, tap in enumerate(taps) if i + 1 == len(taps) or taps[i + 1].resolution != tap.resolution]


def known(scores: Mapping[str, Any]) -> dict[str, bool]:
    """Which filters have an effect, for the page."""
    return dict(rejection='classifier_score' in scores, uncertainty='uncertainty' in scores, foreground='foreground_ratio' in scores)
