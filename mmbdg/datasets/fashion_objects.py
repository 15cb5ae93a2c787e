"""Real objects: the photos of Fashion-MNIST, cut out by the foreground rule."""

import numpy as np

from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets.fashion_files import CLASSES, load_fashion
from mmbdg.datasets.objects import Cutout, Objects
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class FashionObjects(Objects):
    """Photos of garments, 32 px, grey on black, with the masks of :func:`~mmbdg.annotation.foreground.fashion_foreground`.

    Args:
        split: Split of the photos, "train" or "test"; default "train".
        source: See :func:`~mmbdg.datasets.fashion_files.load_fashion`; default "embedded".
        per_class: Number of photos of each class, at least 1: the first ones of the split. Default None: all.

    Raises:
        InputError: ``per_class`` is below 1 or above the number of photos of a class, or the photos are missing.
    """

    def __init__(self, split: str = 'train', source: str = 'embedded', per_class: int | None = None) -> None:
        self.classes = CLASSES
        self.photos, self.class_ids = load_fashion(split, source)
        if per_class is None:
            return
        fewest = int(np.bincount(self.class_ids, minlength=len(CLASSES)).min())
        if not 1 <= per_class <= fewest:
            raise InputError(f'FashionObjects.per_class must lie between 1 and {fewest}, the photos of the smallest class; got {per_class}')
        chosen = np.sort(np.concatenate([np.flatnonzero(self.class_ids == label)[:per_class] for label in range(len(CLASSES))]))
        self.photos, self.class_ids = self.photos[chosen], self.class_ids[chosen]

    def cutout(self, index: int) -> Cutout:
        """Image and mask of a photo."""
        photo = self.photos[index]
        return Cutout(np.repeat(photo[:, :, None], 3, axis=2), fashion_foreground(photo))
