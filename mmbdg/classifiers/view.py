"""How images are shown to a classifier: the geometry of its evaluation, on tensors where the images are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmbdg.errors import InputError

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic')


@dataclass(frozen=True)
class View:
    """Cut, resize, cut: for square images.

    Attributes:
        part: Part of the height and width that is cut out of the centre first.
        resize: Height and width in pixels the images are resized to then; None for their own.
        crop: Height and width in pixels cut out of the centre last; None for all of it.
        interpolation: Of the resizing, one of ``INTERPOLATIONS``.
        antialias: Whether resizing to fewer pixels averages, as Pillow's does and OpenCV's does not.

    Raises:
        InputError: An unknown interpolation.
    """

    part: float = 1
    resize: int | None = None
    crop: int | None = None
    interpolation: str = 'bilinear'
    antialias: bool = True

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(f'a classifier is shown images by {" or ".join(INTERPOLATIONS)} interpolation, not "{self.interpolation}"')

    @classmethod
    def whole(cls, size: int, interpolation: str = 'bilinear') -> 'View':
        """All of the image, resized."""
        return cls(resize=size, interpolation=interpolation)

    @property
    def size(self) -> int | None:
        """Height and width in pixels of what is shown; None for the images' own."""
        return self.crop or self.resize

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (N,3,H,H) -> uint8 (N,3,S,S)."""
        from torchvision.transforms.v2 import InterpolationMode
        from torchvision.transforms.v2 import functional as F

        if self.part < 1:
            kept = self.part * images.shape[-1]
            first = round((images.shape[-1] - kept) / 2)
            images = images[..., first : int(first + kept), first : int(first + kept)]
        if self.resize:
            mode = InterpolationMode(self.interpolation)
            images = F.resize(images, [self.resize, self.resize], mode, antialias=self.antialias)
        return F.center_crop(images, [self.crop, self.crop]) if self.crop else images


def standardised(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (N,3,S,S) -> float32, from [0,1] to the mean and deviation of the training images."""
    from torchvision.transforms.v2 import functional as F

    return F.normalize(F.to_dtype(images, torch.float32, scale=True), list(mean), list(std))
