"""A few real images of each class, by which the meaning of its name is chosen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.addressed import generator_at
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.listing import IMAGE_SUFFIXES, list_files
from mmbdg.paths import inside
from mmbdg.registry import DATASETS
from mmbdg.sources.class_list import ClassList, ImageClass


class ClassImages:
    """Real images by class.

    Args:
        source: A folder with a subfolder of images for each class, named by the class's id; or the config of a dataset whose items have
            ``gt_label``, the class's index, and ``img`` uint8 (H,W,3) RGB or ``img_path``.
        classes: The classes.
        count: Largest number of images of each class. Default: 16.
        seed: Seed of the choice of images.

    Raises:
        InputError: The folder does not exist, the dataset cannot be built, or its items have no images.
    """

    def __init__(self, source: str | Mapping[str, Any], classes: ClassList, count: int = 16, seed: int = 0) -> None:
        self.count, self.seed, self.dataset = count, seed, None
        if isinstance(source, str):
            self.root = Path(source)
            if not self.root.is_dir():
                raise InputError(f"there is no folder {source} of real images; it has a subfolder for each class, named by the class's id")
            return
        with building('the dataset of real images'):
            self.dataset = DATASETS.build(dict(source))
            self.labels = np.array([self._label(i) for i in range(len(self.dataset))])
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(classes):
            raise InputError(
                f'the real images have the labels {self.labels.min()} to {self.labels.max()}; labels are indices in the list of '
                f'{len(classes)} classes'
            )

    def of(self, one: ImageClass) -> list[np.ndarray]:
        """Images of a class, RGB uint8 (H,W,3), chosen at the address (seed, class id). May be empty."""
        rng = generator_at('class images', self.seed, one.id)
        if self.dataset is None:
            folder = inside(self.root, one.id)
            files = list_files(folder, IMAGE_SUFFIXES).log().files if folder.is_dir() else []
            return [open_image(files[i]) for i in sorted(rng.permutation(len(files))[: self.count])]
        chosen = sorted(rng.permutation(np.flatnonzero(self.labels == one.index))[: self.count])
        return [self._image(self.dataset.get_data_info(int(i))) for i in chosen]

    def _label(self, i: int) -> int:
        """Class of an item, -1 for none. ``get_data_info`` also reads the image and the mask, so it is called only if necessary."""
        plain = BaseDataset.get_data_info(self.dataset, i) if isinstance(self.dataset, BaseDataset) else {}
        return int(plain['gt_label'] if 'gt_label' in plain else self.dataset.get_data_info(i).get('gt_label', -1))

    @staticmethod
    def _image(item: Mapping[str, Any]) -> np.ndarray:
        if 'img' in item:
            return np.asarray(item['img'])
        if 'img_path' in item:
            return open_image(item['img_path'])
        raise InputError('the items of the dataset of real images have neither img nor img_path')
