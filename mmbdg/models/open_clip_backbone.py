"""The image tower of a CLIP model as a backbone of mmpretrain."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.embedders.clip_model import clip_model
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

TOLERANCE = 0.05
"""Largest difference in grey levels between the values of a config, which may be rounded, and those of the CLIP model."""


@MODELS.register_module()
class OpenCLIPBackbone(BaseModule):
    """The image tower of a CLIP model of open_clip; its output is the vector of the image, as from ``encode_image``.

    The architecture is built at once; ``init_weights``, which a training calls, reads the weights of the CLIP model. With ``init_cfg``
    it reads those of the ``init_cfg`` instead, such as a fine-tuned backbone:
    ``dict(type='Pretrained', checkpoint=PATH, prefix='backbone.')``.

    Args:
        folder, model, pretrained, weights: The CLIP model, see :func:`~mmbdg.embedders.clip_model.clip_model`.
        normalize: Whether the vectors are scaled to length 1. Default: True.
        frozen: Whether the weights stay as they are: no gradients, always in evaluation mode. Default: False.
        with_cp: Whether activations are computed again in the backward pass, which saves memory. Default: False.
        init_cfg: See mmengine's ``BaseModule``.

    Attributes:
        clip: Description of the CLIP model, with its preprocessing.
        visual: open_clip's image tower; its parameters have the names of open_clip's checkpoints.

    Raises:
        InputError: See :func:`~mmbdg.embedders.clip_model.clip_model`.
    """

    def __init__(
        self,
        folder: str | None = None,
        model: str | None = None,
        pretrained: str | None = None,
        weights: str | None = None,
        normalize: bool = True,
        frozen: bool = False,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.clip = clip_model(folder, model, pretrained, weights)
        self.normalize, self.frozen = normalize, frozen
        self.visual = self.clip.build().visual
        if with_cp:
            self.visual.set_grad_checkpointing()
        if frozen:
            self.visual.requires_grad_(False)

    def init_weights(self) -> None:
        """Read the weights, see above.

        Raises:
            InputError: The file is missing or damaged, or it holds the weights of another architecture.
        """
        if self.init_cfg:
            super().init_weights()
        else:
            self.visual.load_state_dict(self.clip.load().visual.state_dict())

    def train(self, mode: bool = True) -> 'OpenCLIPBackbone':
        """Set the training mode; a frozen tower stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.visual.eval()
        return self

    def check_preprocessor(self, preprocessor: nn.Module) -> None:
        """Check that a data preprocessor normalises images as in the training of the CLIP model.

        Args:
            preprocessor: Data preprocessor with ``mean`` and ``std`` for pixel values from 0 to 255, as those of mmpretrain.

        Raises:
            InputError: Mean, standard deviation or the order of the channels differ.
        """
        for key in ('mean', 'std'):
            wanted = [255 * value for value in self.clip.preprocessing[key]]
            found = getattr(preprocessor, key, None)
            values = [] if found is None else [float(value) for value in torch.as_tensor(found).flatten()]
            if len(values) != 3 or any(abs(one - other) > TOLERANCE for one, other in zip(values, wanted, strict=True)):
                raise InputError(
                    f'{self.clip.title} was trained with {key}={_rounded(wanted)} of the pixel values 0 to 255, '
                    f'model.data_preprocessor has {_rounded(values) if values else "none"}'
                )
        if not getattr(preprocessor, 'to_rgb', True):
            raise InputError(f'{self.clip.title} takes RGB images, and pipelines load BGR: set model.data_preprocessor.to_rgb=True')

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Vectors of images.

        Args:
            images: N normalised RGB images, float32 (N,3,H,W) of the model's size.

        Returns:
            One entry: float32 (N,D).

        Raises:
            InputError: The images have another size than the model takes.
        """
        if tuple(images.shape[-2:]) != self.clip.image_size:
            raise InputError(
                f'{self.clip.title} takes images of {self.clip.image_size[0]} x {self.clip.image_size[1]} px, the pipeline gives '
                f'{images.shape[-2]} x {images.shape[-1]}: resize and crop them in the pipeline of the dataset'
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            vectors = self.visual(images)
        return (F.normalize(vectors, dim=-1) if self.normalize else vectors,)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
