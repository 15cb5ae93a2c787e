"""Joint pre-training: self-supervision on real images, segmentation of synthetic ones (BigDatasetGAN, section 5.3, figure 4)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import Sequential
from mmengine.structures import BaseDataElement
from mmpretrain.models import selfsup
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.interpreter.early_gradient import losses_with_gradient_now
from mmbdg.models.activation_checkpointing import checkpoint_activations
from mmbdg.models.densecl import DenseCL
from mmbdg.models.float32_losses import float32_losses
from mmbdg.registry import MODELS


class JointPretraining:
    """Put before a self-supervised method of mmpretrain: its backbone also feeds a segmentation head, and the losses are added.

    The labelled images pass through the backbone only, not through the method's neck, momentum encoder and queues. After pre-training only
    ``backbone.*`` is kept.

    Args:
        seg_neck: Config of the neck on the backbone's maps, e.g. ``mmseg.FPN``; or several, one after the other; a plain ViT, whose maps
            are all of one size, takes ``mmseg.Feature2Pyramid``.
        seg_head: Config of an mmseg decode head, e.g. ``mmbdg.FPNHead`` with ``_scope_='mmseg'``; the weight of the segmentation loss is
            its ``loss_decode.loss_weight``.
        seg_stages: Which of the backbone's stages (a ViT's layers) the neck gets.
        activation_checkpointing: Less memory for more time, see :func:`~mmbdg.models.activation_checkpointing.checkpoint_activations`.
        **kwargs: As the method; the data preprocessor is a :class:`~mmbdg.models.JointDataPreprocessor`.

    Raises:
        InputError: The backbone cannot be read at several stages, or not be checkpointed.
    """

    def __init__(
        self,
        *,
        seg_neck: dict | Sequence[dict],
        seg_head: dict,
        seg_stages: Sequence[int] = (0, 1, 2, 3),
        activation_checkpointing: bool = False,
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

    @property
    def align_corners(self) -> bool:
        """Read by mmseg's postprocessing."""
        return self.seg_head.align_corners

    def forward(self, inputs: Tensor | dict, data_samples: list | dict | None = None, mode: str = 'tensor') -> dict | Tensor | list:
        """``loss`` takes ``dict(ssl=[view, view], seg=images)``; ``predict`` and ``tensor`` take images float (N,3,H,W)."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def loss(self, inputs: dict, data_samples: dict, **kwargs) -> dict[str, Tensor]:
        """The losses of the self-supervised method, and ``seg.loss_*`` of the segmentation head.

        What a method calls ``loss`` is ``ssl.loss`` here: mmengine logs the sum of all under that name. The graph of the self-supervised
        losses is gone before the segmentation branch builds its own: memory is that of the larger of the two.
        """
        with float32_losses(self):
            losses = super().loss(inputs['ssl'], data_samples['ssl'], **kwargs)
        if not _needs_one_graph():
            losses = losses_with_gradient_now(losses, list(self.parameters()))
        features = self.seg_neck(self.extract_pyramid(inputs['seg']))
        seg = self.seg_head.loss(features, data_samples['seg'], None)
        losses = {'ssl.loss' if key == 'loss' else key: value for key, value in losses.items()}
        return losses | {f'seg.{key}': value for key, value in seg.items()}

    def predict(self, inputs: Tensor, data_samples: list[BaseDataElement]) -> list[BaseDataElement]:
        """Images float (N,3,H,W) -> data samples with ``pred_sem_seg`` and ``seg_logits`` at each image's original size."""
        features = self.seg_neck(self.extract_pyramid(inputs))
        logits = self.seg_head.predict(features, [sample.metainfo for sample in data_samples], None)
        return BaseSegmentor.postprocess_result(self, logits, data_samples)

    def extract_pyramid(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images float (N,3,H,W) -> the maps (N,C,h,w) of ``seg_stages``; the self-supervised method itself takes what it always does."""
        backbone, changes = self.backbone, dict(out_indices=self.seg_stages)
        if hasattr(backbone, 'out_type'):  # of a ViT: maps, not the class token
            changes['out_type'] = 'featmap'
        usual = {name: getattr(backbone, name) for name in changes}
        try:
            for name, value in changes.items():
                setattr(backbone, name, value)
            return backbone(images)
        finally:
            for name, value in usual.items():
                setattr(backbone, name, value)


def _needs_one_graph() -> bool:
    """float16 underflows in a backward pass before the scaler multiplied the loss; torch.compile does not follow a gradient inside."""
    half = torch.is_autocast_enabled('cuda') and torch.get_autocast_dtype('cuda') == torch.float16
    return half or torch.compiler.is_compiling()


@MODELS.register_module()
class JointDenseCL(JointPretraining, DenseCL):
    """DenseCL: the paper's."""


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
