"""Places objects in images: the one mechanism of :class:`~mmbdg.datasets.PasteObjects` and :class:`~mmbdg.datasets.ComposedScenes`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mmbdg.analysis.statistics.mask_columns import tight_box
from mmbdg.datasets.blending import BLENDS, Blend
from mmbdg.datasets.class_draws import ClassDraws
from mmbdg.datasets.layers import Layers
from mmbdg.datasets.objects import Cutout, Objects
from mmbdg.errors import InputError, nearest

SIGMA = 1.0
"""Default standard deviation of Gaussian borders in pixels."""
TRIES = 10
"""Objects of a class that are drawn in search of one with enough pixels in its mask."""


@dataclass(frozen=True)
class Placement:
    """How an object is put into an image. All values are ours; the papers on pasting differ in each of them.

    Args:
        sides: Smallest and largest longer side of an object in pixels, drawn log-uniformly. Default None: ``shares`` are used.
        shares: The same in shares of the shorter side of the image, in (0, 1]. Default (0.1, 0.5); not used if ``sides`` is given.
        max_share: Largest longer side in shares of the shorter side of the image, in (0, 1]; larger sides are cut down to it. Default 0.75.
        crop: Whether an object is first cropped to the box of its mask; otherwise its whole image counts as its size. Default True.
        flip: Probability of a left-right flip, 0..1. Default 0.5.
        tint: Range of three random factors of the colour channels, in 0..1. Default None: colours are unchanged.
        places: Number of random positions tried, at least 1; the one that hides least of the other instances is used (the largest share
            of an instance counts). Default 1. Objects lie inside the image.
        blend: "none", "gaussian" or "poisson", see :func:`~mmbdg.datasets.blending.blend_in`. Default "none".
        sigma: For "gaussian": standard deviation of the Gaussian in pixels, above 0. Default 1.0.
        min_visible: An instance of which less than this share remains visible is removed from the labels, 0..1. Default 0: only completely
            hidden ones. What is visible of a removed one stays in the image.
        min_pixels: Objects with fewer pixels in their masks, before resizing, are replaced by others of the class. Default 1.

    Raises:
        InputError: A value is out of range.
    """

    sides: tuple[float, float] | None = None
    shares: tuple[float, float] = (0.1, 0.5)
    max_share: float = 0.75
    crop: bool = True
    flip: float = 0.5
    tint: tuple[float, float] | None = None
    places: int = 1
    blend: Blend = 'none'
    sigma: float | None = None
    min_visible: float = 0.0
    min_pixels: int = 1

    def __post_init__(self) -> None:
        for name, lowest, highest in (('sides', 1, 65_535), ('shares', 1e-6, 1), ('tint', 0, 1)):
            value = getattr(self, name)
            if value is not None and not (_is_pair(value) and lowest <= value[0] <= value[1] <= highest):
                raise InputError(f'placement.{name} must be two numbers, the smaller one first, from {lowest} to {highest}; got {value!r}')
        for name, lowest, highest in (('max_share', 1e-6, 1), ('flip', 0, 1), ('min_visible', 0, 1), ('sigma', 1e-6, 100)):
            value = getattr(self, name)
            if name == 'sigma' and value is None:
                continue
            if not _is_number(value) or not lowest <= value <= highest:
                raise InputError(f'placement.{name} must lie between {lowest} and {highest}, got {value!r}')
        for name in ('places', 'min_pixels'):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f'placement.{name} must be a whole number of at least 1, got {value!r}')
        if self.blend not in BLENDS:
            raise InputError(f'placement.blend must be one of {", ".join(BLENDS)}, got {self.blend!r}{nearest(str(self.blend), BLENDS)}')
        if self.sigma is not None and self.blend != 'gaussian':
            raise InputError(f'placement.sigma belongs to blend="gaussian", and placement.blend is "{self.blend}": leave it out')

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> 'Placement':
        """The placement of a config.

        Raises:
            InputError: It has an unknown key, or a value is out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in config or ():
            if name not in known:
                raise InputError(f'placement has no key "{name}"{nearest(str(name), known)} (known: {", ".join(known)})')
        return cls(**(config or {}))

    def side(self, rng: np.random.Generator, height: int, width: int) -> int:
        """Draw the longer side of an object for an image of this size, in pixels."""
        short = min(height, width)
        low, high = self.sides or (self.shares[0] * short, self.shares[1] * short)
        most = self.max_share * short
        return max(1, round(np.exp(rng.uniform(*np.log([min(low, most), min(high, most)])))))

    def place(self, rng: np.random.Generator, layers: Layers, shape: np.ndarray) -> tuple[int, int]:
        """Draw the top and left position of an object."""
        (height, width), (h, w) = layers.size, shape.shape
        places = rng.integers(0, (height - h + 1, width - w + 1), (self.places, 2)).tolist()
        top, left = min(places, key=lambda place: layers.hidden_share(shape, *place)) if len(places) > 1 else places[0]
        return top, left


