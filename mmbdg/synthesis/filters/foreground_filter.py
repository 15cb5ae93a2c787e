"""The foreground filter: it drops samples with too little or too much foreground."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.masks import foreground_ratio
from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.filters.ranges import check_bound


@FILTERS.register_module()
class ForegroundFilter(Filter):
    """Keeps the samples whose share of foreground pixels is within bounds.

    Args:
        min, max: Inclusive bounds of the share of foreground pixels, 0 to 1. Default: 0 and 1.
        name: Name in counts and reports. Default: None, for "foreground".

    Raises:
        InputError: A bound is out of its range, or ``min`` is above ``max``. In :meth:`prepare`: the source has no masks.
    """

    short_name: ClassVar[str] = 'foreground'
    stage: ClassVar[Literal['image', 'mask']] = 'mask'
    field = 'foreground_ratio'

    def __init__(self, min: float = 0.0, max: float = 1.0, name: str | None = None) -> None:
        super().__init__(name)
        check_bound(min, 'ForegroundFilter.min (min_foreground)')
        check_bound(max, 'ForegroundFilter.max (max_foreground)')
        if min > max:
            raise InputError('synthesis: min_foreground is above max_foreground, so no sample would be kept: lower it or raise the other')
        self.min, self.max = min, max
        self.may_fall_short = min > 0 or max < 1

    def prepare(self, catalogue: Catalogue, class_ids: Sequence[int]) -> None:
        if not catalogue.has_masks:
            raise InputError('ForegroundFilter needs masks, but this source has none: remove it from synthesis.filters')

    def scores(self, batch: FilterBatch) -> Tensor:
        """Return the share of foreground pixels of each sample, float64 (N,), 0 to 1."""
        return torch.tensor([foreground_ratio(mask, batch.ignore) for mask in batch.masks.numpy()], dtype=torch.float64)

    def keep(self, scores: Tensor) -> list[int]:
        return torch.nonzero((scores >= self.min) & (scores <= self.max))[:, 0].tolist()

    def identity(self) -> dict[str, dict[str, Any]]:
        config = dict(type='mmbdg.ForegroundFilter', name=self.name, min=self.min, max=self.max)
        return dict(config=config, checksums={}, versions={})

    def advice(self) -> str:
        return f'min_foreground ({self.min}), max_foreground ({self.max})' if self.may_fall_short else ''
