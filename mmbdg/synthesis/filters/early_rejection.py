"""Early rejection: a small judge drops most candidates before the fine blocks of the generator run."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.sources.base import Source
from mmbdg.sources.judge import Judge
from mmbdg.synthesis.filters.base import Filter, FilterBatch


@FILTERS.register_module()
class EarlyRejection(Filter):
    """Keeps the candidates to which a judge of coarse features gives the highest scores. It is the first filter of a list.

    The source computes the coarse blocks of all candidates of a block of the synthesis, and the fine blocks of the kept ones only. Then
    :class:`RejectionSampling` judges their images; its key ``early`` adds this filter.

    Args:
        judge: Folder or file of the judge, see :class:`~mmbdg.sources.judge.Judge`. Default: None, for the judge in the folder of the
            labelled generator.
        keep: Share of the candidates that is kept, above 0 and at most 1. Default: 0.2.
        name: Name in counts and reports. Default: None, for "early".

    Raises:
        InputError: ``keep`` is out of its range. In :meth:`prepare_source`: the source has no coarse features, or the judge does not fit.
    """

    short_name: ClassVar[str] = 'early'
    stage: ClassVar[Literal['coarse', 'image', 'mask']] = 'coarse'
    field = 'early_score'

    def __init__(self, judge: str | None = None, keep: float = 0.2, name: str | None = None) -> None:
        super().__init__(name)
        if not 0 < keep <= 1:
            raise InputError(f'synthesis: EarlyRejection.keep must be above 0 and at most 1, got {keep}')
        self.path, self.share = judge, keep
        self.judge: Judge | None = None

    @property
    def block(self) -> str:
        """Name of the block after which the source stops. Known after :meth:`prepare_source`."""
        return self.judge.block

    def prepare_source(self, source: Source) -> None:
        self.judge = source.judge(self.path)

    def most(self, candidates: int) -> int:
        return max(1, round(candidates * self.share)) if candidates else 0

    def scores(self, batch: FilterBatch) -> Tensor:
        """Return the score of the judge, float32 (N,). It ranks within a class."""
        return self.judge.scores(batch.coarse)

    def keep(self, scores: Tensor) -> list[int]:
        return sorted(torch.sort(scores, descending=True, stable=True).indices[: self.most(len(scores))].tolist())

    def identity(self) -> dict[str, dict[str, Any]]:
        config = dict(type='mmbdg.EarlyRejection', name=self.name, keep=self.share)  # without the path: checksums identify the judge
        return dict(config=config, checksums=self.judge.checksums(), versions={})
