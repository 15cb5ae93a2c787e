"""Export of a finished dataset as plain folders: its unpacked shards, or its images in one folder per class."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import whole_folder, write_json
from mmbdg.storage.checksums import KEY, RunningChecksum, line_bytes, sealed
from mmbdg.storage.layout import folder_of, kinds_of, repair_hint, sample_files
from mmbdg.storage.records import BLOCKS, new_record, read_blocks
from mmbdg.storage.stored import StoredDataset


def write_image_folder(dataset: StoredDataset, out: str | os.PathLike, link: bool = False, progress: bool = False) -> Path:
    """Write the unchanged image files as ``OUT/<class folder>/<id>.png|jpg``.

    Args:
        dataset: Dataset as folders or shards.
        out: Folder to create.
        link: Whether to make relative symbolic links instead of copies. Default: False.
        progress: Whether to show a progress bar. Default: False.

    Raises:
        InputError: The folder already exists, ``link`` is used with shards, or a file of the dataset is missing or damaged.
    """
    suffix = dataset.info.get('image_suffix', '.png')
    with whole_folder(out) as part:
        for line in _lines_of(dataset, progress):
            target = part / folder_of(line) / f'{line["id"]}{suffix}'
            target.parent.mkdir(exist_ok=True)
            if not link:
                target.write_bytes(dataset.stored_bytes(line, 'image'))
                continue
            if line.get('shard'):
                raise InputError(f'{dataset.root} is in shards, so its images have no files to link to: omit --link')
            source = Path(dataset.paths(line)[0])
            if not source.is_file():
                raise InputError(f'{source} is missing; restore it with {repair_hint(dataset.root)}')
            # ``part`` and the final folder have the same parent, so the relative path stays valid after the renaming.
            target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))
    return Path(out)


def unpack_shards(dataset: StoredDataset, out: str | os.PathLike, progress: bool = False) -> Path:
    """Write a dataset of shards in the folder format, equal to the output of synthesis with ``--format folder`` without ``logs/``.

    If the dataset is read by a selection, the new dataset has the chosen samples only.

    Args:
        dataset: Dataset as shards.
        out: Folder to create.
        progress: Whether to show a progress bar. Default: False.

    Raises:
        InputError: The dataset is not in shards, the folder already exists, a file is missing or does not match its
            checksum, or blocks.jsonl is damaged.
    """
    info = dataset.info
    if info.get('format', 'folder') != 'shards':
        raise InputError(f'{dataset.root} is not in shards: there is nothing to unpack')
    has_records = (dataset.root / BLOCKS).is_file()  # datasets of version 0.4.0 have none
    files = {'manifest.jsonl': RunningChecksum()} | ({BLOCKS: RunningChecksum()} if has_records else {})
    with whole_folder(out) as part:
        with open(part / 'manifest.jsonl', 'wb') as manifest:
            sizes = []
            for line in _lines_of(dataset, progress):
                sizes.append(_write_files(dataset, line, part))
                manifest.write(files['manifest.jsonl'].add(line_bytes(_without_shard(line))))
        if has_records:
            with open(part / BLOCKS, 'wb') as blocks:
                blocks.writelines(files[BLOCKS].add(line_bytes(record)) for record in _folder_records(dataset, sizes))
        # The selection becomes a part of the configuration, because the original synthesis cannot repair the new dataset.
        made = {key: info[key] for key in ('selection',) if key in info}
        content = {**info, 'format': 'folder', 'config': {**info.get('config', {}), 'format': 'folder', **made}}
        content.pop('selection', None)
        if 'files' in info:
            content['files'] = {name: file.facts() for name, file in files.items()}
        write_json(part / 'dataset.json', sealed(content) if KEY in info else content)
    return Path(out)


def _write_files(dataset: StoredDataset, line: dict, out: Path) -> int:
    """Write the files of a sample, and return their total size in bytes."""
    names, size = sample_files(folder_of(line), line['id'], dataset.info['image_suffix']), 0
    for kind in kinds_of(dataset.info):
        target, data = out / names[kind], dataset.stored_bytes(line, kind)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        size += len(data)
    return size


def _without_shard(line: dict) -> dict:
    return {key: value for key, value in line.items() if key != 'shard'}


def _folder_records(dataset: StoredDataset, sizes: list[int]) -> Iterator[dict]:
    """Yield the block records of the folder format. ``sizes`` are the total file sizes of the samples in bytes."""
    lines, size, end = map(_without_shard, dataset.lines), iter(sizes), 0
    for record in read_blocks(dataset.root / BLOCKS):
        begin, end = end, end + record['samples']
        number = int(np.diff(np.searchsorted(dataset.places, [begin, end]))[0])
        yield new_record(record['folder'], record['block'], record, list(islice(lines, number)), sum(islice(size, number)))


def _lines_of(dataset: StoredDataset, progress: bool) -> object:
    from tqdm import tqdm

    return tqdm(dataset.lines, unit='img', dynamic_ncols=True, disable=not progress)
