"""Verification of a finished dataset: all its files, lines and counts."""

import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import json_text
from mmbdg.paths import inside
from mmbdg.reading import parsed_json, read_bytes
from mmbdg.schema import validated
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.checksums import KEY, file_checksum, is_sealed
from mmbdg.storage.findings import Block, Findings, Problem
from mmbdg.storage.foreign import foreign_files
from mmbdg.storage.layout import IDENTITY, KINDS, TOP_FILES
from mmbdg.storage.line_index import address_of
from mmbdg.storage.manifest import Line, Manifest
from mmbdg.storage.records import BLOCKS, Record, checked_record, total_outcome
from mmbdg.storage.stored import Info
from mmbdg.storage.verify_block import BlockCheck

Each = Callable[[Callable[[int], list[Problem]], int], Iterable[list[Problem]]]
"""Function that maps a function over 0 ... n - 1 and yields the results in this order, in one process or in several ones."""
LINES_A_BLOCK = 100
"""Number of lines that are checked together if the size of the blocks is unknown."""
MANIFEST = 'manifest.jsonl'


def in_turn(function: Callable[[int], list[Problem]], n: int) -> Iterable[list[Problem]]:
    """Return the results of ``function`` for 0 ... n - 1, computed in this process."""
    return map(function, range(n))


def verify(root: str | os.PathLike, each: Each = in_turn, only: Container[Block] | None = None, info: dict | None = None) -> Findings:
    """Check all parts of a dataset. Nothing is changed, and ``logs/`` is not needed.

    Args:
        root: Folder of the dataset.
        each: Function that runs the checks of the blocks, which take most of the time. Default: :func:`in_turn`.
        only: Blocks whose files are checked. All other checks run in any case. Default: None, for all blocks.
        info: Expected content of ``dataset.json``, used if the file is damaged. Without it, the other files cannot be
            checked then. Default: None.

    Returns:
        The problems of the dataset.

    Raises:
        InputError: There is no dataset.
    """
    dataset = Dataset(root, info)
    if dataset.info:
        dataset.check_files(each, only)
    return dataset.findings


