"""The dataset layout on disk.

.. code-block:: none

    OUT/images/<class folder>/<index, 8 digits>.png|jpg
    OUT/masks/<class folder>/<index, 8 digits>.png          label ids, 0 background
    OUT/uncertainty/<class folder>/<index, 8 digits>.png    if asked for: disagreement, 0..255
    OUT/tokens/<class folder>/<index, 8 digits>.npy         if asked for: a VQGAN sample's tokens
    OUT/shards/<class folder>/<block, 6 digits>.tar         instead of all these, in the other format
    OUT/manifest.jsonl                                      one line a sample
    OUT/blocks.jsonl                                        one line a block: what became of its candidates
    OUT/dataset.json                                        classes, palette, counts, config, checksums; written last
    OUT/logs/                                               what is no part of the dataset: identity of the run, finished blocks, throughput
    OUT/selections/<name>.txt                               no part of it either: samples chosen later, see :mod:`mmbdg.storage.selections`

In a shard a sample is ``<class folder>/<id>.png|jpg``, ``.mask.png``, ``.uncertainty.png``, ``.tokens.npy`` and ``.json``, its line of the
manifest. A finished dataset is the same bytes however often it was interrupted; ``logs/`` is left out of that promise. Which checksums
there are says :mod:`mmbdg.storage.checksums`.
"""

import json
import os
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.reading import read_json
from mmbdg.schema import Schema

IDENTITY = 'logs/identity.json'
TOP_FILES = ('manifest.jsonl', 'blocks.jsonl', 'dataset.json')
KINDS = ('images', 'masks', 'uncertainty', 'tokens', 'shards')
SELECTIONS = 'selections'
BESIDE = ('logs', SELECTIONS)
"""Folders in a dataset's folder that are no part of the dataset."""


class Identity(Schema):
    """What decides the bytes of a dataset, see :func:`mmbdg.synthesis.identity.identity_of`."""

    config: dict
    checksums: dict[str, str]
    versions: dict[str, str | None]
    device: str


def repair_hint(root: str | os.PathLike) -> str:
    """The command that mends a damaged dataset."""
    return f'python tools/verify.py {os.fspath(root)} --repair'


def sample_id(index: int) -> str:
    """Name of a sample's files."""
    return f'{index:08d}'


def folder_of(line: dict) -> str:
    """A sample's class folder, from its line of the manifest.

    Raises:
        InputError: The line names none.
    """
    if folder := line.get('wnid') or line.get('slug'):
        return folder
    raise InputError(f'the line of the sample {line.get("id")} names no class folder (wnid or slug)')


def sample_files(folder: str, name: str, image_suffix: str = '.png', sharded: bool = False) -> dict[str, str]:
    """Names of one sample's files, relative to the dataset or, ``sharded``, in their shard."""
    if sharded:
        stem = f'{folder}/{name}'
        return dict(image=stem + image_suffix, mask=f'{stem}.mask.png', uncertainty=f'{stem}.uncertainty.png', tokens=f'{stem}.tokens.npy')
    return dict(
        image=f'images/{folder}/{name}{image_suffix}',
        mask=f'masks/{folder}/{name}.png',
        uncertainty=f'uncertainty/{folder}/{name}.png',
        tokens=f'tokens/{folder}/{name}.npy',
    )


def kinds_of(info: dict) -> list[str]:
    """Which files each sample of a dataset has, by what ``dataset.json`` says: keys of :func:`sample_files`."""
    further = dict(uncertainty=info.get('uncertainty_maps'), tokens=info.get('tokens'))
    return ['image', *(['mask'] if info.get('masks', True) else []), *(kind for kind, written in further.items() if written)]


def shard_name(folder: str, block: int) -> str:
    """A block's shard, relative to the dataset."""
    return f'shards/{folder}/{block:06d}.tar'


def canonical(content: dict) -> str:
    """JSON that is equal for equal content."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def check_claim(root: str | os.PathLike, identity: dict) -> None:
    """See that a folder is empty, or the output of this configuration; writes nothing.

    Raises:
        InputError: The folder holds something else, or another configuration's dataset.
    """
    root = Path(root)
    if root.exists() and not root.is_dir():
        raise InputError(f'{root} is a file; name a folder for the dataset')
    marker = root / IDENTITY
    if marker.is_file():
        found = read_identity(root)
        if differences := identity_differences(found, identity):
            raise InputError(
                f'{root} was made by another configuration:\n{differences}\n'
                'Choose another folder, or go back to that configuration to continue it.'
            )
    elif foreign := next((path for path in root.rglob('*') if path.is_file() and path.relative_to(root).parts[0] not in BESIDE), None):
        raise InputError(
            f'{root} is not empty ({foreign}) and was not made by synthesis; choose another folder. If it is a dataset that has lost its '
            f'{IDENTITY}, {repair_hint(root)} brings it back'
        )


def read_identity(root: str | os.PathLike) -> dict:
    """What ``logs/identity.json`` of a dataset says.

    Raises:
        InputError: It is damaged.
    """
    path = Path(root) / IDENTITY
    try:
        return read_json(path, Identity)
    except InputError as error:
        raise InputError(
            f'{error}; what made the dataset is no longer known. {repair_hint(root)} may bring it back; or put it back, or choose another '
            'folder'
        ) from error


def identity_differences(found: dict, identity: dict) -> str:
    """What two identities do not have in common, a line each; '' if they are the same."""
    return '' if canonical(found) == canonical(identity) else _differences(found, identity) or 'they differ'


def _differences(old: dict, new: dict, prefix: str = '') -> str:
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines.append(_differences(before, after, f'{prefix}{key}.'))
        elif before != after:
            lines.append(f'  {prefix}{key}: {before} there, {after} here')
    return '\n'.join(line for line in lines if line)
