"""Geometric preprocessing of images for a classifier, as in its evaluation, on the device of the images."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmbdg.errors import InputError

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic')


@dataclass(frozen=True)
class View:
    """Centre crop, resize and centre crop of square images.

    Attributes:
        part: Fraction of the height and width kept by the first crop, in (0,1]; default 1: no crop.
        resize: Height and width in pixels after resizing; default None: no resizing.
        crop: Height and width in pixels of the final crop; default None: no crop.
        interpolation: Interpolation of the resizing, one of ``INTERPOLATIONS``; default 'bilinear'.
        antialias: Whether downscaling is antialiased, as in Pillow and unlike OpenCV; default True.

    Raises:
        InputError: The interpolation is unknown.
    """

    part: float = 1
    resize: int | None = None
    crop: int | None = None
    interpolation: str = 'bilinear'
    antialias: bool = True

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(f'the interpolation of a classifier must be {" or ".join(INTERPOLATIONS)}, got "{self.interpolation}"')

    @classmethod
    def whole(cls, size: int, interpolation: str = 'bilinear') -> 'View':
        """View of the whole image, resized to ``size`` pixels."""
        return cls(resize=size, interpolation=interpolation)

    @property
    def size(self) -> int | None:
        """Height and width of the output in pixels; None if the size of the images is kept."""
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
    """Images uint8 (N,3,S,S) -> float32 (N,3,S,S), scaled to [0,1] and standardised by the mean and deviation of the training images."""
    from torchvision.transforms.v2 import functional as F

    return F.normalize(F.to_dtype(images, torch.float32, scale=True), list(mean), list(std))
