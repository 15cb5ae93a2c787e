"""What tools/check_images.py says about folders with known faults."""

import json
import runpy
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from mmbdg.own_images import folder
from mmbdg.own_images.duplicates import equal_groups, near_pairs, thumbnail
from mmbdg.own_images.folder import check_folder
from mmbdg.own_images.folder_text import report_text

rng = np.random.default_rng(0)


def noise(height=40, width=40, grey=False):
    """Image of random blocks of 4 pixels."""
    blocks = rng.integers(0, 256, (height // 4, width // 4, 1 if grey else 3), np.uint8)
    return np.kron(blocks, np.ones((4, 4, 1), np.uint8)).repeat(3 if grey else 1, axis=2)


def save(path, pixels, mode='RGB'):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture(scope='module')
def faulty(tmp_path_factory):
    """A folder with each fault once."""
    root = tmp_path_factory.mktemp('images')
    first = [noise() for _ in range(60)]
    for i, pixels in enumerate(first):
        save(root / 'cat' / f'{i}.png', pixels)
    for i in range(12):
        save(root / 'dog' / f'{i}.png', noise(64, 48))
    for i in range(4):
        save(root / 'cow' / f'{i}.png', noise(grey=True), 'L')
    (root / 'empty').mkdir()
    save(root / 'cat/copy.bmp', first[3])
    save(root / 'dog/cat.png', first[4])
    save(root / 'cat/near.png', np.clip(first[5].astype(int) + 2, 0, 255).astype(np.uint8))
    save(root / 'cat/blank.png', np.full((40, 40, 3), 7, np.uint8))
    save(root / 'cat/long.png', noise(40, 120))
    (root / 'cat/broken.png').write_bytes((root / 'cat/0.png').read_bytes()[:200])
    (root / 'cat/notes.txt').write_text('x')
    save(root / 'beside.png', first[0])
    return root


def test_each_fault(faulty):
    report = check_folder(faulty)
    assert report.classes == dict(cat=64, cow=4, dog=13, empty=0) and report.images == 81
    assert report.sizes == dict(smallest=40, median=40, largest=48) and report.modes == dict(L=4, RGB=77)
    assert report.grey == 5 and report.stops  # the four cows and the blank image
    found = {fault.name: fault.items for fault in report.faults}
    assert len(found.pop('broken')) == 1
    assert found == {
        'empty class': ['empty: 0'],
        'class too small': ['cow: 4'],
        'small class': ['dog: 13'],
        'uneven classes': ['cat: 64, empty: 0'],
        'in two classes': ['dog/cat.png = cat/4.png'],
        'equal': ['cat/copy.bmp = cat/3.png'],
        'nearly equal': [found['nearly equal'][0]],
        'blank': ['cat/blank.png'],
        'long': ['cat/long.png (120x40 px)'],
        'mixed colours': ['5 of 81 images are grey'],
        'loose': ['beside.png'],
        'other files': ['cat/notes.txt'],
    }
    assert found['nearly equal'][0].startswith('cat/near.png ~ cat/5.png (')
    assert [fault.name for fault in report.faults if fault.stops] == ['broken', 'empty class']


def test_settings(faulty):
    """81 images of about 40 px: 32 px, LoRA; the classes without images are left out."""
    report = check_folder(faulty, near=None)
    assert report.settings == dict(
        class_names=('cat', 'cow', 'dog'),
        resolution=32,
        colours='rgb',
        num_images=81,
        budget='cpu-hour',
        generator_type='diffusion-lora',
    )
    assert report.budgets == {'cpu-hour': 32, 'gpu-hour': 32, 'gpu-day': 32}
    assert 'nearly equal' not in {fault.name for fault in report.faults}


def test_a_good_folder(tmp_path, monkeypatch):
    """No faults; grey images; the budget decides between 32 and 64 px."""
    monkeypatch.setattr(folder, 'FEW', 3)
    monkeypatch.setattr(folder, 'TOO_FEW', 2)
    monkeypatch.setattr(folder, 'FEW_IMAGES', 6)
    monkeypatch.setattr(folder, 'suits', lambda resolution, budget, images: resolution <= (32 if budget == 'cpu-hour' else 256))
    for kind in ('a', 'b'):
        for i in range(3):
            save(tmp_path / kind / f'{i}.png', noise(80, 80, grey=True), 'L')
    report = check_folder(tmp_path, budget='gpu-hour')
    assert not report.faults and not report.stops and 'no faults' in report_text(report)
    assert report.budgets == {'cpu-hour': 32, 'gpu-hour': 64, 'gpu-day': 64}
    assert (report.settings['resolution'], report.settings['colours'], report.settings['generator_type']) == (64, 'grey', 'biggan')


def test_no_folder_of_a_class(tmp_path):
    report = check_folder(tmp_path)
    assert report.stops and [fault.name for fault in report.faults] == ['no class folders'] and report.settings == {}
    assert 'ERROR: no class folders' in report_text(report)


def test_the_tool(faulty, tmp_path, monkeypatch, capsys):
    """The table is printed, the JSON has the same, the exit code tells errors; its settings are accepted by configs/own."""
    out = tmp_path / 'out.json'
    monkeypatch.setattr(sys, 'argv', ['check_images.py', str(faulty), '--out', str(out)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / 'tools/check_images.py'), run_name='__main__')
    printed = capsys.readouterr().out
    assert end.value.code == 1
    assert '81 images in 4 classes' in printed and 'cat        64' in printed and "    generator_type = 'diffusion-lora'" in printed
    assert 'ERROR: broken (1)' in printed and 'look: equal (1)' in printed
    record = json.loads(out.read_text())
    assert record['images'] == 81 and record['settings']['class_names'] == ['cat', 'cow', 'dog']
    assert {fault['name']: fault['stops'] for fault in record['faults']}['small class'] is False


def test_near_pairs_by_hand():
    """Differences of all 768 numbers by 1, 3 and 10: root mean squares 1, 3, 10, 2, 9 and 7."""
    base = np.full((1, 768), 100, np.float32)
    vectors = np.concatenate([base, base + 1, base + 3, base + 10])
    assert [(i, j, round(d, 3)) for i, j, d in near_pairs(vectors, 2)] == [(1, 0, 1.0), (2, 1, 2.0)]
    assert near_pairs(vectors, 0.5) == [] and near_pairs(vectors[:1]) == []
    assert equal_groups(['a', 'b', 'a', 'c', 'b', 'a']) == [[0, 2, 5], [1, 4]]
    assert thumbnail(np.full((40, 20, 3), 9, np.uint8)).tolist() == [9.0] * 768
