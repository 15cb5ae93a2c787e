"""Decode heads that compute their loss at a coarser resolution than the image."""

from typing import Any

from mmseg.models.decode_heads import ASPPHead as PlainASPPHead
from mmseg.models.decode_heads import FCNHead as PlainFCNHead
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.registry import MODELS


class LossStride:
    """Mixin for mmseg's decode heads: the loss compares logits and labels at a stride.

    mmseg's heads upsample the logits to the size of the image for the loss. With 992 labels and 16 crops of 512 px these take 16.6 GB in
    float32. At stride 8, that of the logits of a dilated ResNet, they take 0.26 GB. Labels are subsampled: each cell of stride x stride
    pixels has the label of the pixel next to its centre. Predictions have the size of the image.

    Args:
        loss_stride: Stride of the loss in pixels. Default: 1, as in mmseg.
        **kwargs: Arguments of the head.
    """

    def __init__(self, loss_stride: int = 1, **kwargs: Any) -> None:
        if not isinstance(loss_stride, int) or loss_stride < 1:
            raise InputError(f'loss_stride must be a whole number of at least 1, got {loss_stride!r}')
        super().__init__(**kwargs)
        self.loss_stride = loss_stride

    def _stack_batch_gt(self, batch_data_samples: list) -> Tensor:
        return subsampled(super()._stack_batch_gt(batch_data_samples), self.loss_stride)


def subsampled(labels: Tensor, stride: int) -> Tensor:
    """Label of the pixel next to the centre of each cell of ``stride`` x ``stride`` pixels, for labels (...,H,W)."""
    return labels[..., stride // 2 :: stride, stride // 2 :: stride]


@MODELS.register_module()
class ASPPHead(LossStride, PlainASPPHead):
    """``mmseg.ASPPHead``, the head of DeepLabv3, with ``loss_stride``, see :class:`LossStride`."""


@MODELS.register_module()
class FCNHead(LossStride, PlainFCNHead):
    """``mmseg.FCNHead`` with ``loss_stride``, see :class:`LossStride`."""
