"""Selections: lists of chosen samples of a finished dataset. They are files in ``selections/`` and do not change the dataset.

``selections/NAME.txt`` begins with a header: ``# `` and one line of JSON (:class:`Header`). Then there is one line per
sample, ``<class folder>/<id>``, in the order of the manifest. A selection is valid for one state of one dataset. After
samples were added to the dataset, it has to be made again.
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
"""First bytes of the file, before the header."""


class Header(Schema):
    """Header of a selection file: its origin, counts and checksums."""

    name: PlainName
    steps: list[dict]
    """Identity of each step, see :meth:`mmbdg.synthesis.selections.Selection.identity`."""
    versions: dict[str, str]
    """Versions of the packages that made the selection."""
    dataset: Checksum
    """Checksum of the dataset, see :func:`dataset_checksum`."""
    counts: dict[PlainName, Annotated[int, Field(ge=0)]]
    """Number of chosen samples of each class, by class folder."""
    samples: Checksum
    """Checksum of all lines after the header."""
    blake2b: Checksum
    """Checksum of the header."""


def select_hint(root: str | os.PathLike) -> str:
    """Return the command that makes a selection."""
    return f'python tools/select_samples.py {os.fspath(root)} CONFIG'


def selection_file(root: str | os.PathLike, name: object, suffix: str = '.txt') -> Path:
    """Return the path of a selection, or with another suffix the path of its report.

    Args:
        root: Folder of the dataset.
        name: Name of the selection. It may come from untrusted data.
        suffix: Suffix ".txt" (selection), ".json" or ".md" (reports). Default: ".txt".

    Raises:
        InputError: The name is not a plain file name, or a link leads out of the dataset.
    """
    validated(PlainName, name, 'the name of a selection')
    return inside(root, SELECTIONS, f'{name}{suffix}')


def selection_names(root: str | os.PathLike) -> list[str]:
    """Return the names of the selections of a dataset."""
    return sorted(path.stem for path in (Path(root) / SELECTIONS).glob('*.txt'))


def canonical_steps(steps: Sequence[dict]) -> str:
    """Return the steps as text that is equal for equal steps."""
    return json.dumps(steps, sort_keys=True, ensure_ascii=False)


def dataset_checksum(root: str | os.PathLike, info: dict) -> str:
    """Return the checksum that identifies a state of a dataset.

    This is the checksum of ``dataset.json``, or of the manifest for datasets of version 0.4.0.

    Args:
        root: Folder of the dataset.
        info: Content of ``dataset.json``.
    """
    return info.get(KEY) or file_checksum(inside(root, 'manifest.jsonl'))


def write_selection(root: str | os.PathLike, made: dict[str, Any], info: dict, index: LineIndex) -> None:
    """Write ``selections/NAME.txt``. The same input gives the same bytes.

    Args:
        root: Folder of the dataset.
        made: Values ``name``, ``steps``, ``versions`` and ``dataset`` of the :class:`Header`.
        info: Content of ``dataset.json``.
        index: Index of the chosen samples.
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
    """Read the samples of a selection.

    Args:
        root: Folder of the dataset.
        name: Name of the selection.
        info: Content of ``dataset.json``.
        index: Index of all samples of the dataset.

    Returns:
        The header, and the manifest indices of the chosen samples, int64 (N,), ascending.

    Raises:
        InputError: There is no such selection. Or it is damaged, belongs to another dataset or an earlier state of it, is
            empty, lists a sample twice, or lists a sample that the dataset does not have.
    """
    path = selection_file(root, name)
    if not path.is_file():
        known = selection_names(root)
        there = f'existing ones: {", ".join(known)}' if known else 'it has no selections'
        raise InputError(f'{root} has no selection "{name}" ({there}){nearest(name, known)}: make one with {select_hint(root)}')
    header, samples = read_file(path, root)
    if header['name'] != name:
        raise InputError(
            f'{path} is the selection "{header["name"]}" under another name: rename the file, or make it again with {select_hint(root)}'
        )
    if header['dataset'] != dataset_checksum(root, info):
        raise InputError(
            f'{path} was made from another dataset, or before samples were added to this one: make it again with {select_hint(root)}'
        )
    if checksum(samples) != header['samples']:
        raise InputError(f'{path} is damaged: its lines do not match their checksum. Make it again with {select_hint(root)}')
    try:
        class_ids, numbers = _parsed(samples, index.folders)
        places = _places(class_ids, numbers, index)
        have = np.bincount(class_ids, minlength=len(index.folders)).tolist()
        if {index.folders[c]: n for c, n in enumerate(have) if n} != {folder: n for folder, n in header['counts'].items() if n}:
            raise InputError('the counts in the header do not match the lines')
    except InputError as error:
        raise InputError(f'{path}: {error}; make it again with {select_hint(root)}') from error
    return header, places


def read_file(path: Path, root: str | os.PathLike) -> tuple[dict, bytes]:
    """Read the header and the lines of a selection. The header is checked, the lines are not.

    Raises:
        InputError: There is no such file, it is not a selection, or its header is damaged.
    """
    head, _, samples = read_bytes(path).partition(b'\n')
    again = f'Write it again with {select_hint(root)} --force'
    if not head.startswith(MARK):
        raise InputError(f'{path} is not a selection, or is damaged: its first line is not a header. {again}')
    try:
        header = validated(Header, parsed_json(head.removeprefix(MARK), f'the header of {path}'), f'the header of {path}')
    except InputError as error:
        raise InputError(f'{error}. {again}') from error
    if not is_sealed(header):
        raise InputError(f'the header of {path} does not match its checksum: it was changed. {again}')
    return header, samples


def _parsed(samples: bytes, folders: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return class and sample number of each line, int32 (N,) and int64 (N,)."""
    by_folder = {folder: class_id for class_id, folder in enumerate(folders)}
    lines = samples.decode(errors='surrogateescape').removesuffix('\n').split('\n') if samples else []
    class_ids, numbers = np.zeros(len(lines), np.int32), np.zeros(len(lines), np.int64)
    for place, line in enumerate(lines):
        folder, _, name = line.rpartition('/')
        is_number = name.isascii() and name.isdigit() and len(name) <= 18
        if folder not in by_folder or not is_number or sample_id(number := int(name)) != name:
            raise InputError(f'line {place + 2}: {line[:300]!r} is not a sample of this dataset')
        class_ids[place], numbers[place] = by_folder[folder], number
    if not lines:
        raise InputError('it lists no samples')
    return class_ids, numbers


def _places(class_ids: np.ndarray, numbers: np.ndarray, index: LineIndex) -> np.ndarray:
    """Return the manifest indices of samples, ascending.

    The wanted samples are sorted together with all samples of the dataset. Each wanted one then follows its match.
    """
    total = len(index.class_ids)
    all_ids, all_numbers = np.concatenate([index.class_ids, class_ids]), np.concatenate([index.numbers, numbers])
    order = np.lexsort((np.arange(len(all_ids)), all_numbers, all_ids))
    same = np.zeros(len(order), bool)
    same[1:] = (np.diff(all_ids[order]) == 0) & (np.diff(all_numbers[order]) == 0)
    before, wanted = np.roll(order, 1), order >= total
    for wrong, what in ((wanted & ~same, 'is not a sample of this dataset'), (wanted & same & (before >= total), 'is listed twice')):
        if wrong.any():
            place = int((order[wrong] - total).min())
            raise InputError(f'line {place + 2}: {index.folders[class_ids[place]]}/{sample_id(int(numbers[place]))} {what}')
    return np.sort(before[wanted])
