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
