"""Selections: samples of a finished dataset that were chosen later. They lie in ``selections/`` of its folder and change nothing of it.

``selections/NAME.txt`` has a header, one line of JSON after ``# ``: what chose the samples (:class:`Header`). Then there is a line for each
sample, ``<class folder>/<id>``, in the order of the manifest. A selection belongs to one state of one dataset: after samples were added to
the dataset, it has to be made again.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mmbdg.errors import InputError, nearest
from mmbdg.files import write_atomically
from mmbdg.paths import inside
from mmbdg.reading import parsed_json, read_bytes
from mmbdg.schema import PlainName, Schema, validated
from mmbdg.storage.checksums import KEY, Checksum, checksum, file_checksum, is_sealed, sealed
from mmbdg.storage.layout import SELECTIONS, sample_id
from mmbdg.storage.line_index import LineIndex

MARK = b'# '
"""Before the header."""


class Header(Schema):
    """What made a selection."""

    name: PlainName
    steps: list[dict]
    """Identity of each step, see :meth:`mmbdg.synthesis.selections.Selection.identity`."""
    versions: dict[str, str]
    """Of the packages that chose."""
    dataset: Checksum
    """Of the dataset, see :func:`dataset_checksum`."""
    counts: dict[PlainName, Annotated[int, Field(ge=0)]]
    """Chosen samples of each class, by its folder."""
    samples: Checksum
    """Of all lines after the header."""
    blake2b: Checksum
    """Of the header."""


def select_hint(root: str | os.PathLike) -> str:
    """The command that makes a selection."""
    return f'python tools/select_samples.py {os.fspath(root)} CONFIG'


def selection_file(root: str | os.PathLike, name: object, suffix: str = '.txt') -> Path:
    """Path of a selection, or with another suffix of its report.

    Args:
        root: The dataset's folder.
        name: Name of the selection; it may come from data.
        suffix: ".txt", ".json" or ".md".

    Raises:
        InputError: The name is not the plain name of a file, or a link leads out of the dataset.
    """
    validated(PlainName, name, 'the name of a selection')
    return inside(root, SELECTIONS, f'{name}{suffix}')


def selection_names(root: str | os.PathLike) -> list[str]:
    """Names of the selections of a dataset."""
    return sorted(path.stem for path in (Path(root) / SELECTIONS).glob('*.txt'))


def canonical_steps(steps: Sequence[dict]) -> str:
    """Steps as text that is equal for equal steps."""
    return json.dumps(steps, sort_keys=True, ensure_ascii=False)


def dataset_checksum(root: str | os.PathLike, info: dict) -> str:
    """Checksum that tells one state of a dataset from all others: that of ``dataset.json``, or of the manifest of a dataset of 0.4.0.

    Args:
        root: The dataset's folder.
        info: Content of ``dataset.json``.
    """
    return info.get(KEY) or file_checksum(inside(root, 'manifest.jsonl'))


def write_selection(root: str | os.PathLike, made: dict[str, Any], info: dict, index: LineIndex) -> None:
    """Write ``selections/NAME.txt``; the same input gives the same bytes.

    Args:
        root: The dataset's folder.
        made: ``name``, ``steps``, ``versions`` and ``dataset`` of the :class:`Header`.
        info: Content of ``dataset.json``.
        index: Of the chosen samples.
    """
    numbers = np.bincount(index.class_ids, minlength=len(index.folders)).tolist()
    names = (f'{index.folders[c]}/{sample_id(n)}\n' for c, n in zip(index.class_ids.tolist(), index.numbers.tolist(), strict=True))
    samples = ''.join(names).encode(errors='surrogateescape')
    header = sealed(
        dict(
            **made,
            counts={folder: number for folder, number in zip(index.folders, numbers, strict=True) if folder in info['counts']},
            samples=checksum(samples),
        )
    )
    data = MARK + json.dumps(header).encode() + b'\n' + samples
    write_atomically(selection_file(root, made['name']), lambda part: part.write_bytes(data))


def read_selection(root: str | os.PathLike, name: str, info: dict, index: LineIndex) -> tuple[dict, np.ndarray]:
    """The samples of a selection.

    Args:
        root: The dataset's folder.
        name: Name of the selection.
        info: Content of ``dataset.json``.
        index: Of all samples of the dataset.

    Returns:
        The header, and the chosen samples' indices in the manifest, int64 (N,), ascending.

    Raises:
        InputError: There is no such selection; it is damaged, was made from another dataset or before samples were added, chooses no
            sample, or names a sample twice or one that the dataset does not have.
    """
    path = selection_file(root, name)
    if not path.is_file():
        known = selection_names(root)
        there = f'there are {", ".join(known)}' if known else 'there is none'
        raise InputError(f'{root} has no selection "{name}" ({there}){nearest(name, known)}: {select_hint(root)} makes one')
    header, samples = read_file(path, root)
    if header['name'] != name:
        raise InputError(f'{path} is the selection "{header["name"]}" under another name: {select_hint(root)} makes one of this name')
    if header['dataset'] != dataset_checksum(root, info):
        raise InputError(
            f'{path} was made from another dataset, or before samples were added to this one: {select_hint(root)} chooses again'
        )
    if checksum(samples) != header['samples']:
        raise InputError(f'{path} is damaged, its lines do not have their checksum: {select_hint(root)} makes it again')
    try:
        class_ids, numbers = _parsed(samples, index.folders)
        places = _places(class_ids, numbers, index)
        have = np.bincount(class_ids, minlength=len(index.folders)).tolist()
        if {index.folders[c]: n for c, n in enumerate(have) if n} != {folder: n for folder, n in header['counts'].items() if n}:
            raise InputError('the header counts other samples than there are')
    except InputError as error:
        raise InputError(f'{path}: {error}; {select_hint(root)} makes it again') from error
    return header, places


def read_file(path: Path, root: str | os.PathLike) -> tuple[dict, bytes]:
    """Header and lines of a selection, as they are stored. The header is checked, the lines are not.

    Raises:
        InputError: There is no such file, it is not a selection, or its header is damaged.
    """
    head, _, samples = read_bytes(path).partition(b'\n')
    again = f'{select_hint(root)} --force writes it again'
    if not head.startswith(MARK):
        raise InputError(f'{path} is not a selection, or is damaged: its first line is no header. {again}')
    try:
        header = validated(Header, parsed_json(head.removeprefix(MARK), f'the header of {path}'), f'the header of {path}')
    except InputError as error:
        raise InputError(f'{error}. {again}') from error
    if not is_sealed(header):
        raise InputError(f'the header of {path} does not have its checksum: it was changed. {again}')
    return header, samples


def _parsed(samples: bytes, folders: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Class and number of each line, int32 (N,) and int64 (N,)."""
    by_folder = {folder: class_id for class_id, folder in enumerate(folders)}
    lines = samples.decode(errors='surrogateescape').removesuffix('\n').split('\n') if samples else []
    class_ids, numbers = np.zeros(len(lines), np.int32), np.zeros(len(lines), np.int64)
    for place, line in enumerate(lines):
        folder, _, name = line.rpartition('/')
        is_number = name.isascii() and name.isdigit() and len(name) <= 18
        if folder not in by_folder or not is_number or sample_id(number := int(name)) != name:
            raise InputError(f'line {place + 2}: {line[:300]!r} is no sample of this dataset')
        class_ids[place], numbers[place] = by_folder[folder], number
    if not lines:
        raise InputError('it chooses no sample')
    return class_ids, numbers


def _places(class_ids: np.ndarray, numbers: np.ndarray, index: LineIndex) -> np.ndarray:
    """Indices in the manifest of samples, ascending.

    Sorted together with all samples of the dataset, each follows its own.
    """
    total = len(index.class_ids)
    all_ids, all_numbers = np.concatenate([index.class_ids, class_ids]), np.concatenate([index.numbers, numbers])
    order = np.lexsort((np.arange(len(all_ids)), all_numbers, all_ids))
    same = np.zeros(len(order), bool)
    same[1:] = (np.diff(all_ids[order]) == 0) & (np.diff(all_numbers[order]) == 0)
    before, wanted = np.roll(order, 1), order >= total
    for wrong, what in ((wanted & ~same, 'is no sample of this dataset'), (wanted & same & (before >= total), 'is there twice')):
        if wrong.any():
            place = int((order[wrong] - total).min())
            raise InputError(f'line {place + 2}: {index.folders[class_ids[place]]}/{sample_id(int(numbers[place]))} {what}')
    return np.sort(before[wanted])
