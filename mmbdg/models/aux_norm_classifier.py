"""Classifier of real and synthetic images with auxiliary normalisation."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils._pytree import tree_map

from mmbdg.errors import InputError
from mmbdg.models.domain_losses import DomainLosses, by_domain
from mmbdg.parts import parts_of
from mmbdg.registry import MODELS


@MODELS.register_module()
class AuxNormClassifier(DomainLosses, ImageClassifier):
    """``mmpretrain.ImageClassifier`` whose synthetic images have normalisation layers of their own, see :class:`DomainLosses`.

    Mixup and CutMix (``batch_augments`` of the data preprocessor, or ``train_cfg``) mix images of the same domain only. For a batch with
    parts they are arguments of each part's data preprocessor.

    With ``aux_norm=None``, backbone and neck see the whole batch at once, as in an ordinary classifier; the losses are still those of each
    domain, so a comparison with and without auxiliary norms differs in nothing else.

    Args:
        train_cfg: ``augments`` and ``probs`` of mmpretrain, for a data preprocessor without parts.
        data_preprocessor: ``mmpretrain.ClsDataPreprocessor`` or :class:`~mmbdg.models.JointDataPreprocessor` with the parts ``real`` and
            ``synthetic``.
        **kwargs: Arguments of :class:`DomainLosses` and ``mmpretrain.ImageClassifier``.

    Raises:
        InputError: ``train_cfg`` is given for a data preprocessor with parts; see also :class:`DomainLosses`.
    """

    def __init__(self, train_cfg: dict | None = None, data_preprocessor: dict | None = None, **kwargs: Any) -> None:
        if parts_of(data_preprocessor or {}):
            if train_cfg:
                raise InputError('train_cfg has no effect on parts: set batch_augments in each part of model.data_preprocessor')
            data_preprocessor = MODELS.build(data_preprocessor)  # mmpretrain would add the key batch_augments
        super().__init__(train_cfg=train_cfg, data_preprocessor=data_preprocessor, **kwargs)
        # The data preprocessor would mix real with synthetic images. It still makes the one-hot labels.
        self.batch_augments = getattr(self.data_preprocessor, 'batch_augments', None)
        if self.batch_augments is not None:
            self.data_preprocessor.batch_augments = None

    def loss(self, inputs: Tensor | Mapping[str, Tensor], data_samples: list | Mapping[str, list]) -> dict[str, Tensor]:
        """Images float (N,3,H,W), or by part -> ``real.loss``, ``synthetic.loss``, and other entries of the head by domain.

        Raises:
            InputError: A domain is missing in the batch.
        """
        parts, samples = by_domain(inputs, data_samples, type(self).__name__)
        if self.batch_augments is not None:
            parts = {domain: self._mixed(images, samples[domain]) for domain, images in parts.items()}
        return super().loss(parts, samples)

    def shared_loss(self, inputs: Mapping[str, Tensor], data_samples: Mapping[str, list[DataSample]]) -> dict[str, Tensor]:
        """Losses of each domain from features of one pass over all images."""
        features = self.extract_feat(torch.cat(list(inputs.values())))
        losses, first = {}, 0
        for domain, samples in data_samples.items():
            own = tree_map(partial(_rows, first=first, number=len(samples)), features)
            losses |= self.of_domain(domain, self.head.loss(own, samples))
            first += len(samples)
        return losses

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates; an auxiliary layer has the depth of its original."""
        return super().get_layer_depth(param_name.removeprefix('aux_norm.'))

    def _mixed(self, images: Tensor, samples: list[DataSample]) -> Tensor:
        """Mixed images of one domain; the samples get the mixed labels."""
        images, scores = self.batch_augments(images, torch.stack([sample.gt_score for sample in samples]))
        for sample, score in zip(samples, scores, strict=True):
            sample.set_gt_score(score)
        return images


def _rows(x: Tensor, first: int, number: int) -> Tensor:
    return x[first : first + number]
