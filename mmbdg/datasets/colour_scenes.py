"""Composes images of one garment in colour over textured ground, among clutter, and partly hidden."""

from typing import NamedTuple

import cv2
import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.datasets.layers import Instance, Layers
from mmbdg.datasets.materials import as_pixels, blob, painted, palette, pattern, two_of
from mmbdg.errors import InputError

SIZES = (32, 256)
"""Smallest and largest side of an image in pixels."""
COLOURS = 5
"""Colours of an image. Ground, garment and clutter take theirs from these."""
CONTRAST = 0.5
"""How far the second colour of ground and clutter lies on the way to another colour of the image; 1 for garments."""
GARMENT = (0.75, 1.0)
"""Side of the photo of a garment, in shares of the side of the image. The photo has a black border of 1/16 of its side."""
TEXTURE = (0.1, 0.4)
"""Share of a random pattern in the brightness of a garment; the rest is that of the photo."""
REGION = (0.4, 0.8)
"""Half of the length and width of the second material of the ground, in shares of the side of the image."""
CLUTTER = (2, 4)
"""Smallest and largest number of pieces below the garment."""
PIECE = (0.1, 0.25)
"""Half of the length and width of a piece, in shares of the side of the image."""
OF_OTHERS = 0.6
"""Probability that a piece is cut from the photo of another garment; otherwise it has a random pattern."""
OCCLUDERS = (0, 1)
"""Smallest and largest number of pieces above the garment: half of them are bars, half are spots."""
BAR, SPOT = (0.05, 0.09), (0.08, 0.16)
"""Half of the width of a bar across the image, and half of the length and width of a spot, in shares of the side of the image."""
MOST_HIDDEN = 0.25
"""Largest share of the garment that is hidden; a piece that would hide more is left out."""
NOISE = 4.0
"""Standard deviation of the noise of each pixel and channel, in grey levels."""

GARMENT_LABEL, CLUTTER_LABEL = 0, 1


class ColourScene(NamedTuple):
    """An image uint8 (S,S,3) RGB, and the mask of the visible part of its garment, bool (S,S)."""

    image: np.ndarray
    mask: np.ndarray


