"""Metric of reconstructions: peak signal-to-noise ratio."""

from collections.abc import Sequence
from math import inf, log10
from typing import Any

from mmengine.evaluator import BaseMetric

from mmbdg.registry import METRICS


@METRICS.register_module()
class ReconstructionPSNR(BaseMetric):
    """Peak signal-to-noise ratio of reconstructions in dB: -10 log10 of the mean squared error of all pixels, in units of 255. ``PSNR``.

    Data samples need ``real`` and ``generated``, RGB uint8 (3,H,W).

    Args:
        collect_device, prefix: See mmengine's ``BaseMetric``.
    """

    default_prefix = ''

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        self.results += [((sample['real'].double() - sample['generated'].double()) / 255).square().mean().item() for sample in data_samples]

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        error = sum(results) / len(results)
        return dict(PSNR=round(-10 * log10(error), 3) if error else inf)
