"""Semantic FPN head that computes its loss at the resolution of its logits."""

from mmseg.models.decode_heads import FPNHead as PlainFPNHead
from torch import Tensor

from mmbdg.models.loss_stride import subsampled
from mmbdg.registry import MODELS


@MODELS.register_module()
class FPNHead(PlainFPNHead):
    """``mmseg.FPNHead`` whose loss compares logits and labels at the finest stride (4) instead of upsampling the logits.

    mmseg's head upsamples the logits from (N,C,H/4,W/4) to (N,C,H,W) for its loss. With C = 992 labels (MC-992), N = 32 and
    224 px this takes 6.4 GB in float32, and as much again for the softmax and for its gradient; at stride 4 it is 0.4 GB each. Labels are
    subsampled: each cell of 4 x 4 pixels has the label of the pixel next to its centre.
    """

    def _stack_batch_gt(self, batch_data_samples: list) -> Tensor:
        return subsampled(super()._stack_batch_gt(batch_data_samples), self.feature_strides[0])
