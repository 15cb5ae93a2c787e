"""Accuracy of a classifier on generated images."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from mmbdg.classifiers import build_classifier
from mmbdg.registry import METRICS


@METRICS.register_module()
class RecognisedSamples(BaseMetric):
    """Percentage of generated images for which a classifier predicts the class they were generated for: ``recognised_<name>``.

    Data samples need ``generated``, RGB uint8 (3,H,W), and ``gt_label`` (1,).

    Args:
        classifier: Config of a classifier with the same classes, see :func:`mmbdg.classifiers.build_classifier`.
        name: Name of the classifier in the key of the log.
        collect_device, prefix: Arguments of ``mmengine.evaluator.BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, classifier: dict, name: str, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        self.name, self.classifier = name, build_classifier(classifier)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        named = self.classifier.probabilities(torch.stack([sample['generated'] for sample in data_samples])).argmax(1).cpu()
        meant = torch.cat([sample['gt_label'] for sample in data_samples]).cpu()
        self.results += (named == meant).tolist()

    def compute_metrics(self, results: list[bool]) -> dict[str, float]:
        return {f'recognised_{self.name}': round(100 * sum(results) / len(results), 2)}
