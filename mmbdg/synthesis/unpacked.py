"""A finished dataset as plain folders: its shards unpacked, or its images alone, a folder a class."""

import json
import os
import shutil
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.files import whole_folder, write_json
from mmbdg.synthesis.layout import folder_of, sample_files
from mmbdg.synthesis.stored import StoredDataset


def write_image_folder(dataset: StoredDataset, out: str | os.PathLike, link: bool = False, progress: bool = False) -> Path:
    """The images as ``OUT/<class folder>/<id>.png|jpg``, the files unchanged.

    Args:
        dataset: As folders or shards.
        out: Folder to make.
        link: Symbolic links, relative, instead of copies.
        progress: Whether to show a bar.

    Raises:
        InputError: The folder is there already, links into shards are asked for, or a file of the dataset is missing.
    """
    suffix = dataset.info.get('image_suffix', '.png')
    with whole_folder(out) as part:
        for line in _shown(dataset, progress):
            target = part / folder_of(line) / f'{line["id"]}{suffix}'
            target.parent.mkdir(exist_ok=True)
            if line.get('shard'):
                if link:
                    raise InputError(f'{dataset.root} is in shards, there is nothing to link to: leave --link out')
                target.write_bytes(dataset.stored_bytes(line, 'image'))
                continue
            source = Path(dataset.paths(line)[0])
            if not source.is_file():
                raise InputError(f'{source} is missing; lost files come back when the synthesis is run again')
            if link:
                target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))  # as far from there under the final name
            else:
                shutil.copyfile(source, target)
    return Path(out)


def unpack_shards(dataset: StoredDataset, out: str | os.PathLike, progress: bool = False) -> Path:
    """The dataset in the folder format: what synthesis with ``--format folder`` writes, without ``logs/``.

    Raises:
        InputError: It is in folders already, the folder is there already, or a shard is missing or cut off.
    """
    info = dataset.info
    if info.get('format', 'folder') != 'shards':
        raise InputError(f'{dataset.root} is not in shards')
    kinds = ['image', 'mask', *(['uncertainty'] if info.get('uncertainty_maps') else []), *(['tokens'] if info.get('tokens') else [])]
    with whole_folder(out) as part:
        for line in _shown(dataset, progress):
            outside = sample_files(folder_of(line), line['id'], info['image_suffix'])
            for kind in kinds:
                target = part / outside[kind]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(dataset.stored_bytes(line, kind))
        with open(part / 'manifest.jsonl', 'w', encoding='utf-8') as manifest:
            for line in dataset.lines:
                manifest.write(json.dumps({key: value for key, value in line.items() if key != 'shard'}, ensure_ascii=False) + '\n')
        config = info.get('config', {})
        write_json(part / 'dataset.json', {**info, 'format': 'folder', 'config': {**config, 'format': 'folder'}})
    return Path(out)


def _shown(dataset: StoredDataset, progress: bool) -> object:
    from tqdm import tqdm

    return tqdm(dataset.lines, unit='img', dynamic_ncols=True, disable=not progress)
