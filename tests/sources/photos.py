"""A small finite source without masks, similar to one that retrieves real images."""

import numpy as np
import torch

from mmbdg.addressed import generator_at
from mmbdg.registry import SOURCES
from mmbdg.sources import Drawn, Source
from mmbdg.storage.catalogue import Catalogue


@SOURCES.register_module(force=True)
class TestPhotos(Source):
    """Images of one colour each, which depends on their address.

    Args:
        numbers: Number of images of each class.
        seed: Seed of the images.
    """

    __test__ = False

    def __init__(self, numbers: tuple[int, ...] = (7, 3), seed: int = 0) -> None:
        super().__init__(seed)
        self.numbers = tuple(numbers)
        names = tuple(f'class {i}' for i in range(len(numbers)))
        self.catalogue = Catalogue(names, tuple(name.replace(' ', '-') for name in names), (), 255, 8, 'CC0')

    def available(self, class_id):
        return self.numbers[class_id]

    def draw(self, class_id, indices):
        assert all(0 <= i < self.numbers[class_id] for i in indices)
        colours = np.stack([generator_at(self.seed, class_id, i).integers(0, 256, 3) for i in indices])
        images = torch.from_numpy(colours.astype(np.uint8))[:, :, None, None].expand(-1, -1, 8, 8).contiguous()
        return Drawn(images, records=[dict(url=f'photo/{class_id}/{i}') for i in indices])

    def identity(self):
        return dict(config=dict(type='mmbdg.TestPhotos', numbers=list(self.numbers)), checksums={}, versions={})


def colours(class_id: int, number: int, seed: int = 0) -> np.ndarray:
    """RGB of the images of a class, uint8 (N,3)."""
    return np.stack([generator_at(seed, class_id, i).integers(0, 256, 3) for i in range(number)]).astype(np.uint8)
