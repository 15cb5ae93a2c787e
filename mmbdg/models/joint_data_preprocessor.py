"""Two kinds of batches, two preprocessors."""

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor

from mmbdg.models.online_data_preprocessor import OnlineDataPreprocessor
from mmbdg.registry import MODELS


@MODELS.register_module()
class JointDataPreprocessor(BaseDataPreprocessor):
    """Hands the parts of a joint batch to their own preprocessors; a plain batch (validation, test) goes to the labelled one's.

    Args:
        ssl: Config of the preprocessor of real views, e.g. ``mmpretrain.SelfSupDataPreprocessor``.
        seg: Config of the preprocessor of labelled images, e.g. ``mmseg.SegDataPreProcessor``.
        non_blocking: Images whose pages are pinned are copied to the GPU while it computes.
    """

    def __init__(self, ssl: dict, seg: dict, non_blocking: bool = True) -> None:
        super().__init__(non_blocking)
        self.ssl, self.seg = MODELS.build(ssl), MODELS.build(seg)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        if not isinstance(data['inputs'], dict):
            return self.seg(data, training)
        parts = {name: {key: data[key][name] for key in ('inputs', 'data_samples')} for name in ('ssl', 'seg')}
        parts['seg'] = _one_batch(**parts['seg'])
        if isinstance(self.seg, OnlineDataPreprocessor):  # takes addresses, which are read on the CPU
            parts['ssl'] = self.cast_data(parts['ssl'])
        else:
            parts = self.cast_data(parts)
        ready = {name: getattr(self, name)(part, training) for name, part in parts.items()}
        return {key: {name: part[key] for name, part in ready.items()} for key in ('inputs', 'data_samples')}


def _one_batch(inputs: Any, data_samples: list) -> dict[str, Any]:
    """With several synthetic images for each real one they come as so many batches: one of all."""
    if isinstance(data_samples[0], list | tuple):
        inputs, data_samples = torch.cat(list(inputs)), [sample for batch in data_samples for sample in batch]
    return dict(inputs=inputs, data_samples=data_samples)
