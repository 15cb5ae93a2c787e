"""The lines of a manifest as compact arrays (a few bytes per line), checked against ``dataset.json``."""

import os
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.layout import folder_of, kinds_of, sample_files, sample_id, shard_name
from mmbdg.storage.manifest import Manifest


class LineIndex:
    """Class and number of each sample of a dataset, in the order of the manifest.

    Args:
        lines: Lines of ``manifest.jsonl``.
        info: Content of ``dataset.json``.
        path: Path of the manifest, for messages.

    Attributes:
        class_ids: Class of each sample, int32 (N,).
        numbers: Number of each sample within its class, int64 (N,).
        blocks: Block number of each sample's shard, int64 (N,). All 0 in the folder format.

    Raises:
        InputError: A line is invalid, names an unknown class or the folder of another class, a sample occurs twice, or the
            number of lines of a class differs from dataset.json. The message names the line.
    """

    def __init__(self, lines: Manifest, info: dict, path: Path) -> None:
        self.info, self.path = info, path
        self.folders = list(catalogue_of(info).folders)
        self.class_ids, self.numbers, self.blocks = np.zeros(len(lines), np.int32), *np.zeros((2, len(lines)), np.int64)
        for place, line in enumerate(lines):
            try:
                self.class_ids[place], self.numbers[place], self.blocks[place] = address_of(line, self.folders, info)
            except InputError as error:
                raise InputError(f'{path}, line {place + 1}: {error}') from error
        self._check_twice()
        self._check_counts()

    def present_classes(self) -> list[int]:
        """Return the indices of the classes that have samples."""
        return np.unique(self.class_ids).tolist()

    def part(self, places: np.ndarray) -> 'LineIndex':
        """Return the index of some of the samples.

        Args:
            places: Indices of their manifest lines, int64 (M,).
        """
        part = copy(self)
        part.class_ids, part.numbers, part.blocks = self.class_ids[places], self.numbers[places], self.blocks[places]
        return part

    def missing_files(self, root: Path) -> Iterator[str]:
        """Yield missing files of the samples, relative to the dataset. Each folder is listed once. No file is opened."""
        for class_id in self.present_classes():
            own = self.class_ids == class_id
            folder = self.folders[class_id]
            if self.info.get('format') == 'shards':
                blocks = np.unique(self.blocks[own])
                yield from (shard_name(folder, block) for block in _absent(root, shard_name(folder, 0), blocks))
                continue
            for kind in kinds_of(self.info):
                for number in _absent(root, sample_files(folder, sample_id(0), self._suffix)[kind], self.numbers[own]):
                    yield sample_files(folder, sample_id(number), self._suffix)[kind]

    @property
    def _suffix(self) -> str:
        return self.info.get('image_suffix', '.png')

    def _check_twice(self) -> None:
        order = np.lexsort((self.numbers, self.class_ids))  # stable: of equal samples the first line comes first
        same = (np.diff(self.class_ids[order]) == 0) & (np.diff(self.numbers[order]) == 0)
        if same.any():
            first = int(np.flatnonzero(same)[0])
            lines = order[first] + 1, order[first + 1] + 1
            name = f'{self.folders[self.class_ids[order[first]]]}/{sample_id(int(self.numbers[order[first]]))}'
            raise InputError(f'{self.path}, line {lines[1]}: the sample {name} already exists in line {lines[0]}')

    def _check_counts(self) -> None:
        have = np.bincount(self.class_ids, minlength=len(self.folders)).tolist()
        for folder, number in zip(self.folders, have, strict=True):
            if number != (counted := self.info['counts'].get(folder, 0)):
                raise InputError(f'{self.path} has {number} samples of the class {folder}, expected {counted} (dataset.json)')


def address_of(line: dict, folders: list[str], info: dict) -> tuple[int, int, int]:
    """Return class index, sample number and shard number of a manifest line.

    Args:
        line: Manifest line that follows the schema.
        folders: Folder names of the classes.
        info: Content of ``dataset.json``.

    Raises:
        InputError: The class does not exist, the folder or the shard belongs to another class, or the id is invalid.
    """
    class_id, folder, number = line['class'], folder_of(line), int(line['id'])
    if class_id >= len(folders):
        raise InputError(f'there is no class {class_id}; dataset.json names {len(folders)} classes')
    if folder != folders[class_id]:
        raise InputError(f'class {class_id} has the folder {folders[class_id]}, but the sample is in the folder {folder}')
    if sample_id(number) != line['id']:
        raise InputError(f'{line["id"]} is not a valid sample id; expected {sample_id(number)}')
    if info.get('format', 'folder') != 'shards':
        if 'shard' in line:
            raise InputError('the line names a shard, but dataset.json has format "folder"')
        return class_id, number, 0
    shard = line.get('shard', '')
    block = int(shard.rpartition('/')[2].removesuffix('.tar') or 0)
    if shard != shard_name(folder, block):
        raise InputError(f'the shard {shard or "(none)"} does not belong to the class {folder}')
    return class_id, number, block


def _absent(root: Path, example: str, wanted: np.ndarray) -> list[int]:
    """Return the numbers of missing files. ``example`` is the name of one of the files, relative to the dataset."""
    folder, name = os.path.split(example)
    digits, suffix = os.path.splitext(name)
    try:
        with os.scandir(root / folder) as entries:
            stems = (entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix))
            there = np.fromiter((int(stem) for stem in stems if _is_number(stem, len(digits))), np.int64)
    except (FileNotFoundError, NotADirectoryError):
        there = np.zeros(0, np.int64)
    return wanted[~np.isin(wanted, there)].tolist()


def _is_number(stem: str, digits: int) -> bool:
    """Whether a name is a number as synthesis writes it, with at least so many digits."""
    return stem.isascii() and stem.isdigit() and (len(stem) == digits or (digits < len(stem) <= 18 and stem[0] != '0'))
