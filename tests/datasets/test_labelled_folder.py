import numpy as np
import pytest
from PIL import Image

from mmbdg.datasets import LabelledFolder
from mmbdg.errors import InputError

CLASSES = dict(classes=('background', 'a', 'b'))


@pytest.fixture
def folder(tmp_path):
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
    for i, suffix in enumerate(('.png', '.JPG', '.jpeg')):
        Image.fromarray(np.full((4, 6, 3), 60 * i, np.uint8)).save(tmp_path / 'images' / f'{i}{suffix}')
        Image.fromarray(np.array([[0, 1, 2, 255, 0, i]] * 4, np.uint8)).save(tmp_path / 'masks' / f'{i}.png')
    return tmp_path


def test_pairs_by_name(folder):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
    dataset = LabelledFolder(str(folder), metainfo=CLASSES, pipeline=pipeline)
    assert [dataset[i]['gt_seg_map'][0].tolist() for i in range(3)] == [[0, 1, 2, 255, 0, i] for i in range(3)]
    assert [int(dataset[i]['img'].mean().round()) for i in range(3)] == [0, 60, 120]


def test_a_list_of_names(folder):
    (folder / 'few.txt').write_text('2\n\n0\n')
    write_mask(folder, np.full((4, 6), 128))  # not listed, so not looked at
    dataset = LabelledFolder(str(folder), ann_file='few.txt', metainfo=CLASSES)
    assert [dataset.get_data_info(i)['img_path'][len(str(folder)) :] for i in range(2)] == ['/images/2.jpeg', '/images/0.png']
    (folder / 'few.txt').write_text('0\n7\n')
    with pytest.raises(InputError, match='few.txt lists images that are not there:\n.*images/7'):
        LabelledFolder(str(folder), ann_file='few.txt', metainfo=CLASSES)
    (folder / 'few.txt').write_text('0\n')
    (folder / 'masks' / '0.png').unlink()
    with pytest.raises(InputError, match='0.png has no mask'):
        LabelledFolder(str(folder), ann_file='few.txt', metainfo=CLASSES)
    with pytest.raises(InputError, match='no list of images at'):
        LabelledFolder(str(folder), ann_file='none.txt', metainfo=CLASSES)


def write_mask(folder, values):
    Image.fromarray(np.asarray(values, np.uint8)).save(folder / 'masks' / '1.png')


def test_what_is_wrong_is_said(folder):
    def message():
        with pytest.raises(InputError) as error:
            LabelledFolder(str(folder), metainfo=CLASSES)
        return str(error.value)

    write_mask(folder, np.full((4, 6), 128))
    assert 'masks/1.png has the values [128]; the 3 labels are 0 to 2' in message()
    write_mask(folder, np.full((4, 6), 255))
    assert 'masks/1.png has nothing but 255 (ignored)' in message()
    write_mask(folder, np.zeros((6, 4)))
    assert 'masks/1.png is 4x6 px, its image 6x4' in message()
    write_mask(folder, np.zeros((4, 6, 3)))
    assert 'masks/1.png has 3 channels' in message()
    (folder / 'masks' / '1.png').write_bytes((folder / 'masks' / '0.png').read_bytes()[:50])
    assert 'is no picture, or is cut off' in message()
    (folder / 'masks' / '1.png').rename(folder / 'masks' / '7.png')
    assert '1.JPG has no mask' in message() and 'masks/7.png has no image' in message()
    for path in folder.glob('images/*'):
        path.unlink()
    assert 'holds no images' in message()


def test_values_that_mean_another_label(folder):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
    dataset = LabelledFolder(str(folder), metainfo=dict(classes=('background', 'foreground')), label_map={2: 1}, pipeline=pipeline)
    assert [dataset[i]['gt_seg_map'][0].tolist() for i in range(3)] == [[0, 1, 1, 255, 0, min(i, 1)] for i in range(3)]
