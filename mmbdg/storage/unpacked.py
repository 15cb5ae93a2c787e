"""A finished dataset as plain folders: its shards unpacked, or its images alone, a folder a class."""

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
    """The images as ``OUT/<class folder>/<id>.png|jpg``, the files unchanged.

    Args:
        dataset: As folders or shards.
        out: Folder to make.
        link: Symbolic links, relative, instead of copies.
        progress: Whether to show a bar.

    Raises:
        InputError: The folder is there already, links into shards are asked for, or a file of the dataset is missing or damaged.
    """
    suffix = dataset.info.get('image_suffix', '.png')
    with whole_folder(out) as part:
        for line in _shown(dataset, progress):
            target = part / folder_of(line) / f'{line["id"]}{suffix}'
            target.parent.mkdir(exist_ok=True)
            if not link:
                target.write_bytes(dataset.stored_bytes(line, 'image'))
                continue
            if line.get('shard'):
                raise InputError(f'{dataset.root} is in shards, there is nothing to link to: leave --link out')
            source = Path(dataset.paths(line)[0])
            if not source.is_file():
                raise InputError(f'{source} is missing; {repair_hint(dataset.root)} brings it back')
            target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))  # as far from there under the final name
    return Path(out)


def unpack_shards(dataset: StoredDataset, out: str | os.PathLike, progress: bool = False) -> Path:
    """The dataset in the folder format: what synthesis with ``--format folder`` writes, without ``logs/``.

    Of a dataset that is read by a selection, the new dataset has the chosen samples only.

    Raises:
        InputError: It is in folders already, the folder is there already, a file is missing or not of its checksum, or blocks.jsonl is
            damaged.
    """
    info = dataset.info
    if info.get('format', 'folder') != 'shards':
        raise InputError(f'{dataset.root} is not in shards')
    has_records = (dataset.root / BLOCKS).is_file()  # datasets of version 0.4.0 have none
    files = {'manifest.jsonl': RunningChecksum()} | ({BLOCKS: RunningChecksum()} if has_records else {})
    with whole_folder(out) as part:
        with open(part / 'manifest.jsonl', 'wb') as manifest:
            sizes = []
            for line in _shown(dataset, progress):
                sizes.append(_write_files(dataset, line, part))
                manifest.write(files['manifest.jsonl'].add(line_bytes(_without_shard(line))))
        if has_records:
            with open(part / BLOCKS, 'wb') as blocks:
                blocks.writelines(files[BLOCKS].add(line_bytes(record)) for record in _folder_records(dataset, sizes))
        made = {key: info[key] for key in ('selection',) if key in info}  # of the configuration, too: the same synthesis cannot mend it
        content = {**info, 'format': 'folder', 'config': {**info.get('config', {}), 'format': 'folder', **made}}
        content.pop('selection', None)
        if 'files' in info:
            content['files'] = {name: file.facts() for name, file in files.items()}
        write_json(part / 'dataset.json', sealed(content) if KEY in info else content)
    return Path(out)


def _write_files(dataset: StoredDataset, line: dict, out: Path) -> int:
    """A sample's files; their bytes."""
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
    """The records of the blocks in the folder format; ``sizes`` are the bytes of each sample's files."""
    lines, size, end = map(_without_shard, dataset.lines), iter(sizes), 0
    for record in read_blocks(dataset.root / BLOCKS):
        begin, end = end, end + record['samples']
        number = int(np.diff(np.searchsorted(dataset.places, [begin, end]))[0])
        yield new_record(record['folder'], record['block'], record, list(islice(lines, number)), sum(islice(size, number)))


def _shown(dataset: StoredDataset, progress: bool) -> object:
    from tqdm import tqdm

    return tqdm(dataset.lines, unit='img', dynamic_ncols=True, disable=not progress)
