"""Marks the samples of a dataset as synthetic."""

from typing import Any

from mmcv.transforms import BaseTransform

from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MarkSynthetic(BaseTransform):
    """Sets ``synthetic=True`` in the meta information of a data sample; the last step of a pipeline, after ``PackInputs``.

    Models with auxiliary norms (:class:`~mmbdg.models.DomainLosses`) read it where real and synthetic images come from one dataset, e.g.
    ``ConcatDataset``. Samples without it are real. The parts of a :class:`~mmbdg.datasets.JointDataset` need no mark.
    """

    def transform(self, results: dict) -> dict:
        """Mark ``results['data_samples']``.

        Raises:
            InputError: The sample has not been packed.
        """
        if 'data_samples' not in results:
            raise InputError('mmbdg.MarkSynthetic marks data samples: place it after PackInputs (mmpretrain) or PackSegInputs (mmseg)')
        results['data_samples'].set_metainfo(dict(synthetic=True))
        return results


def marks_synthetic(pipeline: Any) -> bool:
    """Whether a pipeline contains the transform, also inside others."""
    steps = getattr(pipeline, 'transforms', None)
    inner = steps if isinstance(steps, list | tuple) else pipeline if isinstance(pipeline, list | tuple) else ()
    return isinstance(pipeline, MarkSynthetic) or any(map(marks_synthetic, inner))
