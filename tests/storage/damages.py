"""Kinds of damage to a dataset, by name. Each function gets the dataset's folder and damages it."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

FILES: dict[str, Callable[[Path], None]] = {}
"""Damages to sample files, in both formats."""
FOLDER_FILES: dict[str, Callable[[Path], None]] = {}
"""Damages to sample files, in the folder format."""
LISTS: dict[str, Callable[[Path], None]] = {}
"""Damages to the three JSON files."""


def of(kind: dict) -> Callable:
    def register(damage: Callable[[Path], None]) -> Callable[[Path], None]:
        kind[damage.__name__] = damage
        return damage

    return register


def stored(root: Path, place: int = 1) -> Path:
    """Path of an image or a shard."""
    return sorted([*root.glob('images/*/*.png'), *root.glob('shards/*/*.tar')])[place]


def change_json_lines(path: Path, change: Callable[[list[dict]], list[dict] | None]) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines = change(lines) or lines
    path.write_text(''.join(json.dumps(line, ensure_ascii=False) + '\n' for line in lines))


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@of(FILES)
def zeros_of_equal_size(root: Path) -> None:
    stored(root).write_bytes(bytes(stored(root).stat().st_size))


@of(FILES)
def a_flipped_byte(root: Path) -> None:
    flip(stored(root), stored(root).stat().st_size // 2)


@of(FILES)
def a_byte_flipped_at_the_end(root: Path) -> None:
    """Flip a byte after the pixels, which every reader accepts."""
    flip(stored(root), -1)


@of(FILES)
def cut_off(root: Path) -> None:
    stored(root).write_bytes(stored(root).read_bytes()[:100])


@of(FILES)
def deleted(root: Path) -> None:
    stored(root).unlink()


@of(FILES)
def swapped(root: Path) -> None:
    first, second = stored(root, 0), stored(root, 2)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


@of(FILES)
def a_link_that_leads_out(root: Path) -> None:
    path = stored(root)
    path.unlink()
    path.symlink_to('/etc/hostname')


@of(FILES)
def a_folder_in_its_place(root: Path) -> None:
    path = stored(root)
    path.unlink()
    path.mkdir()
    (path / 'inside.txt').write_text('x')


@of(FILES)
def a_pipe_in_its_place(root: Path) -> None:
    path = stored(root)
    path.unlink()
    os.mkfifo(path)


@of(FILES)
def a_foreign_file(root: Path) -> None:
    (root / 'notes.txt').write_text('mine')


@of(FILES)
def a_file_like_a_sample(root: Path) -> None:
    """Add a file whose number is within a block but is none of its samples, or add a shard."""
    path = stored(root, 0)
    name = next(name for i in range(10) if not (path.parent / (name := f'{i:0{len(path.stem)}d}{path.suffix}')).exists())
    (path.parent / name).write_bytes(path.read_bytes())


@of(FILES)
def a_foreign_folder(root: Path) -> None:
    (stored(root).parents[1] / 'zebra').mkdir()
    (stored(root).parents[1] / 'zebra' / 'x.png').write_bytes(b'x')


@of(FILES)
def everything_lost(root: Path) -> None:
    for path in [*root.glob('images/*/*'), *root.glob('masks/*/*'), *root.glob('shards/*/*')]:
        path.unlink()


def change_member(root: Path, suffix: str, change: Callable[[bytes], bytes]) -> None:
    """Change one file in a shard. The tar file stays valid."""
    path, files = stored(root), []
    with tarfile.open(path) as tar:
        files = [(entry, tar.extractfile(entry).read()) for entry in tar]
    place = next(i for i, (entry, _) in enumerate(files) if entry.name.endswith(suffix))
    with tarfile.open(path, 'w', format=tarfile.USTAR_FORMAT) as tar:
        for i, (entry, data) in enumerate(files):
            data = change(data) if i == place else data
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def as_png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format='PNG')
    return buffer.getvalue()


@of(FILES)
def a_black_mask(root: Path) -> None:
    black = as_png(np.zeros((16, 16), np.uint8))
    if (root / 'masks').exists():
        sorted(root.glob('masks/*/*.png'))[1].write_bytes(black)
    else:
        change_member(root, '.mask.png', lambda data: black)


@of(FOLDER_FILES)
def swapped_masks(root: Path) -> None:
    first, *others = sorted(root.glob('masks/*/*.png'))
    data = first.read_bytes()
    second = next(other for other in others if other.read_bytes() != data)
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


@of(LISTS)
def manifest_cut(root: Path) -> None:
    path = root / 'manifest.jsonl'
    path.write_bytes(path.read_bytes()[:-20])


@of(LISTS)
def manifest_without_a_line(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[:2] + lines[3:])


@of(LISTS)
def a_line_twice(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[:2] + [lines[1]] + lines[3:])


@of(LISTS)
def lines_in_another_order(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: [lines[1], lines[0], *lines[2:]])


@of(LISTS)
def another_class(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[1].update({'class': 2}))


@of(LISTS)
def a_class_that_does_not_exist(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[1].update({'class': -1}))


@of(LISTS)
def a_score_that_is_wrong(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[1].update(uncertainty=0.5))


@of(LISTS)
def a_line_that_leads_out(root: Path) -> None:
    change_json_lines(root / 'manifest.jsonl', lambda lines: lines[1].update(slug='../../outside'))


@of(LISTS)
def manifest_lost(root: Path) -> None:
    (root / 'manifest.jsonl').unlink()


@of(LISTS)
def manifest_of_zeros(root: Path) -> None:
    path = root / 'manifest.jsonl'
    path.write_bytes(bytes(path.stat().st_size))


@of(LISTS)
def blocks_lost(root: Path) -> None:
    (root / 'blocks.jsonl').unlink()


@of(LISTS)
def blocks_changed(root: Path) -> None:
    change_json_lines(root / 'blocks.jsonl', lambda lines: lines[1].update(kept=3))


@of(LISTS)
def blocks_without_a_line(root: Path) -> None:
    change_json_lines(root / 'blocks.jsonl', lambda lines: lines[:1] + lines[2:])


@of(LISTS)
def info_lost(root: Path) -> None:
    (root / 'dataset.json').unlink()


@of(LISTS)
def info_cut(root: Path) -> None:
    path = root / 'dataset.json'
    path.write_bytes(path.read_bytes()[:-50])


@of(LISTS)
def info_changed(root: Path) -> None:
    path = root / 'dataset.json'
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))


@of(LISTS)
def info_with_another_size(root: Path) -> None:
    path = root / 'dataset.json'
    path.write_text(path.read_text().replace('"resolution": 16', '"resolution": 17'))


@of(LISTS)
def info_that_leads_out(root: Path) -> None:
    path = root / 'dataset.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(image_suffix='/../../x.png')))


@of(LISTS)
def manifest_and_blocks_lost(root: Path) -> None:
    manifest_lost(root), blocks_lost(root)


@of(LISTS)
def manifest_and_info_lost(root: Path) -> None:
    manifest_lost(root), info_lost(root)


@of(LISTS)
def blocks_and_info_lost(root: Path) -> None:
    blocks_lost(root), info_lost(root)


@of(LISTS)
def a_line_of_each_damaged(root: Path) -> None:
    manifest_cut(root), blocks_changed(root), a_flipped_byte(root)
