"""Transforms that load images and masks: results and errors."""

import shutil

import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image
from torch.utils.data import DataLoader

from mmbdg.datasets import ImageFolder
from mmbdg.datasets import loading as loading_module
from mmbdg.datasets.address import drawn_at
from mmbdg.datasets.loading import MOST_IN_A_ROW, LoadImage, LoadMask
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_png
from mmbdg.image_files import DamagedImageError

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, (6, 9), dtype=np.uint8)


def mask(tmp_path, values):
    Image.fromarray(values).save(tmp_path / 'm.png')
    return dict(seg_map_path=str(tmp_path / 'm.png'), seg_fields=[])


def test_an_image_is_what_mmcv_loads(tmp_path):
    image = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for suffix, most in (('png', 0), ('jpg', 3)):  # Pillow and OpenCV round differently when they decode JPEG
        path = str(tmp_path / f'x.{suffix}')
        Image.fromarray(cv2.GaussianBlur(image, (0, 0), 3)).save(path, quality=95)
        ours, theirs = LoadImage()(dict(img_path=path)), LoadImageFromFile()(dict(img_path=path))
        assert ours.keys() == theirs.keys() and ours['img'].dtype == np.uint8 and ours['img'].flags.writeable
        assert np.abs(ours['img'].astype(int) - theirs['img']).max() <= most
        assert ours['img_shape'] == ours['ori_shape'] == theirs['img_shape'] == (48, 64)


def test_other_places_than_this_machine(tmp_path, monkeypatch):
    asked = []

    def get(path, backend_args=None):
        asked.append((path, backend_args))
        return (tmp_path / path.rpartition('/')[2]).read_bytes()

    write_png(tmp_path / 'x.png', np.full((2, 3, 3), 7, np.uint8))
    monkeypatch.setattr(loading_module.fileio, 'get', get)
    assert LoadImage()(dict(img_path='tar://shard.tar!/x.png'))['img'].tolist() == [[[7] * 3] * 3] * 2
    assert LoadImage(backend_args=dict(backend='local'))(dict(img_path='x.png'))['img_shape'] == (2, 3)
    assert asked == [('tar://shard.tar!/x.png', None), ('x.png', dict(backend='local'))]


@pytest.mark.parametrize('options', [dict(), dict(label_map={1: 4, 4: 1, 3: 255}), dict(reduce_zero_label=True)])
def test_a_mask_is_what_mmseg_loads(tmp_path, options):
    item = mask(tmp_path, LABELS) | dict(reduce_zero_label=options.get('reduce_zero_label', False), label_map=options.get('label_map'))
    ours, theirs = LoadMask()(dict(item, seg_fields=[])), LoadAnnotations()(dict(item, seg_fields=[]))
    assert np.array_equal(ours['gt_seg_map'], theirs['gt_seg_map']) and ours['seg_fields'] == theirs['seg_fields'] == ['gt_seg_map']
    assert ours['gt_seg_map'].dtype == np.int32


def test_labels_above_255_do_not_wrap(tmp_path):
    item = mask(tmp_path, np.uint16([[300, 0, 65535]]))
    assert LoadMask()(dict(item))['gt_seg_map'].tolist() == [[300, 0, 65535]]
    item = dict(item, seg_fields=[], reduce_zero_label=True)
    assert LoadMask()(dict(item))['gt_seg_map'].tolist() == [[299, 65535, 65535]]
    assert LoadMask(ignore_index=255)(dict(item, seg_fields=[]))['gt_seg_map'].tolist() == [[299, 255, 65534]]


def test_label_maps(tmp_path):
    item = mask(tmp_path, np.uint8([[0, 1, 255]]))
    assert LoadMask(label_map={255: 1, 1: 2})(dict(item))['gt_seg_map'].tolist() == [[0, 2, 1]]
    assert LoadMask(label_map={'255': 1})(dict(item, seg_fields=[], label_map={1: 7}))['gt_seg_map'].tolist() == [[0, 7, 7]]
    for wrong in ([1], {1.5: 2}, {'a': 1}, {1: -1}, {1: 70000}, {True: 1}):
        with pytest.raises(InputError, match='label_map is {value in the mask: label}'):
            LoadMask(label_map=wrong)
    with pytest.raises(InputError, match='reduce_zero_label is False in the dataset and True in mmbdg.LoadMask'):
        LoadMask(reduce_zero_label=True)(dict(item, seg_fields=[], reduce_zero_label=False))


def test_an_image_and_a_mask_of_another_size(tmp_path):
    item = mask(tmp_path, LABELS) | dict(img_path='photo.jpg', ori_shape=(9, 6))
    with pytest.raises(InputError, match='m.png is 9x6 px, its image photo.jpg 6x9'):
        LoadMask()(item)


