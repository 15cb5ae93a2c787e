"""Dataset of your own images, one folder per class."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset

from mmbdg.datasets.label_fraction import part_of, stratified_order
from mmbdg.errors import InputError, listed
from mmbdg.listing import IMAGE_SUFFIXES, composed, list_files, list_folders
from mmbdg.registry import DATASETS
from mmbdg.sources.class_list import ClassList


@DATASETS.register_module()
class ImageFolder(CustomDataset):
    """``mmpretrain.CustomDataset`` that checks the folder and raises on problems that would silently change the training.

    It finds the same images as torchvision's ``ImageFolder``, including images in nested folders and symbolic links. Skipped files (other
    suffixes, images outside the class folders) are logged once. Names are compared in the composed form of Unicode (NFC).

    Args:
        data_root: Folder with one sub-folder per class.
        class_names: Names of the sub-folders; their order is the order of the class indices. Or a file of classes or an embedded list, see
            :class:`~mmbdg.sources.class_list.ClassList`: the ids are the names of the sub-folders, as in a synthesised dataset.
        part: "all" (default), or one of the disjoint parts "train" and "val", see :func:`~mmbdg.datasets.label_fraction.part_of`.
        held_out: Fraction of each class in "val", in (0, 1).
        most: Maximum number of images, stratified by class; None: all.
        seed: Seed of the random choice of the held-out images and of the ``most`` images.
        extensions: Suffixes of image files, in lower case.
        **kwargs: Arguments of ``mmpretrain.CustomDataset``, e.g. ``pipeline``.

    Raises:
        InputError: The folder is missing, a class has no images, a folder belongs to no class, a class is named twice or has two folders,
            a file is empty, the part is unknown, or there are too few images to hold some out.
    """

    def __init__(
        self,
        data_root: str,
        class_names: Sequence[str] | str,
        part: str = 'all',
        held_out: float = 0.1,
        most: int | None = None,
        seed: int = 0,
        extensions: Sequence[str] = IMAGE_SUFFIXES,
        **kwargs: Any,
    ) -> None:
        if part not in ('all', 'train', 'val') or not 0 < held_out < 1 or (most is not None and most < 1):
            raise InputError(
                'an image folder has the parts "all", "train" and "val", held_out lies between 0 and 1, most is at least 1; got '
                f'{part!r}, {held_out} and {most}'
            )
        if isinstance(class_names, str):
            class_names = ClassList(class_names).ids
        self.part, self.held_out, self.most, self.seed = part, held_out, most, seed
        if not Path(data_root).is_dir():
            raise InputError(f'there is no image folder {data_root}; put your images into {data_root}/<class>/')
        names = [composed(name) for name in class_names]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise InputError(f'class_names has names twice: {listed(twice)}')
        self._class_folders: dict[str, Path] = {}
        for path in list_folders(data_root):
            if (other := self._class_folders.setdefault(composed(path.name), path)) != path:
                raise InputError(f'{ascii(str(other))} and {ascii(str(path))} are the same name in two forms of Unicode: put them together')
        if unknown := sorted(self._class_folders.keys() - set(names)):
            raise InputError(f'{data_root} has folders of classes that the config does not name: {", ".join(unknown)}')
        self.folder_to_idx = {name: i for i, name in enumerate(names)}
        super().__init__(data_root=data_root, extensions=extensions, metainfo=dict(classes=tuple(class_names)), **kwargs)

    def load_data_list(self) -> list[dict]:
        root, items, empty = Path(self.data_root), [], []
        for name, index in self.folder_to_idx.items():
            found = list_files(self._class_folders[name], self.extensions).log() if name in self._class_folders else None
            if not found or not found.files:
                raise InputError(f'class "{name}" has no images in {root / name}; add some or take the class out of the config')
            items += [dict(img_path=str(path), gt_label=index) for path in found.files]
            empty += found.empty()
        if empty:
            raise InputError(f'{root} has empty files, or links that lead nowhere: {listed(list(map(str, empty)))}')
        beside = list_files(root, self.extensions, depth=0)
        if loose := beside.files + [path for path in beside.left_out if path.name.startswith('.')]:
            what = 'images in no class folder, or hidden folders, are left out'
            print_log(f'{root}: {len(loose)} {what}, {loose[0]} for one', 'current', logging.WARNING)
        return self._chosen(items)

    def _chosen(self, items: list[dict]) -> list[dict]:
        labels = np.array([item['gt_label'] for item in items])
        kept = part_of(labels, self.part, self.held_out, self.seed)
        if not len(kept):
            raise InputError(f'{self.data_root} has one image a class: none can be held out for a validation')
        if self.most is not None:
            kept = np.sort(kept[stratified_order(labels[kept], 'most', self.seed)[: self.most]])
        return [items[i] for i in kept]
