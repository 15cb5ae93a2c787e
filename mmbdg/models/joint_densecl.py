"""Joint pre-training: DenseCL on real images, segmentation on synthetic ones (BigDatasetGAN, section 5.3, figure 4)."""

from mmengine.structures import BaseDataElement
from mmpretrain.models.selfsup import DenseCL
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor

from mmbdg.registry import MODELS


@MODELS.register_module()
class JointDenseCL(DenseCL):
    """DenseCL whose backbone also feeds an FPN with a segmentation head; both losses are added.

    The labelled images do not pass through the momentum encoder and the queues. After pre-training only ``backbone.*`` is kept.

    Args:
        seg_neck: Config of the neck on the four stages, e.g. ``mmseg.FPN``.
        seg_head: Config of an mmseg decode head, e.g. ``mmseg.FPNHead`` with ``_scope_='mmseg'``; the weight of the segmentation loss is
            its ``loss_decode.loss_weight``.
        **kwargs: As ``mmpretrain.DenseCL``; the data preprocessor is a :class:`~mmbdg.models.JointDataPreprocessor`.
    """

    def __init__(self, *, seg_neck: dict, seg_head: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.seg_neck = MODELS.build(seg_neck)
        self.seg_head = MODELS.build(seg_head)

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
        """DenseCL's ``loss_single`` and ``loss_dense``, and ``seg.loss_*`` of the segmentation head."""
        losses = super().loss(inputs['ssl'], data_samples['ssl'], **kwargs)
        features = self.seg_neck(self.extract_pyramid(inputs['seg']))
        seg = self.seg_head.loss(features, data_samples['seg'], None)
        return losses | {f'seg.{key}': value for key, value in seg.items()}

    def predict(self, inputs: Tensor, data_samples: list[BaseDataElement]) -> list[BaseDataElement]:
        """Images float (N,3,H,W) -> data samples with ``pred_sem_seg`` and ``seg_logits`` at each image's original size."""
        features = self.seg_neck(self.extract_pyramid(inputs))
        logits = self.seg_head.predict(features, [sample.metainfo for sample in data_samples], None)
        return BaseSegmentor.postprocess_result(self, logits, data_samples)

    def extract_pyramid(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images float (N,3,H,W) -> the outputs of all four stages; DenseCL itself takes the last one only."""
        single = self.backbone.out_indices
        self.backbone.out_indices = (0, 1, 2, 3)
        try:
            return self.backbone(images)
        finally:
            self.backbone.out_indices = single
