"""The uncertainty filter (BigDatasetGAN, section 3.2): drop the samples whose masks the ensemble disagrees on most."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.storage.catalogue import Catalogue
from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.filters.ranges import check_rate


@FILTERS.register_module()
class UncertaintyFilter(Filter):
    """Drops the most uncertain samples of a block.

    Args:
        rate: Part of the samples that is dropped, 0 to below 1 (paper: 0.1).
        name: Name in counts and reports.

    Raises:
        InputError: The rate is out of its range; in :meth:`prepare`, the source has no masks.
    """

    short_name: ClassVar[str] = 'uncertainty'
    stage: ClassVar[Literal['image', 'mask']] = 'mask'
    field = 'uncertainty'

    def __init__(self, rate: float = 0.1, name: str | None = None) -> None:
        super().__init__(name)
        check_rate(rate, 'UncertaintyFilter.rate (uncertainty_rate)')
        self.rate = rate

    def prepare(self, catalogue: Catalogue, class_ids: Sequence[int]) -> None:
        if not catalogue.has_masks:
            raise InputError('UncertaintyFilter looks at masks, but this source has none: leave it out of synthesis.filters')

    def most(self, candidates: int) -> int:
        return max(min(1, candidates), candidates - math.floor(candidates * self.rate))

    def scores(self, batch: FilterBatch) -> Tensor:
        """Uncertainty in nats.

        Raises:
            InputError: The source has masks without an uncertainty.
        """
        if batch.uncertainty is None:
            raise InputError('UncertaintyFilter needs an uncertainty, which this source does not give: leave it out of synthesis.filters')
        return batch.uncertainty

    def keep(self, scores: Tensor) -> list[int]:
        return sorted(torch.sort(scores, stable=True).indices[: self.most(len(scores))].tolist())  # of equals the first

    def identity(self) -> dict[str, dict[str, Any]]:
        return dict(config=dict(type='mmbdg.UncertaintyFilter', name=self.name, rate=self.rate), checksums={}, versions={})
