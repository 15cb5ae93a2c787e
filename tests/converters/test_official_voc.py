from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmbdg.converters import voc
from mmbdg.converters.voc import LISTS, augment_voc, check_voc
from mmbdg.errors import InputError

NAMES = {
    'VOC2007 Main/trainval': ['000005', '000007'],
    'VOC2007 Main/test': ['000001'],
    'VOC2012 Main/trainval': ['2008_1', '2008_2', '2008_3'],
    'VOC2012 Segmentation/train': ['2007_1', '2007_2'],
    'VOC2012 Segmentation/val': ['2007_3'],
}
FEW = [replace(wanted, count=len(NAMES[wanted.name])) for wanted in LISTS]
SBD = dict(train=['2007_1', '2009_1', '2009_2'], val=['2007_3', '2009_3'])  # 2007_1 is in VOC's train list, 2007_3 in its val list
AUGMENTED = 5  # 2007_1, 2007_2 and three of SBD
BOX = ''.join(f'<{key}>{value}</{key}>' for key, value in dict(xmin=1, ymin=2.5, xmax=3, ymax=4).items())
OBJECT = f'<annotation><object><name>{{}}</name><part><name>head</name></part><bndbox>{BOX}</bndbox></object></annotation>'


def touch(path, content=b'x'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def devkit(tmp_path):
    root = tmp_path / 'VOCdevkit'
    for wanted in LISTS:
        folder, suffix = wanted.annotations
        names = NAMES[wanted.name]
        touch(root / wanted.year / 'ImageSets' / f'{wanted.path}.txt', ''.join(f'{name}\n' for name in names).encode())
        for name in names:
            touch(root / wanted.year / 'JPEGImages' / f'{name}.jpg')
            touch(root / wanted.year / folder / f'{name}{suffix}', OBJECT.format('person').encode())
    for part, names in SBD.items():
        touch(root / 'VOCaug' / 'dataset' / f'{part}.txt', ''.join(f'{name}\n' for name in names).encode())
        for name in names:
            write_mat(root, name)
            touch(root / 'VOC2012' / 'JPEGImages' / f'{name}.jpg')
    return root


def mask_of(name):
    return np.random.default_rng(sum(name.encode())).integers(0, 21, (5, 7), dtype=np.uint8)


def write_mat(root, name):
    path = root / 'VOCaug' / 'dataset' / 'cls' / f'{name}.mat'
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, dict(GTcls=dict(Segmentation=mask_of(name), Boundaries=np.zeros((20, 1)), CategoriesPresent=[1])))


def test_whole(devkit):
    assert check_voc(devkit, FEW) == {wanted.name: len(NAMES[wanted.name]) for wanted in LISTS}


def message(devkit, lists=FEW):
    with pytest.raises(InputError) as error:
        check_voc(devkit, lists)
    return str(error.value)


def test_half_extracted(devkit):
    (devkit / 'VOC2007' / 'JPEGImages' / '000007.jpg').unlink()
    (devkit / 'VOC2012' / 'SegmentationClass' / '2007_3.png').unlink()
    touch(devkit / 'VOC2012' / 'Annotations' / '2008_2.xml', b'')
    (devkit / 'VOC2007' / 'ImageSets' / 'Main' / 'test.txt').unlink()
    text = message(devkit)
    for part in ('JPEGImages/000007.jpg', 'SegmentationClass/2007_3.png', 'Annotations/2008_2.xml'):
        assert f'{part} is missing or empty' in text
    assert 'there is no list' in text and 'VOCtrainval_11-May-2012.tar' in text
    text = message(devkit, LISTS)
    assert 'VOC2007 Main/trainval: 2 instead of 5011' in text and 'VOC2012 Segmentation/val: 1 instead of 1449' in text


def test_wrong_annotations(devkit):
    touch(devkit / 'VOC2007' / 'Annotations' / '000005.xml', OBJECT.format('unicorn').encode())
    touch(devkit / 'VOC2007' / 'Annotations' / '000007.xml', b'<annotation><obj')
    text = message(devkit)
    assert '000005.xml has an object of the class "unicorn"' in text and '000007.xml is no XML file, or is cut off' in text


def outcome(devkit):
    root = devkit / 'VOC2012'
    masks = {path.stem: path.read_bytes() for path in (root / 'SegmentationClassAug').iterdir()}
    return masks, {name: (root / 'ImageSets' / 'Segmentation' / f'{name}.txt').read_text().split() for name in ('trainaug', 'aug')}


def test_augmented(devkit):
    assert augment_voc(devkit, augmented=AUGMENTED, lists=FEW) == dict(trainaug=5, aug=3, made_now=5)
    masks, lists = outcome(devkit)
    assert lists == dict(trainaug=['2007_1', '2007_2', '2009_1', '2009_2', '2009_3'], aug=['2009_1', '2009_2', '2009_3'])
    assert masks.keys() == {name for names in SBD.values() for name in names}
    for name in masks:
        assert np.array_equal(Image.open(devkit / 'VOC2012' / 'SegmentationClassAug' / f'{name}.png'), mask_of(name))
    assert augment_voc(devkit, augmented=AUGMENTED, lists=FEW)['made_now'] == 0 and outcome(devkit) == (masks, lists)
    assert sorted(path.name for path in (devkit / 'VOC2012').iterdir()) == [
        'Annotations', 'ImageSets', 'JPEGImages', 'SegmentationClass', 'SegmentationClassAug',
    ]  # fmt: skip


def test_interrupted(devkit, monkeypatch):
    convert, made = voc._convert, []

    def two(converter, mat, mats, out):
        if len(made) == 2:
            (out / mat.replace('.mat', '.png')).write_bytes(b'half')
            raise KeyboardInterrupt
        made.append(mat)
        convert(converter, mat, mats, out)

    with monkeypatch.context() as patched:
        patched.setattr(voc, '_convert', two)
        with pytest.raises(KeyboardInterrupt):
            augment_voc(devkit, augmented=AUGMENTED, lists=FEW)
    assert not (devkit / 'VOC2012' / 'ImageSets' / 'Segmentation' / 'trainaug.txt').exists()
    assert augment_voc(devkit, augmented=AUGMENTED, lists=FEW)['made_now'] == 3 and len(outcome(devkit)[0]) == 5


def test_sbd_that_is_not_whole(devkit, tmp_path):
    with pytest.raises(InputError, match='images of train_aug2012: 5 instead of 10582'):
        augment_voc(devkit, lists=FEW)
    with pytest.raises(InputError, match=r'none/dataset/train.txt is missing(.|\n)*benchmark.tgz'):
        augment_voc(devkit, tmp_path / 'none', AUGMENTED, FEW)
    mat = devkit / 'VOCaug' / 'dataset' / 'cls' / '2009_2.mat'
    whole = mat.read_bytes()
    mat.unlink()
    with pytest.raises(InputError, match='cls/2009_2.mat is missing or empty'):
        augment_voc(devkit, augmented=AUGMENTED, lists=FEW)
    mat.write_bytes(whole[:150])
    with pytest.raises(InputError, match='2009_2.mat is cut off or no mask of SBD'):
        augment_voc(devkit, augmented=AUGMENTED, lists=FEW)
    assert not (devkit / 'VOC2012' / 'ImageSets' / 'Segmentation' / 'trainaug.txt').exists()
