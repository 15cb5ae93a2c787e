"""What the lines of a manifest say as arrays, checked against ``dataset.json``: a few bytes a line, however many there are."""

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
        lines: Of ``manifest.jsonl``.
        info: What ``dataset.json`` says.
        path: Of the manifest, for messages.

    Attributes:
        class_ids: int32 (N,).
        numbers: Of the samples in their classes, int64 (N,).
        blocks: Of the samples' shards, int64 (N,); in the folder format all 0.

    Raises:
        InputError: A line is not as it should be, is of a class that does not exist or of another one's folder, is there twice, or a class
            has another number of lines than dataset.json counts. The line is named.
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
        """Classes that have a sample."""
        return np.unique(self.class_ids).tolist()

    def part(self, places: np.ndarray) -> 'LineIndex':
        """The index of some of the samples.

        Args:
            places: Their lines of the manifest, int64 (M,).
        """
        part = copy(self)
        part.class_ids, part.numbers, part.blocks = self.class_ids[places], self.numbers[places], self.blocks[places]
        return part

    def missing_files(self, root: Path) -> Iterator[str]:
        """Files of the samples that are not there, relative to the dataset. A folder is listed once, no file is opened."""
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
        order = np.lexsort((self.numbers, self.class_ids))  # stable: of equals the first line comes first
        same = (np.diff(self.class_ids[order]) == 0) & (np.diff(self.numbers[order]) == 0)
        if same.any():
            first = int(np.flatnonzero(same)[0])
            lines = order[first] + 1, order[first + 1] + 1
            name = f'{self.folders[self.class_ids[order[first]]]}/{sample_id(int(self.numbers[order[first]]))}'
            raise InputError(f'{self.path}, line {lines[1]}: the sample {name} is there already, in line {lines[0]}')

    def _check_counts(self) -> None:
        have = np.bincount(self.class_ids, minlength=len(self.folders)).tolist()
        for folder, number in zip(self.folders, have, strict=True):
            if number != (counted := self.info['counts'].get(folder, 0)):
                raise InputError(f'{self.path} has {number} samples of the class {folder}, dataset.json counts {counted}')


def address_of(line: dict, folders: list[str], info: dict) -> tuple[int, int, int]:
    """Class, number and shard of a line.

    Args:
        line: Of the manifest, by its schema.
        folders: Of the classes.
        info: What ``dataset.json`` says.

    Raises:
        InputError: The class does not exist, the folder or the shard is another class's, or the id is none.
    """
    class_id, folder, number = line['class'], folder_of(line), int(line['id'])
    if class_id >= len(folders):
        raise InputError(f'there is no class {class_id}; dataset.json names {len(folders)}')
    if folder != folders[class_id]:
        raise InputError(f'class {class_id} is {folders[class_id]}, but the sample lies in the folder {folder}')
    if sample_id(number) != line['id']:
        raise InputError(f'{line["id"]} is no name of a sample; {sample_id(number)} would be')
    if info.get('format', 'folder') != 'shards':
        if 'shard' in line:
            raise InputError('it names a shard, but dataset.json says that the dataset is in folders')
        return class_id, number, 0
    shard = line.get('shard', '')
    block = int(shard.rpartition('/')[2].removesuffix('.tar') or 0)
    if shard != shard_name(folder, block):
        raise InputError(f'the shard {shard or "(none)"} is none of the class {folder}')
    return class_id, number, block


def _absent(root: Path, example: str, wanted: np.ndarray) -> list[int]:
    """Numbers of files that are not in their folder; ``example`` is the name of one, relative to the dataset."""
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
    """Whether a name is a number as synthesis writes it, with so many digits at least."""
    return stem.isascii() and stem.isdigit() and (len(stem) == digits or (digits < len(stem) <= 18 and stem[0] != '0'))
