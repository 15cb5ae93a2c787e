"""Images to perturb: a dataset in our layout, or a folder of images for each class."""

from abc import ABC, abstractmethod
from hashlib import blake2b
from pathlib import Path

import numpy as np

from mmbdg.assets import resolve
from mmbdg.errors import InputError, nearest
from mmbdg.files import sha256
from mmbdg.images import open_image
from mmbdg.listing import list_files, list_folders
from mmbdg.sources.class_list import ClassList
from mmbdg.storage.layout import SELECTIONS
from mmbdg.storage.stored import StoredDataset


class InitImages(ABC):
    """Images by class and number in a fixed order.

    Args:
        path: Folder of the images, for messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def number(self, class_id: int) -> int:
        """Number N of images of a class."""

    @abstractmethod
    def read(self, class_id: int, place: int) -> tuple[np.ndarray, str]:
        """One image and its id.

        Args:
            class_id: Class index.
            place: 0 to N - 1.

        Returns:
            RGB uint8 (H,W,3); and ``CLASS FOLDER/NAME``.

        Raises:
            InputError: The file is missing or damaged.
        """

    @abstractmethod
    def checksums(self) -> dict[str, str]:
        """Checksums of the images by a short name."""


class StoredInit(InitImages):
    """Images of a finished dataset.

    Args:
        path: Its folder.
        selection: Name of a selection of ``tools/select_samples.py``; None for all samples.
        classes: The classes; those of the dataset are found by their folders' names, which are ids.

    Raises:
        InputError: The dataset or the selection is unfinished or damaged, or has no image of a class.
    """

    def __init__(self, path: Path, selection: str | None, classes: ClassList) -> None:
        super().__init__(path)
        self.stored, self.selection = StoredDataset(path, selection), selection
        catalogue, index = self.stored.catalogue, self.stored.index
        there = {folder: np.flatnonzero(index.class_ids == i) for i, folder in enumerate(catalogue.folders)}
        self._places = _by_class({folder: places for folder, places in there.items() if len(places)}, classes, self.path)

    def number(self, class_id: int) -> int:
        return len(self._places[class_id])

    def read(self, class_id: int, place: int) -> tuple[np.ndarray, str]:
        line = self.stored.lines[self._places[class_id][place].item()]
        return self.stored.image(line), f'{line.get("wnid") or line["slug"]}/{line["id"]}'

    def checksums(self) -> dict[str, str]:
        # dataset.json holds the checksum of the manifest, whose lines hold those of the images.
        files = {'init.dataset.json': self.path / 'dataset.json'}
        if self.selection is not None:
            files['init.selection'] = self.path / SELECTIONS / f'{self.selection}.txt'
        return {name: sha256(path) for name, path in files.items()}


class FolderInit(InitImages):
    """A folder of images for each class, named by the class's id, or by its name if no other class has it.

    Args:
        path: The parent folder. Folders of other classes are ignored.
        classes: The classes.

    Raises:
        InputError: A class has no folder or no image.
    """

    def __init__(self, path: Path, classes: ClassList) -> None:
        super().__init__(path)
        folders = {folder.name: folder for folder in list_folders(path)}
        self._files = [list_files(folder).log().files for folder in _by_class(folders, classes, path)]
        if empty := [one.id for one, files in zip(classes, self._files, strict=True) if not files]:
            raise InputError(f'{path} has no image of the class "{empty[0]}", and of {len(empty) - 1} others')

    def number(self, class_id: int) -> int:
        return len(self._files[class_id])

    def read(self, class_id: int, place: int) -> tuple[np.ndarray, str]:
        file = self._files[class_id][place]
        return open_image(file), file.relative_to(self.path).as_posix()

    def checksums(self) -> dict[str, str]:
        # Names and sizes only: reading a million images would take hours each time that a synthesis resumes.
        known = blake2b(digest_size=32)
        for file in (file for files in self._files for file in files):
            known.update(f'{file.relative_to(self.path).as_posix()}\0{file.stat().st_size}\n'.encode())
        return {'init.names_and_sizes': known.hexdigest()}


def open_init(init: str, selection: str | None, classes: ClassList) -> InitImages:
    """Images of a dataset in our layout, or of a folder with a folder of images for each class.

    Args:
        init: Path of the folder. A folder with ``dataset.json`` is a dataset.
        selection: Name of a selection of the dataset.
        classes: The classes.

    Raises:
        InputError: The folder does not exist, a class has no image, or a selection is given for a plain folder.
    """
    path = resolve(init)
    if not path.is_dir():
        raise InputError(f'synthesis.source.init: there is no folder {path}')
    if (path / 'dataset.json').is_file() or (path / 'manifest.jsonl').is_file():
        return StoredInit(path, selection, classes)
    if selection is not None:
        raise InputError(f'synthesis.source.selection: {path} is a folder of images (no dataset.json); only a dataset has selections')
    return FolderInit(path, classes)


def _by_class(there: dict, classes: ClassList, path: Path) -> list:
    """Find the entry of each class by its id, else by its name.

    Raises:
        InputError: A class has no entry.
    """
    found = []
    for one in classes:
        key = one.id if one.id in there else one.name if one.name in there and classes.names.count(one.name) == 1 else None
        if key is None:
            raise InputError(
                f'{path} has no images of the class "{one.id}" ({one.text}){nearest(one.id, there)}; name the classes that it has in '
                'synthesis.source.classes'
            )
        found.append(there[key])
    return found
