"""Labelled objects to paste: images of one object each, with a class and a mask."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


class Cutout(NamedTuple):
    """An object in its image: image uint8 (h,w,3) RGB; mask bool (h,w), True on the object."""

    image: np.ndarray
    mask: np.ndarray


class Objects(ABC):
    """Labelled objects, addressed by index.

    Attributes:
        classes: Names of the classes.
        class_ids: Class of each object, integer (N,).
    """

    classes: tuple[str, ...]
    class_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.class_ids)

    @abstractmethod
    def cutout(self, index: int) -> Cutout:
        """Image and mask of an object, 0..N-1; the mask may be empty."""


def build_objects(config: Mapping) -> Objects:
    """Build the objects that a config names, e.g. ``dict(type='mmbdg.StoredObjects', data_root='data/biggan_sim')``.

    Raises:
        InputError: The config cannot be built, is no source of objects, or has no object.
    """
    with building('objects'):
        objects = DATASETS.build(config)
    if not isinstance(objects, Objects):
        raise InputError(f'objects must be mmbdg.StoredObjects, mmbdg.FashionObjects or mmbdg.CutoutFolder, got {type(objects).__name__}')
    if not len(objects):
        raise InputError('objects has no object to paste')
    return objects
