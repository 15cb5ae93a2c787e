"""Real images by class: of a dataset in our layout, of a folder with a folder for each class, or of a dataset of OpenMMLab."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.addressed import generator_at
from mmbdg.assets import resolve
from mmbdg.data_configs import building
from mmbdg.errors import InputError, nearest
from mmbdg.files import sha256
from mmbdg.images import open_image
from mmbdg.listing import list_files, list_folders
from mmbdg.registry import DATASETS
from mmbdg.sources.class_list import ClassList, ImageClass
from mmbdg.storage.layout import SELECTIONS, folder_of
from mmbdg.storage.originals import Original, Store, given_image
from mmbdg.storage.stored import StoredDataset


class ClassImages(ABC):
    """Images by class and number, in a fixed order."""

    @abstractmethod
    def number(self, class_id: int) -> int:
        """Number N of images of a class."""

    @abstractmethod
    def image(self, class_id: int, place: int) -> np.ndarray:
        """One image.

        Args:
            class_id: Class index.
            place: 0 to N - 1.

        Returns:
            RGB uint8 (H,W,3).

        Raises:
            InputError: The file is missing or damaged.
        """

    def some(self, one: ImageClass, count: int, seed: int) -> list[np.ndarray]:
        """At most ``count`` images of a class, RGB uint8 (H,W,3), chosen at the address (seed, class id), in their order."""
        chosen = generator_at('class images', seed, one.id).permutation(self.number(one.index))[:count]
        return [self.image(one.index, place) for place in sorted(chosen.tolist())]


class ClassFiles(ClassImages):
    """Image files by class and number.

    Attributes:
        has_files: Whether each image is a file of its own, and no part of a shard.
    """

    has_files: bool = True

    @abstractmethod
    def name(self, class_id: int, place: int) -> str:
        """``CLASS FOLDER/NAME`` of an image."""

    @abstractmethod
    def file(self, class_id: int, place: int) -> Path | bytes:
        """Path of the file of an image; its bytes if it is a part of a shard."""

    def given(self, class_id: int, place: int, size: int, store: Store) -> tuple[np.ndarray, Original | None]:
        """One image with its file, see :func:`~mmbdg.storage.originals.given_image`."""
        if store == 'encode':
            return self.image(class_id, place), None
        return given_image(self.file(class_id, place), size, store, self.name(class_id, place))

    @abstractmethod
    def checksums(self) -> dict[str, str]:
        """Checksums of the images by a short name."""


class StoredImages(ClassFiles):
    """Images of a finished dataset.

    Args:
        path: Its folder.
        selection: Name of a selection of ``tools/select_samples.py``; None for all samples.
        classes: The classes; those of the dataset are found by their folders' names, which are ids.
        complete: Whether every class must have an image.

    Raises:
        InputError: The dataset or the selection is unfinished or damaged, or has no image of a class.
    """

    def __init__(self, path: Path, selection: str | None, classes: ClassList, complete: bool) -> None:
        self.path, self.stored, self.selection = path, StoredDataset(path, selection), selection
        self.has_files = self.stored.info.get('format', 'folder') == 'folder'
        catalogue, index = self.stored.catalogue, self.stored.index
        there = {folder: np.flatnonzero(index.class_ids == i) for i, folder in enumerate(catalogue.folders)}
        there = {folder: places for folder, places in there.items() if len(places)}
        self._places = _by_class(there, classes, self.path, complete)

    def number(self, class_id: int) -> int:
        return len(self._places[class_id])

    def image(self, class_id: int, place: int) -> np.ndarray:
        return self.stored.image(self._line(class_id, place))

    def name(self, class_id: int, place: int) -> str:
        line = self._line(class_id, place)
        return f'{folder_of(line)}/{line["id"]}'

    def file(self, class_id: int, place: int) -> Path | bytes:
        line = self._line(class_id, place)
        data = self.stored.stored_bytes(line, 'image')  # compares the checksum
        return Path(self.stored.paths(line)[0]) if self.has_files else data

    def checksums(self) -> dict[str, str]:
        # dataset.json holds the checksum of the manifest, whose lines hold those of the images.
        files = {'init.dataset.json': self.path / 'dataset.json'}
        if self.selection is not None:
            files['init.selection'] = self.path / SELECTIONS / f'{self.selection}.txt'
        return {name: sha256(path) for name, path in files.items()}

    def _line(self, class_id: int, place: int) -> dict:
        return self.stored.lines[self._places[class_id][place].item()]


class FolderImages(ClassFiles):
    """A folder of images for each class, named by the class's id, or by its name if no other class has it.

    Args:
        path: The parent folder. Folders of other classes are ignored.
        classes: The classes.
        complete: Whether every class must have an image.

    Raises:
        InputError: A class has no folder or no image.
    """

    def __init__(self, path: Path, classes: ClassList, complete: bool) -> None:
        self.path = path
        folders = {folder.name: folder for folder in list_folders(path)}
        found = _by_class(folders, classes, path, complete)
        self._files = [list_files(folder).log().files if folder else [] for folder in found]
        if complete and (empty := [one.id for one, files in zip(classes, self._files, strict=True) if not files]):
            raise InputError(f'{path} has no image of the class "{empty[0]}", and of {len(empty) - 1} others')

    def number(self, class_id: int) -> int:
        return len(self._files[class_id])

    def image(self, class_id: int, place: int) -> np.ndarray:
        return open_image(self.file(class_id, place))

    def name(self, class_id: int, place: int) -> str:
        return self.file(class_id, place).relative_to(self.path).as_posix()

    def file(self, class_id: int, place: int) -> Path:
        return self._files[class_id][place]

    def checksums(self) -> dict[str, str]:
        # Names and sizes only: reading a million images would take hours each time that a synthesis resumes.
        known = blake2b(digest_size=32)
        for file in (file for files in self._files for file in files):
            known.update(f'{file.relative_to(self.path).as_posix()}\0{file.stat().st_size}\n'.encode())
        return {'init.names_and_sizes': known.hexdigest()}


class DatasetImages(ClassImages):
    """Images of a dataset of OpenMMLab.

    Args:
        config: Its config. Its items have ``gt_label``, the class's index, and ``img_path`` or ``img`` uint8 (H,W,3): RGB, or BGR if
            the dataset has the attribute ``bgr`` set to True.
        classes: The classes.

    Raises:
        InputError: The dataset cannot be built, or its labels are no indices of the classes.
    """

    def __init__(self, config: Mapping[str, Any], classes: ClassList) -> None:
        with building('the dataset of real images'):
            self.dataset = DATASETS.build(dict(config))
            labels = np.array([self._label(i) for i in range(len(self.dataset))])
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
            raise InputError(
                f'the real images have the labels {labels.min()} to {labels.max()}; labels are indices in the list of '
                f'{len(classes)} classes'
            )
        self._places = [np.flatnonzero(labels == class_id) for class_id in range(len(classes))]

    def number(self, class_id: int) -> int:
        return len(self._places[class_id])

    def image(self, class_id: int, place: int) -> np.ndarray:
        item = self.dataset.get_data_info(int(self._places[class_id][place]))
        if 'img' in item:
            image = np.asarray(item['img'])
            return np.ascontiguousarray(image[..., ::-1]) if getattr(self.dataset, 'bgr', False) else image
        if 'img_path' in item:
            return open_image(item['img_path'])
        raise InputError('the items of the dataset of real images have neither img nor img_path')

    def _label(self, i: int) -> int:
        """Class of an item, -1 for none. ``get_data_info`` also reads the image and the mask, so it is called only if necessary."""
        plain = BaseDataset.get_data_info(self.dataset, i) if isinstance(self.dataset, BaseDataset) else {}
        return int(plain['gt_label'] if 'gt_label' in plain else self.dataset.get_data_info(i).get('gt_label', -1))


def open_class_files(
    path: str, classes: ClassList, selection: str | None = None, where: str = 'images', complete: bool = True
) -> ClassFiles:
    """Images of a dataset in our layout, or of a folder with a folder of images for each class.

    Args:
        path: Path of the folder. A folder with ``dataset.json`` is a dataset.
        classes: The classes.
        selection: Name of a selection of the dataset. Default: None.
        where: Config key of ``path``, for messages.
        complete: Whether every class must have an image. Default: True.

    Raises:
        InputError: The folder does not exist, a class has no image, or a selection is given for a plain folder.
    """
    folder = resolve(path)
    if not folder.is_dir():
        raise InputError(
            f'{where}: there is no folder {folder} of images; it has a subfolder for each class, named by its id, or is a dataset'
        )
    if (folder / 'dataset.json').is_file() or (folder / 'manifest.jsonl').is_file():
        return StoredImages(folder, selection, classes, complete)
    if selection is not None:
        raise InputError(f'{where}: {folder} is a folder of images (no dataset.json); only a dataset has selections')
    return FolderImages(folder, classes, complete)


def open_class_images(source: str | Mapping[str, Any], classes: ClassList, where: str = 'images') -> ClassImages:
    """Images of which some classes may have none.

    Args:
        source: Path of a folder, see :func:`open_class_files`; or a config of a dataset, see :class:`DatasetImages`.
        classes: The classes.
        where: Config key of ``source``, for messages.

    Raises:
        InputError: The folder does not exist, or the dataset cannot be built or has no images.
    """
    return open_class_files(source, classes, where=where, complete=False) if isinstance(source, str) else DatasetImages(source, classes)


def _by_class(there: dict, classes: ClassList, path: Path, complete: bool) -> list:
    """Find the entry of each class by its id, else by its name; () if there is none.

    Raises:
        InputError: ``complete``, and a class has no entry.
    """
    found = []
    for one in classes:
        key = one.id if one.id in there else one.name if one.name in there and classes.names.count(one.name) == 1 else None
        if key is None and complete:
            raise InputError(
                f'{path} has no images of the class "{one.id}" ({one.text}){nearest(one.id, there)}; name the classes that it has in '
                'synthesis.source.classes'
            )
        found.append(() if key is None else there[key])
    return found
