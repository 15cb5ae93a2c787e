"""Objects from a folder of images that are cut out: their opacity is their mask."""

from pathlib import Path

import numpy as np

from mmbdg.datasets.objects import Cutout, Objects
from mmbdg.errors import InputError
from mmbdg.images import open_with_opacity
from mmbdg.listing import list_files, list_folders
from mmbdg.registry import DATASETS

OPAQUE = 128
"""Smallest opacity of a pixel of the object."""


@DATASETS.register_module()
class CutoutFolder(Objects):
    """The images ``data_root/<class>/*.png``, each of one object; its pixels are those with an opacity of 128 or more, of 255.

    The names of the folders are the classes, in natural order. All images are kept in memory.

    Args:
        data_root: Folder with one sub-folder per class.

    Raises:
        InputError: The folder is missing, a class has no images, or an image is damaged or fully transparent.
    """

    def __init__(self, data_root: str) -> None:
        folders = list_folders(data_root)
        self.classes = tuple(folder.name for folder in folders)
        self.files, class_ids = [], []
        for label, folder in enumerate(folders):
            found = list_files(folder).log().files
            if not found:
                raise InputError(f'class "{folder.name}" has no images in {folder}')
            self.files += found
            class_ids += [label] * len(found)
        self.class_ids = np.array(class_ids, np.int64)
        self.cutouts = list(map(_read, self.files))

    def cutout(self, index: int) -> Cutout:
        """Image and mask of an object."""
        return self.cutouts[index]


def _read(path: Path) -> Cutout:
    pixels = open_with_opacity(path)
    mask = pixels[..., 3] >= OPAQUE
    if not mask.any():
        raise InputError(f'{path} shows no object: no pixel has an opacity of {OPAQUE} or more')
    return Cutout(np.ascontiguousarray(pixels[..., :3]), mask)
