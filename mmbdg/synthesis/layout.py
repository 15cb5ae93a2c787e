"""The dataset layout on disk.

.. code-block:: none

    OUT/images/<class folder>/<index, 8 digits>.png|jpg
    OUT/masks/<class folder>/<index, 8 digits>.png          label ids, 0 background
    OUT/uncertainty/<class folder>/<index, 8 digits>.png    if asked for: disagreement, 0..255
    OUT/tokens/<class folder>/<index, 8 digits>.npy         if asked for: a VQGAN sample's tokens
    OUT/shards/<class folder>/<block, 6 digits>.tar         instead of all these, in the other format
    OUT/manifest.jsonl                                      one line a sample
    OUT/dataset.json                                        classes, palette, counts, config, checksums; written last
    OUT/logs/                                               what is no part of the dataset: identity of the run, finished blocks, throughput

In a shard a sample is ``<class folder>/<id>.png|jpg``, ``.mask.png``, ``.uncertainty.png``, ``.tokens.npy`` and ``.json``, its line of the
manifest. A finished dataset is the same bytes however often it was interrupted; ``logs/`` is left out of that promise.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.synthesis.manifest import read_jsonl, write_jsonl

IDENTITY = 'logs/identity.json'
KINDS = ('images', 'masks', 'uncertainty', 'tokens', 'shards')


def sample_id(index: int) -> str:
    """Name of a sample's files."""
    return f'{index:08d}'


def folder_of(line: dict) -> str:
    """A sample's class folder, from its line of the manifest."""
    return line.get('wnid') or line['slug']


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
        try:
            found = json.loads(marker.read_text(encoding='utf-8'))
        except ValueError as error:
            raise InputError(
                f'{marker} is damaged ({error}): nobody knows any more what made {root}; put the file back, or choose another folder'
            ) from error
        if canonical(found) != canonical(identity):
            raise InputError(
                f'{root} was made by another configuration:\n{_differences(found, identity)}\n'
                'Choose another folder, or go back to that configuration to continue it.'
            )
    elif foreign := next((path for path in root.rglob('*') if path.is_file() and root / 'logs' not in path.parents), None):
        raise InputError(f'{root} is not empty ({foreign}) and was not made by synthesis; choose another folder')


def _differences(old: dict, new: dict, prefix: str = '') -> str:
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines.append(_differences(before, after, f'{prefix}{key}.'))
        elif before != after:
            lines.append(f'  {prefix}{key}: {before} there, {after} here')
    return '\n'.join(line for line in lines if line)


class BlockRecords:
    """Which blocks of a dataset are finished, as files ``logs/blocks/<class folder>/<block>.jsonl``.

    The first line says what became of the block's candidates, the others are the manifest's.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root) / 'logs' / 'blocks'

    def read(self, folder: str, block: int) -> tuple[dict, list[dict]] | None:
        """What became of the candidates, and the manifest's lines; None if the block is not finished, or its record is cut off."""
        try:
            outcome, *lines = read_jsonl(self._path(folder, block))
        except (FileNotFoundError, ValueError):  # a machine that went down may leave an empty file
            return None
        return outcome, lines

    def written_at(self, folder: str, block: int) -> int:
        """When a finished block was written, nanoseconds."""
        return self._path(folder, block).stat().st_mtime_ns

    def write(self, folder: str, block: int, outcome: dict, lines: Iterable[dict]) -> None:
        """After the block's files."""
        write_jsonl(self._path(folder, block), [outcome, *lines])

    def of_class(self, folder: str) -> Iterable[tuple[dict, list[dict]]]:
        """Of all finished blocks of a class, in their order.

        Raises:
            InputError: A record is cut off.
        """
        for path in sorted((self.root / folder).glob('*.jsonl')):
            recorded = self.read(folder, int(path.stem))
            if recorded is None:
                raise InputError(f'{path} is cut off: run the synthesis again for as many samples and classes as before, it is made anew')
            yield recorded

    def folders(self) -> set[str]:
        """Classes of which there is a finished block."""
        return {path.name for path in self.root.glob('*') if path.is_dir()}

    def _path(self, folder: str, block: int) -> Path:
        return self.root / folder / f'{block:06d}.jsonl'
