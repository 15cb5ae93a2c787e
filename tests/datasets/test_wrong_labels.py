"""Every reader of a synthetic dataset raises an error for damage that would train wrong labels.

The error names the file and the line.
"""

import json
import pickle
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import plan_of

from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.converters.coco_instances import write_coco
from mmbdg.datasets import SyntheticSegDataset
from mmbdg.errors import InputError
from mmbdg.files import write_png
from mmbdg.storage import StoredDataset
from mmbdg.storage.unpacked import unpack_shards, write_image_folder
from mmbdg.synthesis import synthesize

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
SIZE = 16


@pytest.fixture(scope='module')
def made(tiny_labelled_generator, tmp_path_factory):
    root = tmp_path_factory.mktemp('made')
    plan = plan_of(str(tiny_labelled_generator), num_per_class=3, candidates=3, uncertainty_rate=0)
    for form in ('folder', 'shards'):
        synthesize(plan.changed(format=form), root / form, log=lambda line: None)
    return root


@pytest.fixture
def copy(made, tmp_path):
    return Path(shutil.copytree(made / 'folder', tmp_path / 'data'))


def lines_of(root: Path, change: Callable[[list[dict]], list[dict] | None]) -> None:
    lines = [json.loads(line) for line in (root / 'manifest.jsonl').read_text().splitlines()]
    lines = change(lines) or lines
    (root / 'manifest.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))


def old(root: Path) -> None:
    """Remove the checksums, as in datasets of version 0.4.0."""
    lines_of(root, lambda lines: [{key: value for key, value in line.items() if key != 'blake2b'} for line in lines])


READERS: dict[str, Callable[[Path], object]] = {
    'StoredDataset': lambda root: [(stored.mask(line), stored.image(line)) for stored in [StoredDataset(root)] for line in stored.lines],
    'SyntheticSegDataset': lambda root: list(SyntheticSegDataset(str(root), pipeline=PIPELINE)),
    'analyze': lambda root: [(images.image(i), images.mask(i)) for images in [StoredImages(root)] for i in range(len(images))],
    'synthetic_to_coco': lambda root: write_coco(StoredDataset(root), root.parent / 'coco.json'),
    'synthetic_to_image_folder': lambda root: write_image_folder(StoredDataset(root), root.parent / 'out'),
}
MASK_READERS = [name for name in READERS if name != 'synthetic_to_image_folder']

MASKS = {
    'of another size': (np.zeros((7, 9), np.uint8), 'masks/disc/00000000.png has 9x7 pixels, expected 16x16'),
    'in colours': (np.zeros((SIZE, SIZE, 3), np.uint8), 'masks/disc/00000000.png has colours'),
    'with transparency': (np.full((SIZE, SIZE, 4), 255, np.uint8), 'masks/disc/00000000.png has colours and transparency'),
    'with another label': (np.full((SIZE, SIZE), 77, np.uint8), 'masks/disc/00000000.png holds (the|a) label .*77'),
    'of 16 bits': (np.zeros((SIZE, SIZE), np.uint16), 'masks/disc/00000000.png has 16 bits per pixel'),
}


@pytest.mark.parametrize('reader', MASK_READERS)
@pytest.mark.parametrize('name', MASKS)
def test_masks_of_an_old_dataset(copy, name, reader):
    """Without checksums, wrong masks are detected by their pixels."""
    mask, message = MASKS[name]
    old(copy)
    READERS[reader](copy)
    (copy.parent / 'coco.json').unlink(missing_ok=True)
    write_png(copy / 'masks/disc/00000000.png', mask)
    with pytest.raises(InputError, match=message):
        READERS[reader](copy)


@pytest.mark.parametrize('reader', MASK_READERS)
def test_swapped_masks(copy, reader):
    """Two swapped masks of one class are detected by their checksums."""
    first, second = (copy / f'masks/disc/0000000{i}.png' for i in (0, 1))
    data = first.read_bytes()
    assert data != second.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    with pytest.raises(InputError, match='masks/disc/00000000.png does not match its checksum'):
        READERS[reader](copy)


@pytest.mark.parametrize('reader', ['StoredDataset', 'analyze', 'synthetic_to_image_folder'])
@pytest.mark.parametrize('change', [lambda data: bytes(len(data)), lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]])
def test_images_of_the_right_size(copy, change, reader):
    path = copy / 'images/disc/00000001.png'
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(
        InputError, match='images/disc/00000001.png does not match its checksum; repair it with python tools/verify.py .* --repair'
    ):
        READERS[reader](copy)


