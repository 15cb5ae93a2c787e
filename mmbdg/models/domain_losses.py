"""Losses of a batch of real and synthetic images, with normalisation layers of their own for each."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.models.aux_norm import AuxNorm
from mmbdg.models.part_losses import PartLosses

DOMAINS = ('real', 'synthetic')
"""The parts of a batch. The real images use the model's own normalisation layers."""

Batch = tuple[Mapping[str, Any], Mapping[str, list[BaseDataElement]]]


class DomainLosses(PartLosses):
    """Mixin for a classifier or segmentor. It computes the losses of real and of synthetic images in separate passes and adds them up.

    In a class definition it precedes the model: ``class AuxNormClassifier(DomainLosses, ImageClassifier)``.

    A batch has the parts ``real`` and ``synthetic`` of a :class:`~mmbdg.datasets.JointDataset`, or its data samples say what they are
    (:class:`~mmbdg.datasets.MixedDataset`, :class:`~mmbdg.datasets.MarkSynthetic`), in any order and number. The losses are ``real.*``
    and ``synthetic.*``; each is the mean over its domain, so the numbers of images do not weight them. Predictions use the main layers.

    Args:
        aux_norm: Kind of the auxiliary normalisation, see :class:`~mmbdg.models.AuxNorm`; None: both domains share all layers.
        synthetic_loss_weight: Weight of the losses of synthetic images, at least 0; the real ones have 1. Default 1 (unknown in the paper).
        **kwargs: Arguments of the model.

    Raises:
        InputError: The weight is negative; see also :class:`~mmbdg.models.AuxNorm`.
    """

    part_losses: ClassVar = dict(real='real_loss', synthetic='synthetic_loss')

    def __init__(self, *, aux_norm: str | None = 'BN', synthetic_loss_weight: float = 1.0, **kwargs: Any) -> None:
        if not synthetic_loss_weight >= 0:
            raise InputError(f'synthetic_loss_weight must be at least 0, got {synthetic_loss_weight}')
        super().__init__(**kwargs)
        self.synthetic_loss_weight = synthetic_loss_weight
        self.aux_norm = None if aux_norm is None else AuxNorm(self, aux_norm)

    def loss(self, inputs: Tensor | Mapping[str, Tensor], data_samples: list | Mapping[str, list]) -> dict[str, Tensor]:
        """Images float (N,3,H,W), or by part -> the losses of both domains.

        Raises:
            InputError: A domain is missing in the batch.
        """
        if self.aux_norm is None:
            return self.shared_loss(inputs, data_samples)
        return super().loss(*by_domain(inputs, data_samples, type(self).__name__))

    def real_loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Losses of the real images with the main layers."""
        return self.of_domain('real', super(PartLosses, self).loss(inputs, data_samples))

    def synthetic_loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Losses of the synthetic images with the auxiliary layers."""
        return self.of_domain('synthetic', self.aux_norm(super(PartLosses, self).loss, inputs, data_samples))

    def shared_loss(self, inputs: Tensor | Mapping[str, Tensor], data_samples: list | Mapping[str, list]) -> dict[str, Tensor]:
        """Losses with ``aux_norm=None``: those of the model, in one pass over all images of the batch."""
        if isinstance(inputs, Mapping):
            inputs, data_samples = torch.cat(list(inputs.values())), [sample for part in data_samples.values() for sample in part]
        return super(PartLosses, self).loss(inputs, data_samples)

    def of_domain(self, domain: str, losses: Mapping[str, Any]) -> dict[str, Any]:
        """Losses with the name of their domain, weighted. A key ``loss`` alone would replace the sum of all losses in mmengine's log."""
        weight = self.synthetic_loss_weight if domain == 'synthetic' else 1.0
        return {f'{domain}.{key}': _weighted(value, weight) if 'loss' in key else value for key, value in losses.items()}


def _weighted(value: Tensor | list[Tensor], weight: float) -> Tensor:
    """One weighted loss; a list of losses is added up as mmengine does."""
    return weight * (value if isinstance(value, Tensor) else sum(one.mean() for one in value))


def by_domain(inputs: Tensor | Mapping[str, Tensor], data_samples: list | Mapping[str, list], who: str) -> Batch:
    """A batch by domain.

    Args:
        inputs: Images (N,...), or by part; parts are returned as they are.
        data_samples: N data samples, of which the synthetic ones have ``synthetic=True`` (:class:`~mmbdg.datasets.MarkSynthetic`) or
            ``source='synthetic'`` (:class:`~mmbdg.datasets.MixedDataset`) in their meta information; or by part.
        who: Class of the model for the message.

    Raises:
        InputError: A domain is missing.
    """
    if isinstance(inputs, Mapping):
        return inputs, data_samples
    places: dict[str, list[int]] = {domain: [] for domain in DOMAINS}
    for place, sample in enumerate(data_samples):
        synthetic = sample.get('synthetic', False) or sample.get('source') == 'synthetic'
        places['synthetic' if synthetic else 'real'].append(place)
    for domain in DOMAINS:
        if not places[domain]:
            raise InputError(
                f'a batch of {len(data_samples)} images has no {domain} image, but {who} needs both domains in each batch: end the '
                "pipeline of the synthetic dataset with dict(type='mmbdg.MarkSynthetic'), and draw both in a fixed ratio, e.g. as the "
                'parts real and synthetic of a mmbdg.MixedDataset, with a mmbdg.SourceRatioSampler; or set model.aux_norm=None'
            )
    return (
        {domain: inputs[torch.tensor(found, device=inputs.device)] for domain, found in places.items()},
        {domain: [data_samples[place] for place in found] for domain, found in places.items()},
    )
