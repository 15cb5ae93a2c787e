"""The dataset layout on disk, written and read.

.. code-block:: none

    OUT/images/<class folder>/<index, 8 digits>.png
    OUT/masks/<class folder>/<index, 8 digits>.png     the interpreter's ids, 0 background
    OUT/manifest.jsonl                                 one line a sample
    OUT/dataset.json                                   classes, palette, counts, config, checksums; written last
    OUT/logs/                                          what is no part of the dataset: identity of the run, finished blocks, throughput

A finished dataset is the same bytes however often it was interrupted; ``logs/`` is left out of that promise.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.files import write_atomically, write_json

IDENTITY = 'logs/identity.json'


def sample_id(index: int) -> str:
    """Name of a sample's files."""
    return f'{index:08d}'


def sample_paths(root: str | os.PathLike, folder: str, name: str) -> tuple[Path, Path]:
    """Image and mask of one sample."""
    return Path(root) / 'images' / folder / f'{name}.png', Path(root) / 'masks' / folder / f'{name}.png'


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
        found = json.loads(marker.read_text(encoding='utf-8'))
        if canonical(found) != canonical(identity):
            raise InputError(
                f'{root} was made by another configuration:\n{_differences(found, identity)}\n'
                'Choose another folder, or go back to that configuration to continue it.'
            )
    elif foreign := [path for path in root.rglob('*') if path.is_file() and path.parent != root / 'logs']:
        raise InputError(f'{root} is not empty ({foreign[0]}) and was not made by synthesis; choose another folder')


@contextmanager
def claimed(root: str | os.PathLike, identity: dict) -> Iterator[None]:
    """Hold a folder as the output of one configuration: a second process waits.

    Raises:
        InputError: See :func:`check_claim`; nothing is written then.
    """
    from filelock import FileLock

    root = Path(root)
    check_claim(root, identity)
    (root / 'logs').mkdir(parents=True, exist_ok=True)
    with FileLock(root / 'logs' / 'lock'):
        check_claim(root, identity)  # another may have come first
        for left_over in root.rglob('*.part'):  # of a killed run
            left_over.unlink()
        write_json(root / IDENTITY, identity)
        yield


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
    """Which blocks of a dataset are finished, as files ``logs/blocks/<class folder>/<block>.jsonl`` with the manifest's lines."""

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root) / 'logs' / 'blocks'

    def read(self, folder: str, block: int) -> list[dict]:
        """Lines of a finished block; empty if it is not finished."""
        path = self._path(folder, block)
        return read_jsonl(path) if path.is_file() else []

    def write(self, folder: str, block: int, lines: Sequence[dict]) -> None:
        """After the block's images and masks."""
        write_jsonl(self._path(folder, block), lines)

    def all_lines(self) -> list[dict]:
        """Of all finished blocks, sorted by class and index."""
        lines = [line for path in self.root.glob('*/*.jsonl') for line in read_jsonl(path)]
        return sorted(lines, key=lambda line: (line['class'], line['id']))

    def _path(self, folder: str, block: int) -> Path:
        return self.root / folder / f'{block:06d}.jsonl'


def write_jsonl(path: str | os.PathLike, lines: Sequence[dict]) -> None:
    """One JSON object a line."""
    text = ''.join(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'))


def read_jsonl(path: str | os.PathLike) -> list[dict]:
    """One JSON object a line.

    Raises:
        InputError: A line is no JSON object; the file may be cut off.
    """
    lines = []
    for number, line in enumerate(Path(path).read_text(encoding='utf-8').splitlines(), start=1):
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise InputError(f'{path}, line {number}, is no JSON; the file may be cut off: run the synthesis again') from error
    return lines


def read_dataset(root: str | os.PathLike) -> tuple[dict, list[dict]]:
    """``dataset.json`` and the manifest's lines.

    Raises:
        InputError: The folder is missing or unfinished, or the manifest does not hold what dataset.json counts.
    """
    root = Path(root)
    if not (root / 'dataset.json').is_file():
        state = 'is unfinished' if (root / IDENTITY).is_file() else 'holds no synthetic dataset'
        raise InputError(f'{root} {state} (no dataset.json): python tools/synthesize.py CONFIG {root}')
    info = json.loads((root / 'dataset.json').read_text(encoding='utf-8'))
    lines = read_jsonl(root / 'manifest.jsonl')
    if len(lines) != sum(info['counts'].values()):
        raise InputError(
            f'{root}/manifest.jsonl has {len(lines)} lines, dataset.json counts {sum(info["counts"].values())}: '
            f'python tools/synthesize.py CONFIG {root} repairs it'
        )
    return info, lines
