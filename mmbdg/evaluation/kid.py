"""Quality of generated images during the training of a GAN."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from mmbdg.analysis.distances.distribution_distances import kernel_distance, torch_fidelity
from mmbdg.classifiers import build_classifier
from mmbdg.registry import METRICS


@METRICS.register_module()
class KernelDistance(BaseMetric):
    """Kernel distance x 1000 between real and generated images in the features of a classifier.

    Data samples need ``real`` and ``generated``, RGB uint8 (3,H,W). The key in the log is ``KD_<name>``, e.g. ``KD_resnet_fashion32``.

    Args:
        classifier: Config of a classifier, see :func:`mmbdg.classifiers.build_classifier`. The metric uses its preprocessing and its
            features after the neck.
        name: Name of the classifier in the key of the log.
        collect_device, prefix: Arguments of ``mmengine.evaluator.BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, classifier: dict, name: str, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        torch_fidelity('metric_kid')  # raises the error for a missing package before the training
        self.name = name
        self.classifier = build_classifier(classifier)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        features = [
            self.classifier.features(torch.stack([sample[kind] for sample in data_samples])).cpu() for kind in ('real', 'generated')
        ]
        self.results += list(zip(*features, strict=True))

    def compute_metrics(self, results: list) -> dict[str, float]:
        real, generated = (torch.stack(features).numpy() for features in zip(*results, strict=True))
        return {f'KD_{self.name}': 1000 * kernel_distance(real, generated)}
