"""Your own images, one folder a class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmpretrain.datasets import CustomDataset

from mmbdg.datasets.label_fraction import part_of, stratified_order
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class ImageFolder(CustomDataset):
    """``mmpretrain.CustomDataset`` that refuses what would silently train something else.

    Args:
        data_root: Folder with one sub-folder for each class.
        class_names: Names of the sub-folders; their order is the order of the class indices.
        part: "all", or one of two that have nothing in common, "train" and "val", see
            :func:`~mmbdg.datasets.label_fraction.part_of`.
        held_out: Share of each class that is "val".
        most: At most this many images, of each class in proportion; None: all.
        seed: Which images those are.
        **kwargs: As ``mmpretrain.CustomDataset``, ``pipeline`` above all.

    Raises:
        InputError: The folder is missing, a class has no images, there is a folder of an unknown class, an unknown part, or too few images
            to hold some out.
    """

    def __init__(
        self,
        data_root: str,
        class_names: Sequence[str],
        part: str = 'all',
        held_out: float = 0.1,
        most: int | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if part not in ('all', 'train', 'val') or not 0 < held_out < 1 or (most is not None and most < 1):
            raise InputError(
                'an image folder has the parts "all", "train" and "val", held_out lies between 0 and 1, most is at least 1; got '
                f'{part!r}, {held_out} and {most}'
            )
        self.part, self.held_out, self.most, self.seed = part, held_out, most, seed
        folders = {path.name for path in Path(data_root).iterdir() if path.is_dir()} if Path(data_root).is_dir() else None
        if folders is None:
            raise InputError(f'there is no image folder {data_root}; put your images into {data_root}/<class>/')
        if unknown := sorted(folders - set(class_names)):
            raise InputError(f'{data_root} has folders of classes that the config does not name: {", ".join(unknown)}')
        self._folder_to_idx = {name: i for i, name in enumerate(class_names)}
        super().__init__(data_root=data_root, metainfo=dict(classes=tuple(class_names)), **kwargs)

    def load_data_list(self) -> list[dict]:
        root, items = Path(self.data_root), []
        for name, index in self._folder_to_idx.items():
            files = sorted(path for path in (root / name).rglob('*') if self.is_valid_file(path.name))
            if not files:
                raise InputError(f'class "{name}" has no images in {root / name}; add some or take the class out of the config')
            items += [dict(img_path=str(path), gt_label=index) for path in files]
        return self._chosen(items)

    def _chosen(self, items: list[dict]) -> list[dict]:
        labels = np.array([item['gt_label'] for item in items])
        kept = part_of(labels, self.part, self.held_out, self.seed)
        if not len(kept):
            raise InputError(f'{self.data_root} has one image a class: none can be held out for a validation')
        if self.most is not None:
            kept = np.sort(kept[stratified_order(labels[kept], 'most', self.seed)[: self.most]])
        return [items[i] for i in kept]