class ColourComposer:
    """Composes the images; image i shows photo i of the split, and depends only on the arguments and on i.

    Args:
        split: Split of the photos, "train" or "test"; a part of the address of the random numbers.
        source: See :func:`~mmbdg.datasets.fashion_files.load_fashion`.
        size: Side of the images in pixels, 32 to 256. Default 32.
        seed: Seed of the images.

    Raises:
        InputError: The size is out of range.
    """

    def __init__(self, split: str = 'train', source: str = 'embedded', size: int = 32, seed: int = 0) -> None:
        if type(size) is not int or not SIZES[0] <= size <= SIZES[1]:
            raise InputError(f'images of garments in colour need a size from {SIZES[0]} to {SIZES[1]} px, got {size!r}')
        self.split, self.size, self.seed = split, size, seed
        self.photos, self.labels = load_fashion(split, source)
        self._masks: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.photos)

    def compose(self, index: int) -> ColourScene:
        """Image ``index``, 0..len - 1."""
        rng = generator_at('colour garment', self.seed, self.split, index)
        colours = palette(rng, COLOURS)
        layers = Layers(as_pixels(painted(pattern(rng, self.size), two_of(rng, colours, CONTRAST))))
        self._add(rng, layers, colours, self._anywhere(rng), rng.uniform(*REGION, 2), others=0)
        for _ in range(rng.integers(*CLUTTER, endpoint=True)):
            self._add(rng, layers, colours, self._anywhere(rng), rng.uniform(*PIECE, 2))
        garment = self._add_garment(rng, layers, colours, index)
        for _ in range(rng.integers(*OCCLUDERS, endpoint=True)):
            radii = (2.0, rng.uniform(*BAR)) if rng.random() < 0.5 else rng.uniform(*SPOT, 2)
            self._add(rng, layers, colours, _pixel_of(rng, garment.mask), radii, hides=garment)
        return ColourScene(as_pixels(layers.image + rng.normal(0, NOISE, layers.image.shape)), garment.mask)

    def _anywhere(self, rng: np.random.Generator) -> tuple[float, float]:
        row, column = rng.uniform(0, self.size, 2).tolist()
        return row, column

    def _add_garment(self, rng: np.random.Generator, layers: Layers, colours: np.ndarray, index: int) -> Instance:
        """Put the garment of the image on top."""
        values, mask = self._photo(rng, index)
        if rng.random() < 0.5:
            values, mask = values[:, ::-1], mask[:, ::-1]
        border = len(mask) // 16  # the photo's own: the garment stays inside the image
        top, left = rng.integers(-border, self.size - len(mask) + border, 2, endpoint=True).tolist()
        pixels = painted(self._textured(rng, _moved(values, top, left, self.size)), two_of(rng, colours))
        layers.add(GARMENT_LABEL, as_pixels(pixels), _moved(mask, top, left, self.size), 0, 0)
        return layers.instances[-1]

    def _add(
        self,
        rng: np.random.Generator,
        layers: Layers,
        colours: np.ndarray,
        centre: tuple[float, float],
        radii: tuple[float, float],
        others: float = OF_OTHERS,
        hides: Instance | None = None,
    ) -> None:
        """Put a piece of clutter on top, unless it hides too much of a garment."""
        shape = blob(rng, self.size, centre, (self.size * radii[0], self.size * radii[1]))
        if rng.random() < others:
            values, mask = self._piece_of_another(rng, centre)
            shape &= mask
        else:
            values = pattern(rng, self.size)
        pixels = as_pixels(painted(values, two_of(rng, colours, CONTRAST)))
        if hides is None or np.count_nonzero(hides.mask & shape) <= MOST_HIDDEN * hides.area:
            layers.add(CLUTTER_LABEL, pixels, shape, 0, 0)

    def _piece_of_another(self, rng: np.random.Generator, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Brightness and mask of a turned photo, moved so that a pixel of its garment lies at the centre."""
        values, mask = self._photo(rng, int(rng.integers(len(self.photos))))
        turns = int(rng.integers(4))
        values, mask = np.rot90(values, turns), np.rot90(mask, turns)
        row, column = _pixel_of(rng, mask)
        top, left = round(centre[0]) - row, round(centre[1]) - column
        return self._textured(rng, _moved(values, top, left, self.size)), _moved(mask, top, left, self.size)

    def _photo(self, rng: np.random.Generator, index: int) -> tuple[np.ndarray, np.ndarray]:
        """A photo at a random size: brightness float32 (s,s), 1 for its brightest pixel; mask bool (s,s)."""
        side = round(self.size * rng.uniform(*GARMENT))
        photo = self.photos[index]
        if index not in self._masks:
            self._masks[index] = fashion_foreground(photo)
        values, mask = photo.astype(np.float32) / max(int(photo.max()), 1), self._masks[index].astype(np.float32)
        method = cv2.INTER_AREA if side < len(photo) else cv2.INTER_LINEAR
        return cv2.resize(values, (side, side), interpolation=method), cv2.resize(mask, (side, side), interpolation=method) > 0.5

    def _textured(self, rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
        share = rng.uniform(*TEXTURE)
        return (1 - share) * values + share * pattern(rng, self.size)


def _pixel_of(rng: np.random.Generator, mask: np.ndarray) -> tuple[int, int]:
    """Row and column of a random pixel of a mask; the middle of the image if it is empty."""
    places = np.argwhere(mask)
    row, column = places[rng.integers(len(places))].tolist() if len(places) else (len(mask) // 2, len(mask) // 2)
    return row, column


def _moved(part: np.ndarray, top: int, left: int, size: int) -> np.ndarray:
    """An array (h,w) put into zeros (size,size) at a position, which may lie partly outside."""
    out = np.zeros((size, size), part.dtype)
    rows, columns = (slice(max(start, 0), max(min(start + n, size), 0)) for start, n in zip((top, left), part.shape, strict=True))
    inside = out[rows, columns]
    inside[:] = part[rows.start - top :, columns.start - left :][: inside.shape[0], : inside.shape[1]]
    return out