def test_what_a_dataset_says_of_its_masks(tmp_path):
    """A mask that differs from its dataset's mask size or from the labels of the image's class raises an error."""
    item = mask(tmp_path, np.uint8([[0, 3], [255, 0]])) | dict(label_map={3: 9})
    said = dict(mask_size=2, mask_labels=[0, 9, 255])
    assert LoadMask()(item | said | dict(seg_fields=[]))['gt_seg_map'].tolist() == [[0, 9], [255, 0]]
    with pytest.raises(InputError, match='m.png is 2x2 px, its dataset says 4x4'):
        LoadMask()(item | said | dict(mask_size=4, seg_fields=[]))
    with pytest.raises(InputError, match=r'm.png holds a label that does not exist, in 1 pixels: 9, as it is read'):
        LoadMask()(item | said | dict(mask_labels=[0, 255], seg_fields=[]))


@pytest.fixture
def folder(tmp_path):
    """Eight images of one class. The third and the sixth are truncated."""
    for i in range(8):
        write_png(tmp_path / f'images/a/{i}.png', np.full((16, 16, 3), i, np.uint8))
    for i in (2, 5):
        path = tmp_path / f'images/a/{i}.png'
        path.write_bytes(path.read_bytes()[:45])
    return tmp_path / 'images'


def test_a_broken_image_is_named(folder):
    dataset = ImageFolder(str(folder), ['a'], pipeline=[dict(type='mmbdg.LoadImage')])
    with pytest.raises(InputError, match=r'a/2.png is cut off .*skip_broken=True\) takes another image in its place'):
        dataset[2]


@pytest.mark.parametrize('workers', [0, 1])
def test_a_broken_image_ends_a_tool_with_one_line(folder, workers, capfd):
    dataset = ImageFolder(str(folder), ['a'], pipeline=[dict(type='mmbdg.LoadImage')])
    with pytest.raises(SystemExit) as end, plain_errors():
        list(DataLoader(dataset, batch_size=None, num_workers=workers))
    said = capfd.readouterr().err
    assert end.value.code == 2 and said.count('error: ') == 1 and 'Traceback' not in said
    assert f'error: {folder}/a/2.png is cut off' in said.replace('\n', ' ')


def test_broken_images_are_skipped_and_counted(folder, monkeypatch):
    said = []
    monkeypatch.setattr(loading_module, 'print_log', lambda text, *_: said.append(text))
    dataset = ImageFolder(str(folder), ['a'], pipeline=[dict(type='mmbdg.LoadImage', skip_broken=True)])

    def seen(epoch):
        found = []
        for index in range(8):
            with drawn_at('real', 0, epoch, index):  # as in JointDataset
                found.append(int(dataset[index]['img'][0, 0, 0]))
        return found

    first = seen(0)
    assert [first[i] for i in (0, 1, 3, 4, 6, 7)] == [0, 1, 3, 4, 6, 7] and not {2, 5} & set(first)
    others = [seen(epoch) for epoch in range(1, 6)]
    assert first == seen(0) and len({(found[2], found[5]) for found in [first, *others]}) > 2  # the replacement depends on the address
    assert len(said) == 2 and 'a/2.png is cut off' in said[0] and '(1 broken so far)' in said[0] and '(2 broken so far)' in said[1]


def test_what_is_missing_or_too_large_is_not_skipped(folder, monkeypatch):
    load = LoadImage(skip_broken=True)
    with pytest.raises(InputError, match='there is no file'):
        load(dict(img_path=str(folder / 'none.png')))
    monkeypatch.setenv('MMBDG_MAX_IMAGE_PIXELS', '255')
    with pytest.raises(InputError, match='images of more than 255 pixels'):
        load(dict(img_path=str(folder / 'a/0.png')))


def test_a_set_of_broken_images_ends(folder, monkeypatch):
    monkeypatch.setattr(BaseDataset, 'max_refetch', 10**6, raising=False)
    for i in range(8):
        shutil.copy(folder / 'a/2.png', folder / f'a/{i}.png') if i != 2 else None
    load = LoadImage(skip_broken=True)
    for _ in range(MOST_IN_A_ROW):
        assert load(dict(img_path=str(folder / 'a/2.png'))) is None
    with pytest.raises(InputError, match=f'more than {MOST_IN_A_ROW} images in a row are broken, the last one: .*2.png'):
        load(dict(img_path=str(folder / 'a/2.png')))
    assert not issubclass(InputError, DamagedImageError)
