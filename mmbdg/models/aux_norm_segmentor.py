"""Segmentor of real and synthetic images with auxiliary normalisation."""

from typing import Any

from mmseg.models.segmentors import EncoderDecoder

from mmbdg.errors import InputError
from mmbdg.models.domain_losses import DomainLosses
from mmbdg.registry import MODELS


@MODELS.register_module()
class AuxNormSegmentor(DomainLosses, EncoderDecoder):
    """``mmseg.EncoderDecoder`` whose synthetic images have normalisation layers of their own, see :class:`DomainLosses`.

    Backbone, neck and heads have auxiliary layers. With ``aux_norm=None`` it is ``mmseg.EncoderDecoder`` with the same losses, which also
    takes batches with the parts ``real`` and ``synthetic``.

    Args:
        aux_norm: As in :class:`DomainLosses`.
        synthetic_loss_weight: As in :class:`DomainLosses`; must be 1 with ``aux_norm=None``.
        **kwargs: Arguments of ``mmseg.EncoderDecoder``; the data preprocessor is ``mmseg.SegDataPreProcessor`` or a
            :class:`~mmbdg.models.JointDataPreprocessor` with the parts ``real`` and ``synthetic``.

    Raises:
        InputError: There is a weight but only one loss; see also :class:`DomainLosses`.
    """

    def __init__(self, *, aux_norm: str | None = 'BN', synthetic_loss_weight: float = 1.0, **kwargs: Any) -> None:
        if aux_norm is None and synthetic_loss_weight != 1:
            raise InputError(
                f'synthetic_loss_weight={synthetic_loss_weight} has no effect with aux_norm=None, where all images have one loss: remove it'
            )
        super().__init__(aux_norm=aux_norm, synthetic_loss_weight=synthetic_loss_weight, **kwargs)
