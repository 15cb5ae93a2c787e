"""Backgrounds of composed scenes: a folder of images, or random textures."""

import os

import numpy as np

from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.listing import list_files

CLOSEST = 0.5
"""Default of the smallest width and height of a random crop, in shares of the largest crop with the shape of the scene."""


class BackgroundImages:
    """Random crops of the images in a folder.

    Args:
        root: Folder; images in sub-folders are used too.
        closest: Smallest width and height of a crop, in shares of the largest crop with the shape of the scene, in (0, 1]. Default 0.5.

    Raises:
        InputError: The folder is missing or has no images; (in ``draw``) an image is damaged.
    """

    def __init__(self, root: str | os.PathLike, closest: float = CLOSEST) -> None:
        self.closest = closest
        self.files = list_files(root).log().files
        if not self.files:
            raise InputError(f'{root} has no images for the backgrounds')

    def draw(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """Random crop of a random image, resized to uint8 (height,width,3) RGB; it may enlarge a small image."""
        from PIL import Image

        image = open_image(self.files[rng.integers(len(self.files))])
        largest = min(image.shape[0] / height, image.shape[1] / width)
        share = largest * rng.uniform(self.closest, 1.0)
        h, w = share * height, share * width
        top, left = rng.uniform(0, image.shape[0] - h), rng.uniform(0, image.shape[1] - w)
        box = (left, top, min(left + w, image.shape[1]), min(top + h, image.shape[0]))
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, box=box))


class Textures:
    """Random smooth colour patches with noise."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """Random texture, uint8 (height,width,3)."""
        from PIL import Image

        patches = rng.integers(40, 200, (4, 5, 3)).astype(np.uint8)
        soft = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)).astype(float)
        return np.clip(soft + rng.normal(0, 12, (height, width, 1)), 0, 255).astype(np.uint8)
