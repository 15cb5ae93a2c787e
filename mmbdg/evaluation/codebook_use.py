"""Metric of a table of codes: how many are used, and how evenly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmbdg.errors import InputError
from mmbdg.registry import METRICS


@METRICS.register_module()
class CodebookUse(BaseMetric):
    """Use of the codes of a VQGAN by the tokens of images.

    ``codes_used``: number of codes that occur; ``perplexity``: exponential of the entropy of their frequencies in nats, between 1 (a single
    code) and the number of codes (all equally frequent).

    Data samples need ``tokens``, int64 (L,).

    Args:
        n_embed: Number of codes.
        collect_device, prefix: See mmengine's ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, n_embed: int, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        self.n_embed = n_embed

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            counts = np.bincount(sample['tokens'].cpu().numpy(), minlength=self.n_embed)
            if len(counts) > self.n_embed:
                raise InputError(
                    f'a token is {len(counts) - 1}, but val_evaluator.n_embed is {self.n_embed}: it must be that of the generator'
                )
            self.results.append(counts)

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        counts = np.sum(results, axis=0)
        shares = counts[counts > 0] / counts.sum()
        return dict(codes_used=len(shares), perplexity=round(float(np.exp(-(shares * np.log(shares)).sum())), 1))