class Placer:
    """Puts random objects into images.

    Args:
        objects: Objects.
        draws: Draws of their labels.
        placement: How they are put into an image.
        bgr: Whether images have the channels BGR, as in OpenMMLab; default False: RGB.
    """

    def __init__(self, objects: Objects, draws: ClassDraws, placement: Placement, bgr: bool = False) -> None:
        self.objects, self.draws, self.placement, self.bgr = objects, draws, placement, bgr

    def put(self, rng: np.random.Generator, layers: Layers, number: int) -> None:
        """Put ``number`` objects on top of the instances of an image."""
        how = self.placement
        for label in self.draws.labels(rng, number).tolist():
            cutout = self._drawn(rng, label)
            if how.crop:
                box = tight_box(cutout.mask)
                cutout = Cutout(cutout.image[box], cutout.mask[box])
            pixels, shape = resized(cutout, how.side(rng, *layers.size))
            if how.flip and rng.random() < how.flip:
                pixels, shape = pixels[:, ::-1], shape[:, ::-1]
            top, left = how.place(rng, layers, shape)
            if how.tint is not None:
                pixels = (pixels * rng.uniform(*how.tint, 3)).astype(np.uint8)
            sigma = SIGMA if how.sigma is None else how.sigma
            layers.add(label, pixels[:, :, ::-1] if self.bgr else pixels, shape, top, left, how.blend, sigma)

    def _drawn(self, rng: np.random.Generator, label: int) -> Cutout:
        for _ in range(TRIES):
            index = self.draws.object_of(rng, label)
            cutout = self.objects.cutout(index)
            if np.count_nonzero(cutout.mask) >= self.placement.min_pixels:
                return cutout
        name = self.objects.classes[self.objects.class_ids[index]]
        raise InputError(
            f'{TRIES} objects of the class "{name}" in a row have masks of fewer than {self.placement.min_pixels} pixels: check the masks, '
            'lower placement.min_pixels, or leave the class out (names)'
        )


def resized(cutout: Cutout, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Resize an object (bilinear) so that the longer side of its image is ``side``: uint8 (h,w,3) and bool (h,w)."""
    from PIL import Image

    height, width = cutout.mask.shape
    longer = max(height, width)
    size = max(1, round(width * side / longer)), max(1, round(height * side / longer))
    pixels = np.asarray(Image.fromarray(cutout.image).resize(size, Image.Resampling.BILINEAR))
    mask = Image.fromarray(cutout.mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    return pixels, np.asarray(mask) > 127


def numbers_of(num: int | tuple[int, int], what: str) -> tuple[int, int]:
    """Smallest and largest number of objects of an image.

    Raises:
        InputError: They are not whole numbers from 0 on, in order.
    """
    least, most = (num, num) if isinstance(num, int) else num if _is_pair(num) else (-1, -1)
    if type(least) is not int or type(most) is not int or not 0 <= least <= most:
        raise InputError(f'{what} must be a number of 0 or more objects, or a minimum and a maximum; got {num!r}')
    return least, most


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
