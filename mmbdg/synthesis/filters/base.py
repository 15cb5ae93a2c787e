"""The interface of a filter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from torch import Tensor

from mmbdg.storage.catalogue import Catalogue


class FilterBatch(NamedTuple):
    """What a filter looks at: N samples of one class.

    Attributes:
        class_id: Class index.
        indices: Indices of the samples within the class.
        images: RGB images, uint8 (N,3,R,R): on the source's device as it made them for an image filter, on the CPU at the resolution of
            the dataset for a mask filter.
        masks: Label ids of the source, int64 (N,R,R) on the CPU; None for an image filter.
        uncertainty: Uncertainty of the masks in nats, float32 (N,) on the CPU; None for an image filter, or if the source has none.
        ignore: Value of mask pixels that do not count.
    """

    class_id: int
    indices: Sequence[int]
    images: Tensor
    masks: Tensor | None
    uncertainty: Tensor | None
    ignore: int


class Filter(ABC):
    """Keeps some of the candidates of a block, by a score of each.

    A subclass is registered in ``FILTERS`` and named in a config: ``synthesis = dict(filters=[dict(type='mmbdg.NAME', ...), ...])``. They
    run in the order of the list, each on what the one before it has left; filters that look at images come before those that look at masks,
    because the source labels only what the former leave. Building a filter loads nothing: :meth:`prepare` does.

    Args:
        name: Name of the filter in counts and reports; it must be unique within a dataset. None: the class's :attr:`short_name`.

    Attributes:
        stage: "image" or "mask": what it looks at.
        field: Name of its score in the manifest; None if the score is not written.
        may_fall_short: Whether a block can be left with fewer samples than :meth:`most` says; a class then takes as many blocks as it
            needs.
    """

    short_name: ClassVar[str]
    stage: ClassVar[Literal['image', 'mask']]
    field: str | None = None
    may_fall_short: bool = False

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.short_name

    def prepare(self, catalogue: Catalogue, class_ids: Sequence[int]) -> None:  # noqa: B027  most have nothing to load
        """Load what the scores need.

        Args:
            catalogue: The source's.
            class_ids: Classes that will be filtered.

        Raises:
            InputError: The filter does not fit the source, or a file is missing or does not fit.
        """

    def most(self, candidates: int) -> int:
        """How many of so many candidates are kept, if no bound on the score drops more. Filters leave at least one of one or more."""
        return candidates

    @abstractmethod
    def scores(self, batch: FilterBatch) -> Tensor:
        """Score of each sample, float (N,)."""

    @abstractmethod
    def keep(self, scores: Tensor) -> list[int]:
        """Positions that are kept of a block's N candidates, ascending.

        Args:
            scores: Float (N,) on the CPU, all finite.
        """

    @abstractmethod
    def identity(self) -> dict[str, dict[str, Any]]:
        """What decides its choice, as :meth:`mmbdg.sources.base.Source.identity`."""

    def advice(self) -> str:
        """What to change where it drops too much; '' if it never falls short."""
        return ''
