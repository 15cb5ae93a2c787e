"""The semantic FPN head with its loss where the logits are."""

from mmseg.models.decode_heads import FPNHead as PlainFPNHead
from torch import Tensor

from mmbdg.registry import MODELS


@MODELS.register_module()
class FPNHead(PlainFPNHead):
    """``mmseg.FPNHead`` whose loss compares logits and labels at the finest stride (4) instead of enlarging the logits.

    The head of mmseg enlarges (N,C,H/4,W/4) logits to (N,C,H,W) for its loss. With C = 992 labels (MC-992), N = 32 and
    224 px that is 6.4 GB in float32, and as much again for the softmax and for its gradient; at stride 4 it is 0.4 GB each. Labels are
    thinned: of each cell of 4 x 4 pixels the one next to its centre decides.
    """

    def _stack_batch_gt(self, batch_data_samples: list) -> Tensor:
        stride = self.feature_strides[0]
        return super()._stack_batch_gt(batch_data_samples)[..., stride // 2 :: stride, stride // 2 :: stride]
