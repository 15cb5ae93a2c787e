"""Joint augmentation of image and mask on their device, with a given random generator."""

import math

import numpy as np
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizedCropFlip:
    """Random resized crop with optional horizontal flip and colour augmentation.

    A fixed number of random numbers is drawn in a fixed order from the given generator, so the same generator state gives the same crop
    whatever other augmentations are enabled.

    Args:
        size: Height and width of the output in pixels, or one number for both.
        area: Minimum and maximum fraction of the image area that a crop covers, in (0, 1].
        ratio: Minimum and maximum aspect ratio (width / height) of a crop; a crop larger than the image is clipped.
        flip: Probability of a horizontal flip.
        brightness, contrast, saturation: Maximum change x in [0, 1]; a factor in [1 - x, 1 + x] is drawn. 0: no change.
        hue: Maximum hue shift x in [0, 0.5], in turns of the colour circle; a shift in [-x, x] is drawn.
        jitter: Probability that the four colour changes are applied.
        grayscale: Probability of conversion to greyscale.
        blur: Probability of a Gaussian blur.
        blur_sigma: Minimum and maximum sigma of the blur, in pixels.

    The settings of MoCo v2 and DenseCL are brightness, contrast and saturation 0.4, hue 0.1, jitter 0.8, grayscale 0.2, blur 0.5 with sigma
    0.1 to 2 (arXiv:2003.04297, section 3), area (0.2, 1).

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
        hue: float = 0.0,
        jitter: float = 1.0,
        grayscale: float = 0.0,
        blur: float = 0.0,
        blur_sigma: tuple[float, float] = (0.1, 2.0),
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.area, self.ratio, self.flip = tuple(area), tuple(ratio), flip
        self.brightness, self.contrast, self.saturation, self.hue, self.jitter = brightness, contrast, saturation, hue, jitter
        self.grayscale, self.blur, self.blur_sigma = grayscale, blur, tuple(blur_sigma)
        if not (0 < area[0] <= area[1] <= 1 and 0 < ratio[0] <= ratio[1]):
            raise InputError(f'area must be two numbers in (0, 1], ratio two above 0, the smaller one first; got {area} and {ratio}')
        if not all(0 <= x <= 1 for x in (flip, brightness, contrast, saturation, 2 * hue, jitter, grayscale, blur)) or min(self.size) < 1:
            raise InputError(f'probabilities and strengths must lie in [0, 1], hue in [0, 0.5], and size be at least 1; got {vars(self)}')
        if not 0 < blur_sigma[0] <= blur_sigma[1]:
            raise InputError(f'blur_sigma must be two numbers above 0, the smaller one first; got {blur_sigma}')

    def __call__(self, image: Tensor, mask: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Image RGB uint8 (3,H,W), mask int64 (H,W) -> both of ``size``; bilinear with antialiasing for the image, nearest for the mask."""
        area, ratio, y, x, flip, *colours = rng.random(13).tolist()
        box = self._box(mask.shape, area, ratio, y, x)
        image = F.resized_crop(image, *box, self.size, InterpolationMode.BILINEAR, antialias=True)
        # NEAREST_EXACT samples at pixel centres; NEAREST samples at corners and shifts the mask against the image.
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
        *strengths, jitter, hue, grayscale, blur, sigma = drawn
        if jitter < self.jitter:
            changes = ((F.adjust_brightness, self.brightness), (F.adjust_contrast, self.contrast), (F.adjust_saturation, self.saturation))
            for (adjust, most), number in zip(changes, strengths, strict=True):
                if most:
                    image = adjust(image, 1 + most * (2 * number - 1))
            if self.hue:
                image = F.adjust_hue(image, self.hue * (2 * hue - 1))
        if grayscale < self.grayscale:
            image = F.rgb_to_grayscale(image, 3)
        if blur < self.blur:
            low, high = self.blur_sigma
            sigma = low + sigma * (high - low)
            radius = min(math.ceil(3 * sigma), min(image.shape[1:]) - 1)
            image = F.gaussian_blur(image, [2 * radius + 1] * 2, [sigma] * 2)
        return image
