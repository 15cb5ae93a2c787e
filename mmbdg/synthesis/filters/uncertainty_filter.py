"""The uncertainty filter (BigDatasetGAN, section 3.2): it drops the samples with the largest disagreement of the ensemble."""

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
        rate: Share of the samples that is dropped, 0 to below 1. Default: 0.1, as in the paper.
        name: Name in counts and reports. Default: None, for "uncertainty".

    Raises:
        InputError: The rate is out of its range. In :meth:`prepare`: the source has no masks.
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
            raise InputError('UncertaintyFilter needs masks, but this source has none: remove it from synthesis.filters')

    def most(self, candidates: int) -> int:
        return max(min(1, candidates), candidates - math.floor(candidates * self.rate))

    def scores(self, batch: FilterBatch) -> Tensor:
        """Return the uncertainty in nats, float (N,).

        Raises:
            InputError: The source has masks without uncertainty.
        """
        if batch.uncertainty is None:
            raise InputError('UncertaintyFilter needs an uncertainty, but this source has none: remove it from synthesis.filters')
        return batch.uncertainty

    def keep(self, scores: Tensor) -> list[int]:
        return sorted(torch.sort(scores, stable=True).indices[: self.most(len(scores))].tolist())  # of equal samples the first

    def identity(self) -> dict[str, dict[str, Any]]:
        return dict(config=dict(type='mmbdg.UncertaintyFilter', name=self.name, rate=self.rate), checksums={}, versions={})
