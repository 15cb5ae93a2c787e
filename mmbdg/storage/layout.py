"""The dataset layout on disk.

.. code-block:: none

    OUT/images/<class folder>/<index, 8 digits>.png|jpg
    OUT/masks/<class folder>/<index, 8 digits>.png          label ids, 0 background
    OUT/uncertainty/<class folder>/<index, 8 digits>.png    optional: disagreement of the ensemble, 0..255
    OUT/tokens/<class folder>/<index, 8 digits>.npy         optional: tokens of a VQGAN sample
    OUT/shards/<class folder>/<block, 6 digits>.tar         format "shards": replaces the folders above
    OUT/manifest.jsonl                                      one line per sample
    OUT/blocks.jsonl                                        one line per block: counts of its candidates
    OUT/dataset.json                                        classes, palette, counts, config, checksums; written last
    OUT/logs/                                               not part of the dataset: identity, finished blocks, throughput
    OUT/selections/<name>.txt                               not part of the dataset: see :mod:`mmbdg.storage.selections`

In a shard a sample has the files ``<class folder>/<id>.png|jpg``, ``.mask.png``, ``.uncertainty.png``, ``.tokens.npy`` and
``.json`` (its manifest line). Interruptions do not change the bytes of a finished dataset, except for ``logs/``. The
checksums are described in :mod:`mmbdg.storage.checksums`.
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
"""Subfolders that are not part of the dataset."""


class Identity(Schema):
    """All values that determine the bytes of a dataset, see :func:`mmbdg.synthesis.identity.identity_of`."""

    config: dict
    checksums: dict[str, str]
    versions: dict[str, str | None]
    device: str


def repair_hint(root: str | os.PathLike) -> str:
    """Return the command that repairs a damaged dataset."""
    return f'python tools/verify.py {os.fspath(root)} --repair'


def sample_id(index: int) -> str:
    """Return the id of a sample, which is the stem of its file names."""
    return f'{index:08d}'


def folder_of(line: dict) -> str:
    """Return the class folder of a sample from its manifest line.

    Raises:
        InputError: The line names no class folder.
    """
    if folder := line.get('wnid') or line.get('slug'):
        return folder
    raise InputError(f'the manifest line of the sample {line.get("id")} has no class folder (key wnid or slug)')


def sample_files(folder: str, name: str, image_suffix: str = '.png', sharded: bool = False) -> dict[str, str]:
    """Return the file names of one sample, relative to the dataset or, if ``sharded``, inside the shard."""
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
    """Return the kinds of files of each sample according to ``dataset.json``. They are keys of :func:`sample_files`."""
    further = dict(uncertainty=info.get('uncertainty_maps'), tokens=info.get('tokens'))
    return ['image', *(['mask'] if info.get('masks', True) else []), *(kind for kind, written in further.items() if written)]


def shard_name(folder: str, block: int) -> str:
    """Return the file name of a block's shard, relative to the dataset."""
    return f'shards/{folder}/{block:06d}.tar'


def canonical(content: dict) -> str:
    """Return JSON text that is equal for equal content."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def check_claim(root: str | os.PathLike, identity: dict) -> None:
    """Check that a folder is empty or holds output of this configuration. Nothing is written.

    Raises:
        InputError: The folder holds other files, or a dataset of another configuration.
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
                'Choose another folder, or use the earlier configuration to continue it.'
            )
    elif foreign := next((path for path in root.rglob('*') if path.is_file() and path.relative_to(root).parts[0] not in BESIDE), None):
        raise InputError(
            f'{root} is not empty ({foreign}) and was not made by synthesis; choose another folder. If it is a dataset without its '
            f'{IDENTITY}, restore this file with: {repair_hint(root)}'
        )


def read_identity(root: str | os.PathLike) -> dict:
    """Read ``logs/identity.json`` of a dataset.

    Raises:
        InputError: The file is damaged.
    """
    path = Path(root) / IDENTITY
    try:
        return read_json(path, Identity)
    except InputError as error:
        raise InputError(
            f'{error}; the configuration of the dataset is unknown. Restore the file from a backup or with {repair_hint(root)}, or choose '
            'another folder'
        ) from error


def identity_differences(found: dict, identity: dict) -> str:
    """Describe the differences between two identities, one per line. '' if they are equal."""
    return '' if canonical(found) == canonical(identity) else _differences(found, identity) or 'they differ'


def _differences(old: dict, new: dict, prefix: str = '') -> str:
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines.append(_differences(before, after, f'{prefix}{key}.'))
        elif before != after:
            lines.append(f'  {prefix}{key}: {before} in the dataset, {after} now')
    return '\n'.join(line for line in lines if line)
