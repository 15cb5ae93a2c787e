"""Augmentation of image and mask together, on the device they are on, from a given generator of random numbers."""

import math

import numpy as np
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizedCropFlip:
    """A random crop, resized, perhaps mirrored, perhaps in other colours.

    All that is random comes from the generator it is called with, in a fixed order and number: the same one gives the same crop whatever
    else is switched on.

    Args:
        size: Height and width of the result in pixels, or one number for both.
        area: Smallest and largest part of the image that a crop covers.
        ratio: Smallest and largest width by height of a crop; where it does not fit into the image it is cut off.
        flip: Probability of a mirror image.
        brightness, contrast, saturation: A factor is drawn between 1 - x and 1 + x; 0 leaves the colours alone.

    Raises:
        InputError: A range is empty or out of bounds.
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        area: tuple[float, float] = (0.25, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        flip: float = 0.5,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.area, self.ratio, self.flip = tuple(area), tuple(ratio), flip
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation
        if not (0 < area[0] <= area[1] <= 1 and 0 < ratio[0] <= ratio[1]):
            raise InputError(f'area must be two numbers in (0, 1], ratio two above 0, the smaller one first; got {area} and {ratio}')
        if not all(0 <= x <= 1 for x in (flip, brightness, contrast, saturation)) or min(self.size) < 1:
            raise InputError(f'flip, brightness, contrast and saturation must lie in [0, 1], and size be at least 1; got {vars(self)}')

    def __call__(self, image: Tensor, mask: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Image RGB uint8 (3,H,W), mask int64 (H,W) -> the same of ``size``: the image bilinear with antialiasing, the mask nearest."""
        area, ratio, y, x, flip, *colours = rng.random(8).tolist()
        box = self._box(mask.shape, area, ratio, y, x)
        image = F.resized_crop(image, *box, self.size, InterpolationMode.BILINEAR, antialias=True)
        # Exact: a pixel's centre decides. Plain nearest takes another corner's and shifts the mask against the image.
        mask = F.resized_crop(mask[None], *box, self.size, InterpolationMode.NEAREST_EXACT)[0]
        if flip < self.flip:
            image, mask = F.horizontal_flip(image), F.horizontal_flip(mask)
        return self._recoloured(image, colours), mask

    def _box(self, shape: tuple[int, int], area: float, ratio: float, y: float, x: float) -> tuple[int, int, int, int]:
        """Top, left, height and width of the crop, in pixels, from numbers in [0, 1)."""
        height, width = shape
        area = height * width * (self.area[0] + area * (self.area[1] - self.area[0]))
        low, high = map(math.log, self.ratio)
        ratio = math.exp(low + ratio * (high - low))
        h, w = (min(side, max(1, round(math.sqrt(of)))) for side, of in ((height, area / ratio), (width, area * ratio)))
        return int(y * (height - h + 1)), int(x * (width - w + 1)), h, w

    def _recoloured(self, image: Tensor, drawn: list[float]) -> Tensor:
        changes = ((F.adjust_brightness, self.brightness), (F.adjust_contrast, self.contrast), (F.adjust_saturation, self.saturation))
        for (adjust, most), number in zip(changes, drawn, strict=True):
            if most:
                image = adjust(image, 1 + most * (2 * number - 1))
        return image
