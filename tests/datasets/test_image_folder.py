import numpy as np
import pytest
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


@pytest.fixture
def larger(tmp_path):
    """Twenty images of one class, ten of the other."""
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
