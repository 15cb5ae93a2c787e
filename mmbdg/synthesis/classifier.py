"""A trained classifier as a judge of images: for rejection sampling and as a named feature space."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.errors import InputError
from mmbdg.generators.frozen import Frozen
from mmbdg.registry import MODELS


class Classifier:
    """An mmpretrain classifier, frozen.

    Args:
        config: Config of an ``mmpretrain.ImageClassifier`` with ``init_cfg=dict(type='Pretrained', checkpoint=...)``; its own
            preprocessor is used.
        size: Height and width in pixels it is shown; None for the images' own.

    Raises:
        InputError: No checkpoint is named, or it does not fit.
    """

    def __init__(self, config: dict, size: int | None = None) -> None:
        model = MODELS.build(config)
        if not model.init_cfg:
            raise InputError("the classifier needs init_cfg=dict(type='Pretrained', checkpoint=...); an untrained one judges nothing")
        load_pretrained(model, model.init_cfg)
        self._model = Frozen(model)
        self.size = size

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """RGB uint8 (N,3,H,W) -> features behind the neck, float32 (N,D)."""
        model = self._model.on(images.device)
        return model.extract_feat(self._prepare(model, images), stage='neck')[-1].flatten(1)

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """RGB uint8 (N,3,H,W) -> class probabilities float32 (N,K)."""
        model = self._model.on(images.device)
        return model(self._prepare(model, images), mode='tensor').float().softmax(1)

    def _prepare(self, model: torch.nn.Module, images: Tensor) -> Tensor:
        if self.size and images.shape[-1] != self.size:
            images = F.interpolate(images.float(), size=(self.size, self.size), mode='bilinear', antialias=True)
        preprocessor = model.data_preprocessor
        if getattr(preprocessor, 'to_rgb', False):  # mm pipelines hand it BGR
            images = images.flip(1)
        return preprocessor(dict(inputs=images), training=False)['inputs']
