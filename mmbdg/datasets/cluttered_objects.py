"""Composes images of one object each: over a photograph, among clutter, and partly hidden."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.datasets.backgrounds import BackgroundImages
from mmbdg.datasets.class_draws import ClassDraws
from mmbdg.datasets.layers import Instance, Layers
from mmbdg.datasets.objects import Objects
from mmbdg.datasets.placement import Placement, Placer


@dataclass(frozen=True)
class Clutter:
    """What is put below and above the object.

    Args:
        below: Smallest and largest number of pieces below the object. Default (0, 2).
        above: Smallest and largest number of pieces above it. Default (0, 1).
        min_visible: A piece that would leave less than this share of the object visible is left out, 0..1. Default 0.6.
        placement: How a piece is placed.
    """

    below: tuple[int, int] = (0, 2)
    above: tuple[int, int] = (0, 1)
    min_visible: float = 0.6
    placement: Placement = field(
        default_factory=lambda: Placement(shares=(0.25, 0.5), max_share=0.5, tint=(0.6, 1.0), blend='gaussian', sigma=0.6)
    )


class ObjectImage(NamedTuple):
    """An image uint8 (H,W,3) RGB, and the visible part of its object, bool (H,W)."""

    image: np.ndarray
    mask: np.ndarray


class ClutteredObjects:
    """Composes the images; an image depends only on the arguments and on its class and index.

    Args:
        objects: Objects of the classes.
        pieces: Objects of no class, for the clutter.
        backgrounds: Photographs that show none of the classes.
        size: Side of the images in pixels.
        placement: How the object is placed.
        clutter: How much clutter there is, and how it is placed.
        seed: Seed of the images.
        stream: Name that is a part of the address of each image, such as "train".
    """

    PLACEMENT = Placement(shares=(0.55, 0.9), max_share=0.9, tint=(0.6, 1.0), blend='gaussian', sigma=0.6)

    def __init__(
        self,
        objects: Objects,
        pieces: Objects,
        backgrounds: BackgroundImages,
        size: int = 64,
        placement: Placement = PLACEMENT,
        clutter: Clutter | None = None,
        seed: int = 0,
        stream: str = 'train',
    ) -> None:
        self.backgrounds, self.size, self.seed, self.stream = backgrounds, size, seed, stream
        self.classes, self.clutter = objects.classes, clutter or Clutter()
        self.of_class = [
            Placer(objects, ClassDraws(np.where(objects.class_ids == label, label, -1), objects.classes), placement)
            for label in range(len(objects.classes))
        ]
        self.pieces = Placer(pieces, ClassDraws(np.zeros(len(pieces), np.int64), ('clutter',)), self.clutter.placement)

    def compose(self, label: int, index: int) -> ObjectImage:
        """Image ``index``, 0 or more, of a class."""
        rng = generator_at('cluttered object', self.seed, self.stream, label, index)
        layers = Layers(self.backgrounds.draw(rng, self.size, self.size))
        self.pieces.put(rng, layers, int(rng.integers(*self.clutter.below, endpoint=True)))
        self.of_class[label].put(rng, layers, 1)
        shown = layers.instances[-1]
        for _ in range(int(rng.integers(*self.clutter.above, endpoint=True))):
            self._cover(rng, layers, shown)
        return ObjectImage(layers.image, shown.mask)

    def _cover(self, rng: np.random.Generator, layers: Layers, shown: Instance) -> None:
        """Put a piece on top, unless it hides too much of the object."""
        before, mask, seen = layers.image.copy(), shown.mask.copy(), shown.seen
        self.pieces.put(rng, layers, 1)
        if shown.seen < self.clutter.min_visible * shown.area:
            layers.image[:], shown.mask[:], shown.seen = before, mask, seen
