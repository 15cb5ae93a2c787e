"""Quality of an ensemble compared with its members, and quality of its uncertainty."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmbdg.errors import InputError
from mmbdg.evaluation.labeller_iou import LabellerIoU
from mmbdg.registry import METRICS


@METRICS.register_module()
class EnsembleQuality(LabellerIoU):
    """:class:`LabellerIoU` of the ensemble, with these additional metrics:

    - ``single_fgbg``, ...: mIoU of a single member, mean over the members; ``single_fgbg_std``: standard deviation over the members. Only
      if the data samples have ``member_sem_seg`` (``keep_members`` of :class:`~mmbdg.models.InterpreterTraining`);
    - ``kept_fgbg``, ...: mIoU over the samples that an uncertainty filter keeps, all classes together;
    - ``spearman``: rank correlation, -1 to 1, between the uncertainty of an image and its fraction of wrong pixels (foreground or
      background). It is omitted if one of the two is constant, e.g. for an ensemble of one member.

    Args:
        uncertainty_rate: Fraction of the samples that the filter removes, in [0, 1) (paper, section 3.2: 0.1). Default: 0.1.
        **options: Arguments of :class:`LabellerIoU`.

    Raises:
        InputError: ``uncertainty_rate`` is not in [0, 1).
    """

    def __init__(self, uncertainty_rate: float = 0.1, **options: Any) -> None:
        if not 0 <= uncertainty_rate < 1:
            raise InputError(f'uncertainty_rate must be in [0, 1), got {uncertainty_rate}')
        super().__init__(**options)
        self.uncertainty_rate = uncertainty_rate

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        done = len(self.results)
        super().process(data_batch, data_samples)
        for i, sample in enumerate(data_samples, done):
            areas, truth = self.results[i], self._truth(sample)
            intersection, _, _, label = areas['fgbg']
            members = sample['member_sem_seg']['data'] if 'member_sem_seg' in sample else ()
            self.results[i] = dict(
                areas=areas,
                members=[self._measured(sample, member, truth) for member in members],
                uncertainty=float(sample['uncertainty']),
                error=1 - float(intersection.sum() / label.sum()) if label.sum() else 0.0,
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        from scipy.stats import spearmanr

        metrics = super().compute_metrics([result['areas'] for result in results])
        members = zip(*[result['members'] for result in results], strict=True)  # by member, then sample
        singles = [super(EnsembleQuality, self).compute_metrics(list(of_one)) for of_one in members]
        names = [key for key in metrics if key.startswith('mIoU_')]
        for key in names if singles else ():
            figures = [single[key] for single in singles]
            name = key.replace('mIoU_', 'single_')
            metrics |= {name: round(float(np.mean(figures)), 2), f'{name}_std': round(float(np.std(figures)), 2)}
        certain = sorted(results, key=lambda result: result['uncertainty'])[: len(results) - int(len(results) * self.uncertainty_rate)]
        kept = super().compute_metrics([result['areas'] for result in certain])
        metrics |= {key.replace('mIoU_', 'kept_'): kept[key] for key in names}
        pairs = np.array([(result['uncertainty'], result['error']) for result in results])
        if (np.ptp(pairs, axis=0) == 0).any():
            return metrics
        return metrics | dict(spearman=round(float(spearmanr(*pairs.T).statistic), 3))
