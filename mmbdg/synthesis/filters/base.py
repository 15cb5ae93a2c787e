"""The interface of a filter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from torch import Tensor

from mmbdg.generators import Coarse
from mmbdg.sources.base import Source
from mmbdg.storage.catalogue import Catalogue


class FilterBatch(NamedTuple):
    """Input of a filter: N samples of one class.

    Attributes:
        class_id: Class index.
        indices: Indices of the samples within the class.
        images: RGB images, uint8 (N,3,R,R). For an image filter on the source's device at its resolution, for a mask filter
            on the CPU at the resolution of the dataset. None for a coarse filter.
        masks: Label ids of the source, int64 (N,R,R) on the CPU. None before the mask filters.
        uncertainty: Uncertainty of the masks in nats, float32 (N,) on the CPU. None before the mask filters, or if
            the source has no uncertainty.
        ignore: Value of ignored mask pixels.
        coarse: Coarse features, for a coarse filter. Default: None.
    """

    class_id: int
    indices: Sequence[int]
    images: Tensor | None
    masks: Tensor | None
    uncertainty: Tensor | None
    ignore: int
    coarse: Coarse | None = None


class Filter(ABC):
    """Base class of filters. A filter keeps some of the candidates of a block by their scores.

    A subclass is registered in ``FILTERS`` and named in a config:
    ``synthesis = dict(filters=[dict(type='mmbdg.NAME', ...), ...])``. Filters run in the order of the list, each on the
    samples that the filter before it kept. Image filters come before mask filters, because the source labels only the
    candidates that passed the image filters. A coarse filter, at most one, comes first: it judges the output of a coarse
    block of the source, named by its attribute ``block``, before there are images. It keeps the highest scores. The
    constructor loads nothing; :meth:`prepare_source` and :meth:`prepare` do.

    Args:
        name: Name of the filter in counts and reports. It must be unique within a dataset. Default: None, for
            :attr:`short_name` of the class.

    Attributes:
        stage: Input of the filter: "coarse", "image" or "mask".
        field: Name of the score in the manifest. None if the score is not written.
        may_fall_short: Whether a block can have fewer samples than :meth:`most` returns. A class then uses as many blocks as
            it needs.
    """

    short_name: ClassVar[str]
    stage: ClassVar[Literal['coarse', 'image', 'mask']]
    field: str | None = None
    may_fall_short: bool = False

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.short_name

    def before(self) -> 'Sequence[Filter]':
        """Return filters that this one adds in front of itself. By default none."""
        return ()

    def prepare_source(self, source: Source) -> None:  # noqa: B027  most filters need the catalogue only
        """Load what belongs to the source. Called before :meth:`prepare`.

        Raises:
            InputError: The filter does not fit the source, or a file is missing or does not fit.
        """

    def prepare(self, catalogue: Catalogue, class_ids: Sequence[int]) -> None:  # noqa: B027  most filters have nothing to load
        """Load what the scores need, e.g. a classifier.

        Args:
            catalogue: Catalogue of the source.
            class_ids: Indices of the classes that will be filtered.

        Raises:
            InputError: The filter does not fit the source, or a file is missing or does not fit.
        """

    def most(self, candidates: int) -> int:
        """Return the number of kept samples for a number of candidates, if no bound on the score drops more.

        It is at least 1 if there is a candidate.
        """
        return candidates

    @abstractmethod
    def scores(self, batch: FilterBatch) -> Tensor:
        """Return the score of each sample, float (N,)."""

    @abstractmethod
    def keep(self, scores: Tensor) -> list[int]:
        """Return the positions of the kept samples among the N candidates of a block, ascending.

        Args:
            scores: Scores, float (N,) on the CPU, all finite.
        """

    @abstractmethod
    def identity(self) -> dict[str, dict[str, Any]]:
        """Return all values that determine the result, in the form of :meth:`mmbdg.sources.base.Source.identity`."""

    def advice(self) -> str:
        """Return advice on what to change if the filter drops too many samples. '' if it has no bounds."""
        return ''
