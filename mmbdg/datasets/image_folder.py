"""Your own images, one folder a class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmpretrain.datasets import CustomDataset

from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class ImageFolder(CustomDataset):
    """``mmpretrain.CustomDataset`` that refuses what would silently train something else.

    Args:
        data_root: Folder with one sub-folder for each class.
        class_names: Names of the sub-folders; their order is the order of the class indices.
        **kwargs: As ``mmpretrain.CustomDataset``, ``pipeline`` above all.

    Raises:
        InputError: The folder is missing, a class has no images, or there is a folder of an unknown class.
    """

    def __init__(self, data_root: str, class_names: Sequence[str], **kwargs: Any) -> None:
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
        return items
