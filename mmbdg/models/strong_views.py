"""Strongly augmented views of a batch of images, for training on pseudo-labels."""

import inspect
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from mmbdg.errors import InputError, nearest


class StrongViews:
    """Colour jitter, grey, blur and CutMix. torchvision owns the definitions; each image draws its own random numbers.

    All random numbers come from torch's global generator on the CPU.

    Args:
        jitter: Strength of brightness, contrast and saturation, at least 0: factors are uniform in [1 - jitter, 1 + jitter], from 0 on.
        hue: Strength of hue, 0 to 0.5 of the colour circle.
        jitter_prob: Probability of the colour jitter (all four), 0 to 1.
        grey_prob: Probability that an image becomes grey, 0 to 1.
        blur_sigma: Smallest and largest standard deviation of the Gaussian blur in pixels, above 0.
        blur_prob: Probability of the blur, 0 to 1.
        cutmix_prob: Probability that a box of an image is replaced by that of its neighbour in the batch, 0 to 1. The share of the box is
            uniform in (0,1) before it is cut at the border (CutMix with alpha = 1, Yun et al. 2019).

    The defaults are the strong view of FixMatch for segmentation in UniMatch (Yang et al. 2023), apart from the size of the boxes.

    Raises:
        InputError: A value is out of range.
    """

    def __init__(
        self,
        jitter: float = 0.5,
        hue: float = 0.25,
        jitter_prob: float = 0.8,
        grey_prob: float = 0.2,
        blur_sigma: Sequence[float] = (0.1, 2.0),
        blur_prob: float = 0.5,
        cutmix_prob: float = 0.5,
    ) -> None:
        for name, value in dict(jitter=jitter_prob, grey=grey_prob, blur=blur_prob, cutmix=cutmix_prob).items():
            if not 0 <= value <= 1:
                raise InputError(f'strong.{name}_prob is a probability from 0 to 1, got {value}')
        if len(blur_sigma) != 2:
            raise InputError(f'strong.blur_sigma is a pair (smallest, largest), got {blur_sigma}')
        try:
            colours = v2.RandomApply([v2.ColorJitter(jitter, jitter, jitter, hue)], jitter_prob)
            blur = v2.RandomApply([v2.GaussianBlur(2 * ceil(2 * max(blur_sigma)) + 1, tuple(blur_sigma))], blur_prob)
            self.view = v2.Compose([colours, v2.RandomGrayscale(grey_prob), blur])
        except ValueError as error:
            raise InputError(f'strong: {error}') from error
        self.cutmix_prob = cutmix_prob
        self.cutmix = v2.CutMix(num_classes=1)  # labels of whole images are not used

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any] | None) -> 'StrongViews':
        """Views with the settings of a config; None: the defaults.

        Raises:
            InputError: It is no dict, a setting is unknown, or a value is out of range.
        """
        if not isinstance(settings or {}, Mapping):
            raise InputError(f'strong is a dict of settings such as dict(cutmix_prob=0.5), got {settings!r}')
        known = inspect.signature(cls).parameters
        for name in settings or {}:
            if name not in known:
                raise InputError(f'strong.{name}: there is no such setting, only {", ".join(known)}{nearest(str(name), known)}')
        return cls(**settings or {})

    def coloured(self, images: Tensor) -> Tensor:
        """RGB images float (N,3,H,W) in [0,1] -> the same with other colours and sharpness. A pixel keeps its place."""
        return torch.stack([self.view(image) for image in images])

    def mixed(self, *maps: Tensor) -> list[Tensor]:
        """CutMix of several maps alike.

        Args:
            maps: Each (N,C,H,W), e.g. images, targets and masks; whole numbers up to 2**24 stay exact.

        Returns:
            The maps with their dtypes; image i has a box of image i - 1 with probability ``cutmix_prob``.
        """
        stacked = torch.cat([one.float() for one in maps], 1)
        labels = torch.zeros(2, dtype=torch.long, device=stacked.device)
        # torchvision draws one box for a batch: a batch of an image and its neighbour gives each image its own.
        pairs = zip(stacked, stacked.roll(1, 0), strict=True)
        made = [self.cutmix(torch.stack(pair), labels)[0][0] if torch.rand(()) < self.cutmix_prob else pair[0] for pair in pairs]
        parts = torch.stack(made).split([one.shape[1] for one in maps], 1)
        return [part.to(one.dtype) for part, one in zip(parts, maps, strict=True)]
