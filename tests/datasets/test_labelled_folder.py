import unicodedata

import numpy as np
import pytest
from PIL import Image

from mmbdg.datasets import LabelledFolder
from mmbdg.errors import InputError

CLASSES = dict(classes=('background', 'a', 'b'))
PIPELINE = [dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask')]


@pytest.fixture
def folder(tmp_path):
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
    for i, suffix in enumerate(('.png', '.JPG', '.jpeg')):
        Image.fromarray(np.full((4, 6, 3), 60 * i, np.uint8)).save(tmp_path / 'images' / f'{i}{suffix}')
        Image.fromarray(np.array([[0, 1, 2, 255, 0, i]] * 4, np.uint8)).save(tmp_path / 'masks' / f'{i}.png')
    return tmp_path


def test_pairs_by_name(folder):
    dataset = LabelledFolder(str(folder), metainfo=CLASSES, pipeline=PIPELINE)
    assert [dataset[i]['gt_seg_map'][0].tolist() for i in range(3)] == [[0, 1, 2, 255, 0, i] for i in range(3)]
    assert [int(dataset[i]['img'].mean().round()) for i in range(3)] == [0, 60, 120]


def test_a_list_of_names(folder):
    (folder / 'few.txt').write_text('2\n\n0\n')
    write_mask(folder, np.full((4, 6), 128))  # not listed, so not checked
    dataset = LabelledFolder(str(folder), ann_file='few.txt', metainfo=CLASSES)
    assert [dataset.get_data_info(i)['img_path'][len(str(folder)) :] for i in range(2)] == ['/images/2.jpeg', '/images/0.png']
    (folder / 'few.txt').write_text('0\n7\n')
    with pytest.raises(InputError, match='few.txt lists images that are not there:\n.*images/7'):
        LabelledFolder(str(folder), ann_file='few.txt', metainfo=CLASSES)
    (folder / 'few.txt').write_text('0\n2\n0\n')
    with pytest.raises(InputError, match='few.txt lists names twice: 0'):
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
    assert f'masks/1.png is 4x6 px, its image {folder}/images/1.JPG 6x4' in message()
    write_mask(folder, np.eye(6)[:4, :, None] * [0, 9, 0])
    assert 'masks/1.png has colours' in message()
    write_mask(folder, np.zeros((4, 6, 4)))
    assert 'masks/1.png has transparent pixels' in message()
    (folder / 'masks' / '1.png').write_bytes((folder / 'masks' / '0.png').read_bytes()[:50])
    assert 'masks/1.png is cut off or damaged' in message()
    (folder / 'masks' / '1.png').rename(folder / 'masks' / '7.png')
    assert '1.JPG has no mask' in message() and 'masks/7.png has no image' in message()
    for path in folder.glob('images/*'):
        path.unlink()
    assert 'holds no images' in message()


def write_all_masks(folder, values):
    for i in range(3):
        Image.fromarray(values).save(folder / 'masks' / f'{i}.png')


def loaded(folder, **options):
    dataset = LabelledFolder(str(folder), pipeline=PIPELINE, **dict(metainfo=CLASSES) | options)
    return np.unique(np.stack([dataset[i]['gt_seg_map'] for i in range(len(dataset))])).tolist()


def test_masks_of_0_and_255(folder):
    """Masks with 0 and 255, as most tools write them, raise an error that shows the label_map to set.

    Otherwise the foreground would be ignored, and a head that predicts only background would reach a mIoU of 100.
    """
    two = dict(classes=('background', 'a'))
    write_all_masks(folder, np.uint8([[0, 255, 255, 255, 0, 0]] * 4))
    with pytest.raises(InputError) as error:
        LabelledFolder(str(folder), metainfo=two, pipeline=PIPELINE)
    for part in ('no mask of', 'holds the label 1 (a)', '0 in 3, 255 in 3 (does not count)', 'map it: label_map={255: 1} in the config'):
        assert part in str(error.value)
    assert loaded(folder, metainfo=two, label_map={255: 1}) == [0, 1]
    assert loaded(folder, metainfo=two, label_map={'255': 1}) == [0, 1]  # string keys from the command line or JSON
    with pytest.raises(InputError, match=r'holds the label 2 \(b\)'):
        loaded(folder, label_map={255: 1})
    assert loaded(folder, label_map={255: 1}, allow_missing_labels=True) == [0, 1]
    assert loaded(folder, allow_missing_labels=True) == [0, 255]


def test_a_label_that_one_mask_lacks_is_no_fault(folder):
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(folder / 'masks/0.png')
    assert loaded(folder) == [0, 1, 2, 255]


def test_labels_that_begin_with_1(folder):
    write_all_masks(folder, np.uint8([[0, 1, 2, 3, 0, 0]] * 4))
    with pytest.raises(InputError, match=r'0.png has the values \[3\]'):
        loaded(folder)
    assert loaded(folder, reduce_zero_label=True) == [0, 1, 2, 255]
    with pytest.raises(InputError, match='label_map and reduce_zero_label are both given'):
        loaded(folder, reduce_zero_label=True, label_map={255: 1})
    write_all_masks(folder, np.uint8([[0, 1, 2, 4, 0, 0]] * 4))
    with pytest.raises(InputError, match=r'0.png has the values \[4\] \(labels {4: 3}\)'):
        loaded(folder, reduce_zero_label=True)
    write_all_masks(folder, np.uint8([[0, 1, 2, 2, 0, 0]] * 4))
    with pytest.raises(InputError, match=r'holds the label 2 \(b\)'):
        loaded(folder, reduce_zero_label=True)


def test_labels_of_16_bits(folder):
    """Labels above 255 are read as 16-bit values: 300 does not become 44."""
    classes = tuple(f'c{i}' for i in range(300))
    write_all_masks(folder, np.uint16([[0, 299, 65535, 7, 0, 0]] * 4))
    options = dict(metainfo=dict(classes=classes), allow_missing_labels=True)
    with pytest.raises(InputError, match=r'0.png has the values \[65535\]; the 300 labels are 0 to 299; 255 does not count'):
        loaded(folder, **options)
    assert loaded(folder, ignore_index=65535, **options) == [0, 7, 299, 65535]
    with pytest.raises(InputError, match='0.png is read wrongly by LoadAnnotations: replace it by .*mmbdg.LoadMask'):
        LabelledFolder(str(folder), ignore_index=65535, pipeline=[dict(type='mmseg.LoadAnnotations')], **options)


def test_linked_folders_and_clutter(folder):
    (folder / 'far').mkdir()
    for kind in ('images', 'masks'):
        (folder / kind).rename(folder / 'far' / kind)
        (folder / kind).mkdir()
        (folder / kind / 'first').symlink_to(folder / 'far' / kind)
        (folder / kind / 'first/._0.png').write_bytes(b'\0\5\26\7')
        (folder / kind / '.ipynb_checkpoints').mkdir()
        Image.new('L', (6, 4)).save(folder / kind / '.ipynb_checkpoints/0.png')
    dataset = LabelledFolder(str(folder), metainfo=CLASSES, pipeline=PIPELINE)
    assert [dataset[i]['gt_seg_map'][0, 5] for i in range(3)] == [0, 1, 2]


def test_two_files_of_one_stem(folder):
    Image.new('L', (6, 4)).save(folder / 'images/0.bmp')
    with pytest.raises(InputError, match='0.bmp and .*0.png have the same name without suffix'):
        loaded(folder)


def test_other_form_of_unicode(folder):
    """File names match in any Unicode normal form. macOS unpacks names in decomposed form."""
    (folder / 'images/0.png').rename(folder / f'images/{unicodedata.normalize("NFD", "Grün")}.png')
    (folder / 'masks/0.png').rename(folder / f'masks/{unicodedata.normalize("NFC", "Grün")}.png')
    (folder / 'few.txt').write_text('1\n2\n' + unicodedata.normalize('NFC', 'Grün') + '\n')
    assert loaded(folder) == loaded(folder, ann_file='few.txt') == [0, 1, 2, 255]


@pytest.mark.parametrize('as_seen', [True, False])
def test_photographs_that_are_turned(tmp_path, as_seen):
    """Masks must match the image after its EXIF orientation is applied. Orientation 6: turn the stored pixels clockwise."""
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:12, :16] = 255
    tags = Image.Exif()
    tags[0x0112] = 6
    drawn = (stored[..., 0] > 127).astype(np.uint8)
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
    Image.fromarray(stored).save(tmp_path / 'images/a.jpg', exif=tags.tobytes(), quality=95)
    Image.fromarray(np.rot90(drawn, -1) if as_seen else drawn).save(tmp_path / 'masks/a.png')
    classes = dict(classes=('background', 'a'))
    if not as_seen:
        with pytest.raises(InputError, match='masks/a.png is 64x48 px, its image .*a.jpg 48x64'):
            LabelledFolder(str(tmp_path), metainfo=classes, pipeline=PIPELINE)
        return
    item = LabelledFolder(str(tmp_path), metainfo=classes, pipeline=PIPELINE)[0]
    assert np.array_equal(item['img'][..., 0] > 127, item['gt_seg_map'] == 1)


def test_the_config_must_name_labels(folder):
    with pytest.raises(InputError, match='the config names no labels'):
        LabelledFolder(str(folder))


def test_values_that_mean_another_label(folder):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
    dataset = LabelledFolder(str(folder), metainfo=dict(classes=('background', 'foreground')), label_map={2: 1}, pipeline=pipeline)
    assert [dataset[i]['gt_seg_map'][0].tolist() for i in range(3)] == [[0, 1, 1, 255, 0, min(i, 1)] for i in range(3)]
