"""Joint pre-training: self-supervision on real images and segmentation of synthetic images (BigDatasetGAN, section 5.3, figure 4)."""

from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar

from mmengine.model import Sequential
from mmengine.structures import BaseDataElement
from mmpretrain.models import selfsup
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.models.activation_checkpointing import checkpoint_activations
from mmbdg.models.aux_norm import AuxNorm
from mmbdg.models.densecl import DenseCL
from mmbdg.models.float32_losses import float32_losses
from mmbdg.models.part_losses import PartLosses
from mmbdg.registry import MODELS


class JointPretraining(PartLosses):
    """Mixin for a self-supervised method of mmpretrain. It adds a segmentation head on the same backbone and sums the losses.

    In a class definition it precedes the method: ``class JointMoCo(JointPretraining, selfsup.MoCo)``.

    The part ``ssl`` of a batch goes through the self-supervised method. The part ``seg`` goes through the backbone, the segmentation
    neck and head, but not through the method's neck, momentum encoder and queues. After pre-training only ``backbone.*`` is kept.

    Args:
        seg_neck: Config of the neck on the backbone's maps, e.g. ``mmseg.FPN``, or a list of necks that are applied one after another. A
            plain ViT needs ``mmseg.Feature2Pyramid``, because all its maps have the same size.
        seg_head: Config of an mmseg decode head, e.g. ``mmbdg.FPNHead`` with ``_scope_='mmseg'``; the weight of the segmentation loss is
            its ``loss_decode.loss_weight``.
        seg_stages: Indices of the backbone's stages (layers of a ViT) that the neck receives; default: the first four.
        activation_checkpointing: Whether activations are recomputed in the backward pass. This needs less memory and more time; default
            False. See :func:`~mmbdg.models.activation_checkpointing.checkpoint_activations`.
        aux_norm: Kind of an auxiliary normalisation of the backbone for the part ``seg``, see :class:`~mmbdg.models.AuxNorm`. Default
            None: both parts share the backbone's layers, as in the paper. Predictions use the backbone's layers in any case.
        **kwargs: Arguments of the method; the data preprocessor is a :class:`~mmbdg.models.JointDataPreprocessor`.

    Raises:
        InputError: The backbone has no stages that can be read, cannot be checkpointed, or has no layers of the kind ``aux_norm``.
    """

    part_losses: ClassVar = dict(ssl='ssl_loss', seg='seg_loss')

    def __init__(
        self,
        *,
        seg_neck: dict | Sequence[dict],
        seg_head: dict,
        seg_stages: Sequence[int] = (0, 1, 2, 3),
        activation_checkpointing: bool = False,
        aux_norm: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seg_neck = Sequential(*map(MODELS.build, seg_neck)) if isinstance(seg_neck, Sequence) else MODELS.build(seg_neck)
        self.seg_head = MODELS.build(seg_head)
        self.seg_stages = tuple(seg_stages)
        if not hasattr(self.backbone, 'out_indices'):
            raise InputError(f'{type(self.backbone).__name__} has no out_indices: its stages cannot be read for the segmentation branch')
        if activation_checkpointing:
            checkpoint_activations(self.backbone)
        self.aux_norm = None if aux_norm is None else AuxNorm(self, aux_norm, within=['backbone'])

    @property
    def align_corners(self) -> bool:
        """Whether logits are resized with aligned corners; mmseg's postprocessing reads it."""
        return self.seg_head.align_corners

    def forward(self, inputs: Tensor | dict, data_samples: list | dict | None = None, mode: str = 'tensor') -> dict | Tensor | list:
        """``loss`` takes ``dict(ssl=[view, view], seg=images)``; ``predict`` and ``tensor`` take images float (N,3,H,W)."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def ssl_loss(self, inputs: list[Tensor], data_samples: list[BaseDataElement]) -> dict[str, Tensor]:
        """Two views float (N,3,H,W) -> the losses of the self-supervised method.

        The method's key ``loss`` is renamed to ``ssl.loss``, because mmengine logs the sum of all losses as ``loss``.
        """
        with float32_losses(self):
            losses = super(PartLosses, self).loss(inputs, data_samples)
        return {'ssl.loss' if key == 'loss' else key: value for key, value in losses.items()}

    def seg_loss(self, inputs: Tensor, data_samples: list[BaseDataElement]) -> dict[str, Tensor]:
        """Images float (N,3,H,W) and data samples with ``gt_sem_seg`` -> ``seg.loss_*`` of the segmentation head."""
        pyramid = self.extract_pyramid(inputs) if self.aux_norm is None else self.aux_norm(self.extract_pyramid, inputs)
        features = self.seg_neck(pyramid)
        return {f'seg.{key}': value for key, value in self.seg_head.loss(features, data_samples, None).items()}

    def predict(self, inputs: Tensor, data_samples: list[BaseDataElement]) -> list[BaseDataElement]:
        """Images float (N,3,H,W) -> data samples with ``pred_sem_seg`` and ``seg_logits`` at each image's original size."""
        features = self.seg_neck(self.extract_pyramid(inputs))
        logits = self.seg_head.predict(features, [sample.metainfo for sample in data_samples], None)
        return BaseSegmentor.postprocess_result(self, logits, data_samples)

    def extract_pyramid(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images float (N,3,H,W) -> the maps (N,C,h,w) of ``seg_stages``. The backbone itself is not changed."""
        backbone = copy(self.backbone)  # shallow: the same layers, parameters, buffers and hooks, with attributes of its own
        backbone.out_indices = self.seg_stages
        if hasattr(backbone, 'out_type'):  # a ViT has to return maps, not the class token
            backbone.out_type = 'featmap'
        return backbone(images)


@MODELS.register_module()
class JointDenseCL(JointPretraining, DenseCL):
    """DenseCL, the method of the paper."""


@MODELS.register_module()
class JointMoCo(JointPretraining, selfsup.MoCo):
    """MoCo v2."""


@MODELS.register_module()
class JointMoCoV3(JointPretraining, selfsup.MoCoV3):
    """MoCo v3, with a ResNet or a plain ViT."""


@MODELS.register_module()
class JointBYOL(JointPretraining, selfsup.BYOL):
    """BYOL."""


@MODELS.register_module()
class JointSimCLR(JointPretraining, selfsup.SimCLR):
    """SimCLR."""


@MODELS.register_module()
class JointSimSiam(JointPretraining, selfsup.SimSiam):
    """SimSiam."""


@MODELS.register_module()
class JointBarlowTwins(JointPretraining, selfsup.BarlowTwins):
    """Barlow Twins."""
