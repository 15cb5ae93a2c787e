import unicodedata

import numpy as np
import pytest
import torchvision
from PIL import Image

from mmbdg.datasets import ImageFolder
from mmbdg.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name, count in (('b', 2), ('a', 1)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.fromarray(np.full((4, 4, 3), 10 * i, np.uint8)).save(tmp_path / name / f'{i}.png')
    return tmp_path


def test_order_is_the_configs(folder):
    dataset = ImageFolder(str(folder), ['b', 'a'])
    assert [dataset.get_data_info(i)['gt_label'] for i in range(3)] == [0, 0, 1]


def test_what_is_wrong_is_said(folder):
    with pytest.raises(InputError, match='class "c" has no images'):
        ImageFolder(str(folder), ['a', 'b', 'c'])
    (folder / 'c').mkdir()
    with pytest.raises(InputError, match='class "c" has no images'):
        ImageFolder(str(folder), ['a', 'b', 'c'])
    with pytest.raises(InputError, match='does not name: c'):
        ImageFolder(str(folder), ['a', 'b'])
    with pytest.raises(InputError, match='there is no image folder'):
        ImageFolder(str(folder / 'nowhere'), ['a'])


def found(folder, names=('a', 'b')):
    dataset = ImageFolder(str(folder), names)
    return [dataset.get_data_info(i)['img_path'][len(str(folder)) + 1 :] for i in range(len(dataset))]


def test_what_torchvision_finds(folder, tmp_path_factory):
    far = tmp_path_factory.mktemp('far')
    for suffix in ('webp', 'tiff', 'JPG', 'pgm'):
        Image.new('L', (4, 4)).save(far / f'x.{suffix}')
    (folder / 'a/batch2').symlink_to(far)
    (folder / 'b/deeper/still').mkdir(parents=True)
    Image.new('L', (4, 4)).save(folder / 'b/deeper/still/7.png')
    theirs = [path[len(str(folder)) + 1 :] for path, _ in torchvision.datasets.ImageFolder(str(folder)).samples]
    assert sorted(found(folder)) == sorted(theirs) and len(theirs) == 8


def test_clutter_is_no_image(folder):
    before = found(folder)
    (folder / 'a/.ipynb_checkpoints').mkdir()
    Image.new('L', (4, 4)).save(folder / 'a/.ipynb_checkpoints/0-checkpoint.png')
    (folder / 'a/._0.png').write_bytes(b'\0\5\26\7')
    (folder / '__MACOSX').mkdir()
    assert found(folder) == before


def test_what_is_left_out_is_said(folder, monkeypatch):
    said = []
    for module in ('mmengine.logging', 'mmbdg.datasets.image_folder'):
        monkeypatch.setattr(f'{module}.print_log', lambda text, *_: said.append(text))
    (folder / 'a/0.heic').write_bytes(b'x')
    (folder / 'loose.png').write_bytes(b'x')
    assert len(found(folder)) == 3
    assert [text[len(str(folder)) :].split(',')[0] for text in said] == [
        '/a: 1 files or folders are left out (.heic)',
        ': 1 images in no class folder',
    ]


def test_names_that_are_given_twice(folder):
    with pytest.raises(InputError, match='class_names has names twice: a'):
        ImageFolder(str(folder), ['a', 'b', 'a'])
    nfc, nfd = (unicodedata.normalize(form, 'Grün') for form in ('NFC', 'NFD'))
    with pytest.raises(InputError, match='class_names has names twice'):
        ImageFolder(str(folder), ['a', 'b', nfc, nfd])
    (folder / 'a').rename(folder / nfd)
    assert found(folder, ['b', nfc])[2] == f'{nfd}/0.png'
    (folder / nfc).mkdir()
    with pytest.raises(InputError, match='the same name in two forms of Unicode'):
        found(folder, ['b', nfc])


def test_empty_files_are_named(folder):
    (folder / 'a/1.png').touch()
    (folder / 'b/far.png').symlink_to('nowhere.png')
    with pytest.raises(InputError, match='has empty files, or links that lead nowhere: .*a/1.png\n.*b/far.png'):
        found(folder)


@pytest.fixture
def larger(tmp_path):
    """A folder with 20 images of one class and 10 of another."""
    for name, count in (('a', 20), ('b', 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(tmp_path / name / f'{i:02d}.png')
    return str(tmp_path)


def files(root, **options):
    return [item['img_path'].removeprefix(root) for item in ImageFolder(root, ['a', 'b'], **options).load_data_list()]


def test_parts_have_nothing_in_common(larger):
    train, val = files(larger, part='train', held_out=0.1), files(larger, part='val', held_out=0.1)
    assert sorted(train + val) == files(larger) == files(larger, part='all') and not set(train) & set(val)
    assert [sum(path.startswith(f'/{name}') for path in val) for name in 'ab'] == [2, 1]
    assert files(larger, part='val') == val != files(larger, part='val', seed=1)


def test_some_of_many(larger):
    some = files(larger, most=9)
    assert [sum(path.startswith(f'/{name}') for path in some) for name in 'ab'] == [6, 3] and some == sorted(some)
    assert set(some) <= set(files(larger, most=12)) and files(larger, most=100) == files(larger)


def test_one_image_cannot_be_held_out(folder):
    assert [item['gt_label'] for item in ImageFolder(str(folder), ['b', 'a'], part='val').load_data_list()] == [0]
    (folder / 'b' / '1.png').unlink()
    with pytest.raises(InputError, match='none can be held out'):
        ImageFolder(str(folder), ['b', 'a'], part='val').full_init()
    for options in (dict(part='test'), dict(held_out=1.0), dict(most=0)):
        with pytest.raises(InputError, match='has the parts "all", "train" and "val"'):
            ImageFolder(str(folder), ['b', 'a'], **options)
