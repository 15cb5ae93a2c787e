"""How well the judge of early rejection finds the candidates that the classifier would keep."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmbdg.errors import InputError
from mmbdg.registry import METRICS


@METRICS.register_module()
class EarlyRecall(BaseMetric):
    """Percentage of the candidates kept by full rejection that early rejection does not drop, ``early_recall``; averaged over the classes.

    The candidates of each class count as one block. Chance is 100 x ``keep``.

    Args:
        keep: Share of the candidates that the judge keeps. Default: 0.2.
        rate: Share of the candidates that full rejection rejects. Default: 0.9.
        collect_device, prefix: Arguments of ``mmengine.evaluator.BaseMetric``.

    Raises:
        InputError: A value is out of its range.
    """

    default_prefix = ''

    def __init__(self, keep: float = 0.2, rate: float = 0.9, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        if not (0 < keep <= 1 and 0 <= rate < 1):
            raise InputError(f'EarlyRecall: keep must be in (0, 1] and rate in [0, 1), got {keep} and {rate}')
        self.keep, self.rate = keep, rate

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        self.results += [(sample['gt_label'], sample['early_score'], sample['confidence']) for sample in data_samples]

    def compute_metrics(self, results: list[tuple[int, float, float]]) -> dict[str, float]:
        rows = np.array(results, dtype=np.float64)
        found = [_recall(rows[rows[:, 0] == label, 1:], self.keep, 1 - self.rate) for label in np.unique(rows[:, 0])]
        return dict(early_recall=round(100 * float(np.mean(found)), 2))


def _recall(scores: np.ndarray, early: float, full: float) -> float:
    """Scores of judge and classifier (N,2) -> share of the classifier's best that are among the judge's best."""
    best = [
        np.argsort(-column, kind='stable')[: max(1, round(len(column) * share))]
        for column, share in zip(scores.T, (early, full), strict=True)
    ]
    return len(np.intersect1d(*best)) / len(best[1])
