"""A frozen backbone instead of a generator: it gives features of real images to a feature interpreter."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.compat.init_configs import current_init
from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator, FeatureInfo
from mmbdg.registry import MODELS, WEIGHT_INITIALIZERS

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Mean and standard deviation of ImageNet, RGB, 0 to 255."""
PRETRAINED_BACKBONE = 'mmbdg.PretrainedBackbone'


@MODELS.register_module()
class ImageBackbone(ClassConditionalGenerator):
    """Features of real images from a frozen backbone, with the interface of a generator whose latent is the image itself.

    A feature interpreter on this backbone is trained on annotated real images and labels real images. Training, ensemble and uncertainty
    are the same as with a generator. The backbone generates no images: :class:`~mmbdg.sources.RealImageSource` reads them.

    Args:
        resolution: Height and width R of the images in pixels; masks have the same size.
        library: Library of the backbone, "timm" or "mmpretrain".
        model: Name of the backbone in the library, such as "resnet18" for timm and "ResNet" for mmpretrain.
        arguments: Arguments of the backbone, such as ``dict(depth=18)``, as plain values. Default: none.
        out_indices: Indices of the stages whose features are used, fine to coarse. Default: (0, 1, 2, 3).
        input_size: Height and width in pixels to which images are resized for the backbone. A larger size gives larger feature maps.
            Default: None, ``resolution``.
        image_tap: Whether the image itself is used as a feature at full resolution, so that masks follow edges. Default: True.
        num_classes: Number of classes K that images may have. Default: 1.
        conditional: Whether the interpreter is conditioned on the class of an image. If False, the class may be unknown.
        mean, std: Normalisation of the backbone, RGB in 0 to 255. Default: ImageNet's.
        init_cfg: ``dict(type='mmbdg.PretrainedBackbone', checkpoint=PATH)`` for the published weights of the backbone.

    Raises:
        InputError: The library is not installed or does not have the backbone, or features are not square.
    """

    latent_distribution = 'image'
    whole_because = 'it draws no images'
    embed_dim = 0

    def __init__(
        self,
        resolution: int,
        library: Literal['timm', 'mmpretrain'],
        model: str,
        arguments: Mapping[str, Any] | None = None,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        input_size: int | None = None,
        image_tap: bool = True,
        num_classes: int = 1,
        conditional: bool = False,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.resolution, self.latent_dim, self.num_classes = resolution, 3 * resolution**2, num_classes
        self.input_size, self.image_tap, self.conditional = input_size or resolution, image_tap, conditional
        self.backbone = _backbone(library, model, dict(arguments or {}), tuple(out_indices))
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.feature_info = self._taps()

    def embed(self, y: Tensor) -> Tensor:
        """Class indices int64 (N,), replaced by zeros if the model is not conditional."""
        return y if self.conditional else torch.zeros_like(y)

    def generate(self, z: Tensor, y: Tensor, features: list[Tensor] | None = None) -> Tensor:
        """Convert latents, float32 (N,3*R*R) in [-1,1], to images, (N,3,R,R); see the base class for ``features``."""
        images = z.unflatten(1, (3, self.resolution, self.resolution))
        if features is not None:
            features += self._features(images)
        return images

    def init_weights(self) -> None:
        """Load weights of the backbone with the publisher's names, or all weights with the names of this module.

        Raises:
            InputError: The checkpoint does not hold exactly the required tensors.
        """
        init = current_init(self.init_cfg or {})
        if init.get('type') == PRETRAINED_BACKBONE:
            WEIGHT_INITIALIZERS.build(init)(self.backbone)
        elif init:
            load_pretrained(self, init)
        self.is_init = True

    def _features(self, images: Tensor) -> list[Tensor]:
        """Features of images float (N,3,R,R) in [-1,1], coarse to fine."""
        inputs = ((images + 1) * 127.5 - self.mean) / self.std
        if self.input_size != self.resolution:
            inputs = F.interpolate(inputs, size=(self.input_size,) * 2, mode='bilinear', align_corners=False, antialias=True)
        found = sorted(self.backbone(inputs), key=lambda feature: feature.shape[-1])
        return [*found, images] if self.image_tap else found

    @torch.no_grad()
    def _taps(self) -> tuple[FeatureInfo, ...]:
        training = self.backbone.training
        self.backbone.eval()
        shapes = [tuple(feature.shape[1:]) for feature in self._features(torch.zeros(1, 3, self.resolution, self.resolution))]
        self.backbone.train(training)
        if wrong := [shape for shape in shapes if shape[1] != shape[2]]:
            raise InputError(f'the backbone gives features of {wrong[0][1]}x{wrong[0][2]} for square images; only square ones can be used')
        names = [f'stage{i}' for i in range(len(shapes) - self.image_tap)] + ['image'] * self.image_tap
        return tuple(
            FeatureInfo(channels, size, name, max(1, self.resolution // size))
            for (channels, size, _), name in zip(shapes, names, strict=True)
        )


def _backbone(library: str, model: str, arguments: dict[str, Any], out_indices: tuple[int, ...]) -> nn.Module:
    if library == 'timm':
        try:
            import timm
        except ImportError as error:
            raise InputError(f'this backbone needs timm, which cannot be imported ({error}): pip install "mmbdg[analysis]"') from error
        if model not in timm.list_models():
            raise InputError(f'timm has no model "{model}"; timm.list_models() lists them')
        return timm.create_model(model, pretrained=False, features_only=True, out_indices=out_indices, **arguments)
    if library != 'mmpretrain':
        raise InputError(f'library must be timm or mmpretrain, got {library!r}')
    try:
        import mmpretrain.models.backbones as backbones
    except ImportError as error:
        raise InputError(f'this backbone needs mmpretrain, which cannot be imported ({error}): pip install "mmbdg[onedl]"') from error
    kind = getattr(backbones, model, None) if model.isidentifier() and model in backbones.__all__ else None
    if kind is None:
        raise InputError(f'mmpretrain has no backbone "{model}"; mmpretrain.models.backbones lists them')
    device = torch.get_default_device()
    with torch.device('cpu'):  # mmpretrain reads tensor values while it builds, which is impossible on the meta device
        network = kind(out_indices=out_indices, **arguments)
    return network.to(device)
