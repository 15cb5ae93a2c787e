import json

import numpy as np
import pytest
from PIL import Image

from mmbdg.converters import cityscapes
from mmbdg.converters.cityscapes import prepare_cityscapes
from mmbdg.errors import InputError

pytest.importorskip('cityscapesscripts')
COUNTS = dict(train=2, val=1)
CAR, ROAD, CAR_GROUP = 26, 7, 26  # label ids; an object group has no instance number


@pytest.fixture
def root(tmp_path):
    """Images of 32 x 16 px with a road, one car and a group of cars."""
    for split, count in COUNTS.items():
        for i in range(count):
            name = f'city/city_{i:06d}_000019'
            paths = [tmp_path / 'leftImg8bit' / split / name, tmp_path / 'gtFine' / split / name]
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
            ids = np.full((16, 32), ROAD, np.uint16)
            ids[4:8, 2 + i : 10] = CAR * 1000
            ids[10:14, 20:30] = CAR_GROUP
            Image.fromarray(np.full((16, 32, 3), 90, np.uint8)).save(f'{paths[0]}_leftImg8bit.png')
            Image.fromarray(ids).save(f'{paths[1]}_gtFine_instanceIds.png')
            labels = np.where(ids > 1000, ids // 1000, ids).astype(np.uint8)
            Image.fromarray(labels).save(f'{paths[1]}_gtFine_labelIds.png')
            polygons = [('road', 0, 0, 31, 15), ('car', 2 + i, 4, 9, 7), ('cargroup', 20, 10, 29, 13)]
            objects = [dict(label=label, polygon=[[x, y], [u, y], [u, v], [x, v]]) for label, x, y, u, v in polygons]
            (path := paths[1].with_name(paths[1].name + '_gtFine_polygons.json')).write_text(
                json.dumps(dict(imgHeight=16, imgWidth=32, objects=objects))
            )
            assert path.is_file()
    return tmp_path


def test_prepared(root):
    assert prepare_cityscapes(root, COUNTS) == {split: dict(images=count, made_now=count) for split, count in COUNTS.items()}
    ids = np.asarray(Image.open(root / 'gtFine/train/city/city_000001_000019_gtFine_labelIds.png'))
    train_ids = np.asarray(Image.open(root / 'gtFine/train/city/city_000001_000019_gtFine_labelTrainIds.png'))
    assert np.array_equal(train_ids, np.where(ids == CAR, 13, 0))  # road is 0, car is 13
    content = json.loads((root / 'annotations/instancesonly_filtered_gtFine_train.json').read_text())
    assert [entry['id'] for entry in content['annotations']] == list(range(1, len(content['annotations']) + 1))
    assert [image['file_name'] for image in content['images']] == [f'city/city_{i:06d}_000019_leftImg8bit.png' for i in range(2)]
    found = {(a['image_id'], a['iscrowd']): (a['category_id'], a['area'], a['bbox']) for a in content['annotations']}
    assert found == {
        (0, 0): (CAR, 32, [2, 4, 8, 4]), (0, 1): (CAR, 40, [20, 10, 10, 4]),
        (1, 0): (CAR, 28, [3, 4, 7, 4]), (1, 1): (CAR, 40, [20, 10, 10, 4]),
    }  # fmt: skip
    assert len(content['categories']) == 8


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


def test_resumed(root, monkeypatch):
    prepare_cityscapes(root, COUNTS)
    whole = contents(root)
    (root / 'gtFine/train/city/city_000000_000019_gtFine_labelTrainIds.png').unlink()
    (root / 'annotations/instancesonly_filtered_gtFine_val.json').unlink()
    assert prepare_cityscapes(root, COUNTS)['train'] == dict(images=2, made_now=1)
    assert contents(root) == whole
    monkeypatch.setattr(cityscapes, 'mm_converter', None)  # converting again would raise an error
    assert prepare_cityscapes(root, COUNTS)['train']['made_now'] == 0


def test_half_extracted(root):
    (root / 'gtFine/train/city/city_000000_000019_gtFine_instanceIds.png').unlink()
    (root / 'leftImg8bit/val/city/city_000000_000019_leftImg8bit.png').unlink()
    with pytest.raises(InputError) as error:
        prepare_cityscapes(root, COUNTS)
    text = str(error.value)
    assert 'city_000000_000019_gtFine_instanceIds.png is missing or empty' in text and 'gtFine_polygons.json has no image' in text
    assert 'leftImg8bit/val: 0 instead of 1' in text and 'gtFine_trainvaltest.zip' in text
    with pytest.raises(InputError, match='leftImg8bit/train: 2 instead of 2975'):
        prepare_cityscapes(root)
    assert not list(root.rglob('*labelTrainIds.png'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(imgHeight=10**9), 'imgHeight: Input should be less than or equal to 8192'),
        (dict(objects=[dict(label='road', polygon=[[0, 1e9], [1, 1], [2, 2]])]), r'objects\.0\.polygon\.0\.1: Input should be less'),
        (dict(objects=[dict(label='road', polygon=[['0', 1]])]), r'objects\.0\.polygon\.0\.0: Input should be a valid number'),
        (dict(objects='road'), 'objects: Input should be a valid list'),
    ],
)
def test_polygons_of_another_shape(root, change, message):
    path = next((root / 'gtFine/train').rglob('*_polygons.json'))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as refused:
        prepare_cityscapes(root, COUNTS)
    assert str(refused.value).startswith(str(path))


def test_a_picture_that_is_none(root):
    path = sorted((root / 'gtFine/train').rglob('*_instanceIds.png'))[0]
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=f'^{path}'):
        prepare_cityscapes(root, COUNTS)