LINES = {
    'another class': (
        lambda lines: lines[0].update({'class': 1}),
        'line 1: class 1 has the folder square, but the sample is in the folder disc',
    ),
    'a class of -1': (lambda lines: lines[1].update({'class': -1}), 'line 2, .*class'),
    'no such class': (lambda lines: lines[2].update({'class': 3}), 'line 3: there is no class 3; dataset.json names 3'),
    'another folder': (
        lambda lines: lines[4].update(slug='disc'),
        'line 5: class 1 has the folder square, but the sample is in the folder disc',
    ),
    'a line twice': (lambda lines: lines[:3] + [lines[2]] + lines[4:], 'line 4: the sample disc/00000002 already exists in line 3'),
    'a line too few': (lambda lines: lines[:-1], 'has 8 lines, expected 9'),
    'a line of another class': (lambda lines: [*lines[:-1], lines[0] | dict(id='00000009')], 'has 4 samples of the class disc'),
    'a name of another form': (lambda lines: lines[0].update(id='000000000'), 'line 1: 000000000 is not a valid sample id'),
}


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('name', LINES)
def test_lines(copy, name, reader):
    change, message = LINES[name]
    lines_of(copy, change)
    with pytest.raises(InputError, match=message):
        READERS[reader](copy)
    assert [path.name for path in copy.parent.iterdir()] == ['data']


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('kind', ['images', 'masks'])
def test_missing_files(copy, kind, reader):
    for name in ('disc/00000001.png', 'ring/00000002.png'):
        (copy / kind / name).unlink()
    with pytest.raises(InputError, match=f'{kind}/disc/00000001.png and 1 other files are missing'):
        READERS[reader](copy)


def test_wrong_shards(made, tmp_path):
    root = Path(shutil.copytree(made / 'shards', tmp_path / 'data'))
    first, second = sorted(root.rglob('*.tar'))[:2]
    data = bytearray(first.read_bytes())
    place = data.index(b'\x89PNG', data.index(b'.mask.png'))
    data[place + 60] ^= 1
    first.write_bytes(data)
    for read in (lambda root: unpack_shards(StoredDataset(root), tmp_path / 'out'), *(READERS[name] for name in MASK_READERS)):
        with pytest.raises(InputError, match='disc/00000000.mask.png does not match its checksum'):
            read(root)
    second.unlink()
    with pytest.raises(InputError, match='shards/ring/000000.tar and 0 other files are missing'):
        StoredDataset(root)
    lines_of(root, lambda lines: lines[0].update(shard='shards/ring/000000.tar'))
    with pytest.raises(InputError, match='line 1: the shard shards/ring/000000.tar does not belong to the class disc'):
        StoredDataset(root)


def test_a_folder_named_like_a_shard(made, tmp_path):
    """A dataset in a folder whose name contains ``.tar!`` can be read.

    The shard name in an address ends at the first ``.tar!``.
    """
    root = shutil.copytree(made / 'shards', tmp_path / 'x.tar!y %21 ü')
    read, plain = (SyntheticSegDataset(str(path), pipeline=PIPELINE) for path in (root, made / 'folder'))
    for i in range(9):
        assert np.array_equal(read[i]['img'], plain[i]['img']) and np.array_equal(read[i]['gt_seg_map'], plain[i]['gt_seg_map'])


def test_memory_of_a_line(copy):
    """Beside the manifest's text, memory holds a few numbers per line and no dict, in workers too."""

    def opened(number: int) -> tuple[int, int, SyntheticSegDataset]:
        folders = [copy / kind / 'disc' for kind in ('images', 'masks')]
        for folder in folders:
            for i in range(number):
                (folder / f'{i:08d}.png').touch()
        lines_of(copy, lambda lines: [lines[0] | dict(id=f'{i:08d}') for i in range(number)] + lines[-6:])
        info = json.loads((copy / 'dataset.json').read_text())
        info['counts']['disc'] = number
        (copy / 'dataset.json').write_text(json.dumps(info))
        tracemalloc.start()
        dataset = SyntheticSegDataset(str(copy), pipeline=PIPELINE)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held, (copy / 'manifest.jsonl').stat().st_size, dataset

    opened(10)  # imports take memory once
    few, few_text, _ = opened(500)
    many, many_text, dataset = opened(2500)
    assert (many - few - (many_text - few_text)) / 2000 < 60
    assert len(dataset) == 2506 and dataset[2503]['gt_label'] == 2
    assert len(pickle.dumps(dataset)) < 1.5 * many_text
