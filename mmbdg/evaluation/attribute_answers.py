"""Metric of attributes that a CLIP model recognises in images."""

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from mmbdg.registry import METRICS


@METRICS.register_module()
class AttributeAnswers(BaseMetric):
    """Accuracy of the answers to questions about attributes, in percent: one value for each question, and ``attributes`` for all.

    Data samples need ``attributes`` and ``answers``, dicts of names by question. Attributes that are None are not counted.

    Args:
        collect_device, prefix: See mmengine's ``BaseMetric``.
    """

    default_prefix = ''

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            known = {name: value for name, value in sample['attributes'].items() if value is not None and name in sample['answers']}
            self.results += [(name, value == sample['answers'][name]) for name, value in known.items()]

    def compute_metrics(self, results: list[tuple[str, bool]]) -> dict[str, float]:
        figures = {name: _percent([right for other, right in results if other == name]) for name in sorted({name for name, _ in results})}
        return figures | dict(attributes=_percent([right for _, right in results]))


def _percent(right: Sequence[bool]) -> float:
    return round(100 * sum(right) / len(right), 2) if right else float('nan')