class Dataset:
    """The readable part of a possibly damaged dataset. The constructor checks dataset.json, manifest.jsonl and blocks.jsonl.

    Args:
        root: Folder of the dataset.
        info: See :func:`verify`.

    Attributes:
        findings: Problems that were found so far.
        sealed_info: Content of ``dataset.json`` if the file matches its checksum, else None.
        info: ``sealed_info``, else the argument ``info``, else the present content of ``dataset.json``, else None.
        records: Undamaged records of ``blocks.jsonl``.
        records_whole: Whether all records are undamaged.
        intact: Names of the JSON lines files that match their checksums in ``dataset.json``.

    Raises:
        InputError: There is no dataset.
    """

    def __init__(self, root: str | os.PathLike, info: dict | None = None) -> None:
        self.root, self.findings, self.intact = Path(root), Findings(), set()
        if not any((self.root / name).exists() for name in (*TOP_FILES, *KINDS)):
            state = 'is unfinished' if (self.root / IDENTITY).is_file() else 'holds no synthetic dataset'
            raise InputError(f'{root} {state}: run python tools/synthesize.py CONFIG {root}')
        self._check_links()
        self.sealed_info, found = self._read_info()
        self.info = self.sealed_info or info or found
        self.records, self.records_whole = self._read_records()
        self._places: dict[Block, list[int]] = {}
        self.lines: Manifest | None = None
        if self.info:
            self._read_lines()
            self._check_counts()

    def lines_of(self, block: Block) -> list[dict]:
        """Return the readable manifest lines of a block."""
        return [self.lines[place] for place in self._places.get(block, ())]

    def blocks(self) -> list[Block]:
        """Return all blocks that occur in records or manifest lines."""
        return sorted({*self.records, *self._places})

    def check_files(self, each: Each, only: Container[Block] | None = None) -> None:
        """Check the files of all blocks, and search for foreign files."""
        blocks = [block for block in self.blocks() if only is None or block in only]
        check = BlockCheck(self.root, self.info)
        for problems in each(partial(self._checked, check, blocks), len(blocks)):
            self.findings.problems += problems
        lines = sum(len(self._places.get(block, ())) for block in blocks)
        self.findings.blocks, self.findings.samples = len(blocks), lines
        self.findings.files = len(blocks) if check.sharded else lines * len(check.kinds)
        if not self._places and not self.records:
            self.findings.unchecked.append('foreign files, because no manifest line and no block record can be read')
            return
        self.findings.foreign = list(foreign_files(self.root, self.info, self._known(check.sharded)))
        for place in self.findings.foreign:
            self.findings.add(place, 'does not belong to the dataset: no manifest line names it')

    def _checked(self, check: BlockCheck, blocks: Sequence[Block], i: int) -> list[Problem]:
        return check(blocks[i], self.lines_of(blocks[i]), self.records.get(blocks[i]))

    def _known(self, sharded: bool) -> dict[str, np.ndarray]:
        """Return the numbers of the samples, or of the shards, of each class folder.

        For a block with lost manifest lines, all numbers of its candidates are returned.
        """
        known: dict[str, list[int]] = {}
        for block in self.blocks():
            places, record = self._places.get(block, ()), self.records.get(block)
            numbers = known.setdefault(block[0], [])
            if sharded:
                numbers += [block[1]] if places or (record and record['samples']) else []
            elif record and len(places) < record['samples']:
                start = block[1] * self._candidates_a_block()
                numbers += range(start, start + record['candidates'])
            else:
                numbers += [int(self.lines[place]['id']) for place in places]
        return {folder: np.array(numbers, np.int64) for folder, numbers in known.items()}

    def _check_links(self) -> None:
        real_root = os.path.realpath(self.root)
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                if os.path.islink(path) and not os.path.realpath(path).startswith(real_root + os.sep):
                    self.findings.links.append(place := os.path.relpath(path, self.root))
                    self.findings.add(place, 'is a link that leads out of the dataset')
            if folder == os.fspath(self.root) and 'logs' in folders:
                folders.remove('logs')

    def _read_info(self) -> tuple[dict | None, dict | None]:
        """Return the content of ``dataset.json`` if it matches its checksum, and the content if it can be read."""
        try:
            data = read_bytes(inside(self.root, 'dataset.json'))
            found = validated(Info, parsed_json(data, 'dataset.json'), 'dataset.json')
        except InputError as error:
            self.findings.add('dataset.json', str(error).removeprefix('dataset.json '))
            return None, None
        if KEY not in found:
            self.findings.unchecked.append(
                'the checksums of the files, because there are none: the dataset was made by version 0.4.0 or by hand'
            )
            return None, found
        if not is_sealed(found) or data != json_text(found).encode():
            self.findings.add('dataset.json', 'does not match its checksum: it was changed after it was written')
            return None, found
        for name, facts in found['files'].items():
            self._check_fact(name, facts)
        return found, found

    def _check_fact(self, name: str, facts: Mapping) -> None:
        """Compare the size and the checksum of another file with dataset.json."""
        try:
            path = inside(self.root, name)
            size = len(read_bytes(path))
            if size != facts['bytes']:
                self.findings.add(name, f'has {size:,} bytes, expected {facts["bytes"]:,} (dataset.json)')
            elif file_checksum(path) != facts[KEY]:
                self.findings.add(name, 'does not match its checksum')
            else:
                self.intact.add(name)
        except InputError as error:
            self.findings.add(name, str(error))

    def _read_records(self) -> tuple[dict[Block, Record], bool]:
        found: dict[Block, Record] = {}
        if not os.path.lexists(self.root / BLOCKS):
            if self.sealed_info is None and (self.info is None or KEY in self.info):
                self.findings.add(BLOCKS, 'is missing')
            return found, False
        try:
            contents = Manifest(inside(self.root, BLOCKS), schema=None)
        except InputError as error:
            self.findings.add(BLOCKS, str(error))
            return found, False
        whole = True
        for number in range(len(contents)):
            try:
                record = checked_record(contents[number], f'{BLOCKS}, line {number + 1},')
                block = record['folder'], record['block']
                if block in found:
                    raise InputError(f'block {block[1]} of {block[0]} already exists')
                found[block] = record
            except InputError as error:
                self.findings.add(f'{BLOCKS}, line {number + 1}', _of_line(error))
                whole = False
        return found, whole

    def _read_lines(self) -> None:
        try:
            lines = Manifest(inside(self.root, MANIFEST))
        except InputError as error:
            if self.sealed_info is None:
                self.findings.add(MANIFEST, str(error))
            return
        self.lines, folders = lines, list(catalogue_of(self.info).folders)
        together = self._candidates_a_block()
        seen: dict[str, dict[int, int]] = {}
        for place in range(len(lines)):
            try:
                line = validated(Line, lines[place], 'it')
                class_id, number, shard = address_of(line, folders, self.info)
                folder = folders[class_id]
                if (first := seen.setdefault(folder, {}).setdefault(number, place)) != place:
                    raise InputError(f'the sample {folder}/{line["id"]} already exists in line {first + 1}')
            except InputError as error:
                self.findings.add(f'{MANIFEST}, line {place + 1}', _of_line(error))
                continue
            block = shard if 'shard' in line else number // together
            self._places.setdefault((folder, block), []).append(place)

    def _candidates_a_block(self) -> int:
        """Return the number of candidates of a complete block. The last block of a finite class can have fewer."""
        known = self.info.get('config', {}).get('candidates')
        if not isinstance(known, int) or known < 1:
            known = max((record['candidates'] for record in self.records.values()), default=0)
        return known or LINES_A_BLOCK

    def _check_counts(self) -> None:
        """Compare the counts of dataset.json, of the manifest lines and of the records."""
        lines, records = {}, {}
        for (folder, _), places in self._places.items():
            lines[folder] = lines.get(folder, 0) + len(places)
        for (folder, _), record in self.records.items():
            records.setdefault(folder, []).append(record)
        for folder in sorted({*lines, *self.info['counts']}):
            if lines.get(folder, 0) != (counted := self.info['counts'].get(folder, 0)):
                self.findings.add(MANIFEST, f'has {lines.get(folder, 0)} samples of the class {folder}, expected {counted} (dataset.json)')
        if self.records_whole and self.records:
            for block in self._places:
                if block not in self.records:
                    self.findings.add(BLOCKS, f'has no record of block {block[1]} of {block[0]}, but the manifest has samples of it', block)
            filters = {folder: total_outcome(of_class) for folder, of_class in records.items()}
            if filters != self.info.get('filters'):
                self.findings.add('dataset.json', 'its counts after the filters differ from blocks.jsonl')


def _of_line(error: InputError) -> str:
    """Return the message without the line number, because the problem's place already has it."""
    return str(error).split(', ', 2)[-1] if ', line ' in str(error) else str(error)
