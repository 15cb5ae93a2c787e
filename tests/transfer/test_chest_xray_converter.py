"""The chest X-ray converter on folders as the archives unpack."""

import json
import logging
import shutil
from unittest import mock

import numpy as np
import pytest
import tiny_chest_xray as tiny
from one_process import run_here
from PIL import Image

from mmbdg.converters.chest_xray import convert as converting
from mmbdg.converters.chest_xray.convert import convert
from mmbdg.converters.chest_xray.pictures import read_lungs, read_radiograph
from mmbdg.datasets import ChestXRayDataset
from mmbdg.errors import InputError

SIZE = 16


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp('archives')
    tiny.write_all(root)
    return root


def converted(tree, out, **settings):
    return convert(tree, out, size=SIZE, archives=tiny.archives(), raw_side=tiny.RAW_SIDE, **settings)


@pytest.fixture(scope='module')
def out(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'chest_xray'
    converted(tree, folder)
    return folder


@pytest.fixture
def copy(tree, tmp_path):
    return shutil.copytree(tree, tmp_path / 'archives')


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def stored(out, name):
    image, mask = (np.asarray(Image.open(out / kind / f'{name}.png')) for kind in ('images', 'masks'))
    assert image.dtype == mask.dtype == np.uint8 and image.shape == (SIZE, SIZE, 3) and mask.shape == (SIZE, SIZE)
    assert (image == image[..., :1]).all()
    return image[..., 0], mask


def block_means(values, height, width):
    return values.reshape(SIZE, height, SIZE, width).mean(axis=(1, 3))


def test_everything_is_there(out):
    card = json.loads((out / 'chest_xray.json').read_text())
    assert card['images'] == tiny.COUNTS and card['finished'] and card['name'] == 'chest_xray' and 'inferred' in card['inferred']
    parts = {name: (out / f'{name}.txt').read_text().split() for name in ('train', 'test')}
    assert len(parts['train']) == 15 and len(parts['test']) == 6  # 21 * 735 / 1051 = 14.7
    names = {path.stem for path in (out / 'images').glob('*.png')}
    assert names == set(parts['train']) | set(parts['test']) == {path.stem for path in (out / 'masks').glob('*.png')}
    assert {'jsrt_JPCLN002', 'montgomery_MCUCXR_0004_1', 'shenzhen_CHNCXR_0008_1', 'nih_00000002_002'} <= names
    assert 'shenzhen_CHNCXR_0009_0' not in names  # this radiograph has no mask
    listed = json.loads((out / 'label_subsets.json').read_text())
    assert [len(listed[fraction]['2']) for fraction in ('0.01', '0.05', '0.1', '0.5')] == [4, 4, 4, 8]


@pytest.mark.parametrize('index, name', enumerate(['JPCNN001', 'JPCLN002', 'JPCNN003']))
def test_jsrt_is_turned_round_and_its_lungs_are_merged(out, index, name):
    """JSRT images are inverted (raw files hold 4095 minus the grey level), and the two lungs of five organs are merged."""
    grey, lungs = tiny.radiograph(index)
    image, mask = stored(out, f'jsrt_{name}')
    assert np.array_equal(image, np.rint(block_means(grey * np.float32(16 * 255 / 4095), 4, 4)))
    assert np.array_equal(mask, block_means(lungs, 2, 2) >= 0.5) and mask.any() and not mask.all()
    assert image[mask == 1].mean() < image[mask == 0].mean()  # air is dark


def test_a_wide_radiograph(out):
    grey, lungs = tiny.radiograph(101)
    image, mask = stored(out, 'montgomery_MCUCXR_0004_1')
    wide = np.pad(grey.astype(float), ((0, 0), (8, 8)), mode='edge')
    assert np.abs(image - block_means(wide, 4, 5)).max() <= 0.51
    assert np.array_equal(mask, block_means(np.kron(np.pad(lungs, ((0, 0), (4, 4))), np.ones((2, 2))), 4, 5) >= 0.5)


@pytest.mark.parametrize('index, name', [(203, 'shenzhen_CHNCXR_0004_1'), (302, 'nih_00000002_002')])
def test_one_mask_for_both_lungs(out, index, name):
    grey, lungs = tiny.radiograph(index)
    image, mask = stored(out, name)
    assert np.abs(image - block_means(grey.astype(float), 4, 4)).max() <= 0.51
    assert np.array_equal(mask, block_means(lungs, 2, 2) >= 0.5)


def test_a_second_run_makes_nothing_and_another_folder_is_the_same(tree, out, tmp_path, monkeypatch):
    before = contents(out)
    converted(tree, tmp_path / 'again')
    assert contents(tmp_path / 'again') == before
    monkeypatch.setattr(converting, 'read_radiograph', None)  # reading again would raise an error
    converted(tree, out)
    assert contents(out) == before


def test_an_interrupted_run_is_finished_by_a_second_one(tree, out, tmp_path, monkeypatch):
    write, calls = converting.write_png, []

    def write_nine(path, values):
        if len(calls) == 9:
            raise KeyboardInterrupt
        calls.append(path)
        write(path, values)

    with monkeypatch.context() as patched:
        patched.setattr(converting, 'write_png', write_nine)
        with pytest.raises(KeyboardInterrupt):
            converted(tree, tmp_path / 'out')
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 9 and not (tmp_path / 'out' / 'train.txt').exists()
    with pytest.raises(InputError, match=r'holds no finished dataset: python tools/dataset_converters/chest_xray\.py'):
        ChestXRayDataset(str(tmp_path / 'out'))
    made = []
    monkeypatch.setattr(converting, 'write_png', lambda path, values: (made.append(path), write(path, values)))
    converted(tree, tmp_path / 'out')
    assert contents(tmp_path / 'out') == contents(out)
    assert len(made) == 2 * 21 - 8  # four complete cases were kept; of the fifth only the image was written


def refusal(root, **settings):
    with pytest.raises(InputError) as error:
        converted(root, root / 'out', **settings)
    assert not (root / 'out').exists()
    return str(error.value)


def test_half_sets_are_refused_and_all_is_listed(copy):
    (copy / 'jsrt' / 'All247images' / 'JPCLN002.IMG').unlink()
    (copy / 'jsrt' / 'scratch' / 'fold1' / 'masks' / 'right lung' / 'JPCNN003.gif').unlink()
    (copy / 'montgomery' / 'MontgomerySet' / 'ManualMask' / 'leftMask' / 'MCUCXR_0007_0.png').unlink()
    (copy / 'shenzhen' / 'ChinaSet_AllFiles' / 'CXR_png' / 'CHNCXR_0002_1.png').unlink()
    shutil.rmtree(copy / 'nih')
    message = refusal(copy)
    for part in (
        'left lung/JPCLN002.gif has no radiograph',
        'JPCNN003.IMG has no mask of the right lung',
        '4 radiographs with masks instead of 6',
        'db.jsrt.or.jp',
        'MCUCXR_0007_0.png has no mask in leftMask',
        '3 radiographs with masks instead of 4',
        'CHNCXR_0002_1_mask.png has no radiograph',
        'kaggle.com/datasets/yoctoman/shcxr-lung-mask',
        '0 radiographs with masks instead of 3',
        'NIH',
    ):
        assert part in message, part
    assert 'CHNCXR_0009' not in message  # radiographs without a mask are normal in this set


def test_a_name_that_is_there_twice(copy):
    shutil.copytree(copy / 'montgomery' / 'MontgomerySet', copy / 'montgomery' / 'copy')
    assert 'MCUCXR_0001_0 exists twice' in refusal(copy)


def test_damaged_files(copy, tmp_path):
    raw = copy / 'jsrt' / 'All247images' / 'JPCNN001.IMG'
    whole = raw.read_bytes()
    raw.write_bytes(whole[:5000])
    with pytest.raises(InputError, match='JPCNN001.IMG has 5000 bytes; a raw radiograph of 64x64 px has 8192: it is cut off'):
        converted(copy, tmp_path / 'out')
    raw.write_bytes(np.frombuffer(whole, '>u2').astype('<u2').tobytes())
    with pytest.raises(InputError, match='big-endian and have 12 bits'):
        converted(copy, tmp_path / 'out')
    raw.write_bytes(whole)
    mask = copy / 'nih' / 'masks' / '00000001_001_mask.png'
    mask.write_bytes(mask.read_bytes()[:60])
    with pytest.raises(InputError, match='00000001_001_mask.png is (no image, or is cut off|cut off or damaged).*: unpack it again'):
        converted(copy, tmp_path / 'out')


def test_masks_that_are_none(tmp_path):
    path = tmp_path / 'mask.png'
    tiny.save(path, np.repeat(np.arange(0, 255, 85, dtype=np.uint8), 64).reshape(12, 16))
    with pytest.raises(InputError, match='several organs'):
        read_lungs([path])
    tiny.save(path, np.zeros((8, 8), np.uint8))
    with pytest.raises(InputError, match='mark no lung'):
        read_lungs([path])
    tiny.save(path, np.eye(8, dtype=np.uint8))  # 0 and 1
    other = tmp_path / 'other.png'
    tiny.save(other, np.eye(9, dtype=np.uint8))
    assert np.array_equal(read_lungs([path]), np.eye(8, dtype=bool))
    with pytest.raises(InputError, match='other.png has 9x9 px, but the mask of the other lung has 8x8'):
        read_lungs([path, other])


def test_a_mask_of_another_shape(copy, tmp_path):
    path = copy / 'shenzhen' / 'mask' / 'mask' / 'CHNCXR_0001_0_mask.png'
    tiny.save(path, np.asarray(Image.open(path))[:40])
    with pytest.raises(InputError, match='shenzhen_CHNCXR_0001_0: the radiograph has 64x64 px and its mask 64x40 px'):
        converted(copy, tmp_path / 'out')


def test_pictures_instead_of_raw_files(copy, out, tmp_path):
    for raw in (copy / 'jsrt' / 'All247images').glob('*.IMG'):
        grey = np.rint(read_radiograph(raw, tiny.RAW_SIDE))
        tiny.save(copy / 'jsrt' / 'png' / f'{raw.stem}.png', grey.astype(np.uint8))
        raw.unlink()
    converted(copy, tmp_path / 'out')
    (image, mask), (usual, usual_mask) = (stored(folder, 'jsrt_JPCLN002') for folder in (tmp_path / 'out', out))
    assert np.abs(image.astype(int) - usual).max() <= 1 and np.array_equal(mask, usual_mask)
    for path in (copy / 'jsrt' / 'png').glob('*.png'):
        tiny.save(path, 255 - np.asarray(Image.open(path)))
    with pytest.warns(UserWarning, match='in 6 of 6 jsrt images the lungs are brighter than the rest'):
        converted(copy, tmp_path / 'negatives')


@pytest.mark.parametrize('top', [4095, 65535])
def test_sixteen_bits(tmp_path, top):
    values = np.linspace(0, top, 64).round().astype(np.uint16).reshape(8, 8)
    tiny.save(tmp_path / 'a.png', values)
    assert np.allclose(read_radiograph(tmp_path / 'a.png'), values / top * 255, atol=1e-3)


def test_some_of_the_sets_are_another_dataset(tree, tmp_path):
    card = converted(tree, tmp_path / 'two', sets=['montgomery', 'jsrt'])
    assert card['name'] == 'chest_xray_jsrt+montgomery' and card['missing_sets'] == ['shenzhen', 'nih']
    assert sum(card['train'].values()) == 7 and sum(card['test'].values()) == 3  # 10 * 735 / 1051
    assert 'not the paper' in card['note']
    with mock.patch('mmbdg.datasets.chest_xray.dataset.print_log') as log:
        ChestXRayDataset(str(tmp_path / 'two'))
    assert "not the paper's dataset" in log.call_args.args[0] and log.call_args.args[2] == logging.WARNING
    with pytest.raises(InputError, match='contains another dataset: its name is chest_xray_jsrt\\+montgomery, not chest_xray'):
        converted(tree, tmp_path / 'two')


def test_folders_of_others_are_left_alone(tree, tmp_path):
    (tmp_path / 'mine.txt').write_text('precious')
    with pytest.raises(InputError, match='is not empty and contains no chest_xray.json'):
        converted(tree, tmp_path)
    converted(tree, tmp_path / 'out')
    with pytest.raises(InputError, match='contains another dataset: its size is 16, not 32'):
        convert(tree, tmp_path / 'out', 32, archives=tiny.archives(), raw_side=tiny.RAW_SIDE)


def test_command(tree, tmp_path):
    output = run_here('tools/dataset_converters/chest_xray.py', tree, tmp_path / 'out', code=2)
    assert 'error: ' in output and 'radiographs with masks instead of 566' in output and 'instead of 247' in output
    assert not (tmp_path / 'out').exists()


def test_dataset(out):
    dataset = ChestXRayDataset(str(out), pipeline=[dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')])
    assert len(dataset) == 15 and dataset.metainfo['classes'] == ('background', 'lung') and len(ChestXRayDataset(str(out), 'test')) == 6
    listed = json.loads((out / 'label_subsets.json').read_text())
    for seed in (0, 1):
        part = ChestXRayDataset(str(out), label_fraction=0.5, label_seed=seed)
        assert [part[i]['img_path'] for i in range(len(part))] == [f'{out}/images/{name}.png' for name in listed['0.5'][str(seed)]]
    image, mask = stored(out, dataset[3]['img_path'].split('/')[-1][:-4])
    assert np.array_equal(dataset[3]['img'][..., 1], image) and np.array_equal(dataset[3]['gt_seg_map'], mask)


def test_dataset_that_was_changed(out, tmp_path):
    copy = shutil.copytree(out, tmp_path / 'copy')
    (copy / 'images' / 'jsrt_JPCLN002.png').unlink()
    split = 'train' if 'jsrt_JPCLN002' in (copy / 'train.txt').read_text() else 'test'
    with pytest.raises(InputError, match=f'{split}.txt lists images that are not there:\n.*jsrt_JPCLN002'):
        ChestXRayDataset(str(copy), split)
    with pytest.raises(InputError, match='split must be'):
        ChestXRayDataset(str(copy), 'val')
    with pytest.raises(InputError, match='holds no finished dataset'):
        ChestXRayDataset(str(tmp_path))
