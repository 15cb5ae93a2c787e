import json

import pytest

from mmbdg.converters.coco import check_coco
from mmbdg.errors import InputError

COUNTS = dict(train2017=4, val2017=2)


@pytest.fixture
def coco(tmp_path):
    """A COCO folder: training image 3 has no instance, image 0 has a crowd, and one file is not listed."""
    (tmp_path / 'annotations').mkdir()
    for split, count in COUNTS.items():
        (tmp_path / split).mkdir()
        for i in range(count):
            (tmp_path / split / f'{i:012d}.jpg').write_bytes(b'picture')
        instances = [dict(id=i, image_id=i // 2, category_id=i % 2 + 1, iscrowd=int(i == 0)) for i in range(2 * count - 2)]
        write(tmp_path, split, instances, count)
    (tmp_path / 'train2017' / 'extra.jpg').write_bytes(b'picture')
    return tmp_path


def write(root, split, annotations, count):
    images = [dict(id=i, file_name=f'{i:012d}.jpg') for i in range(count)]
    content = dict(images=images, annotations=annotations, categories=[dict(id=i, name=f'c{i}') for i in (1, 2)])
    (root / 'annotations' / f'instances_{split}.json').write_text(json.dumps(content))


def test_whole(coco):
    found = check_coco(coco, COUNTS, categories=2)
    assert found['train2017'] == dict(images=4, without_instances=1, not_listed=1, instances=6, crowds=1)
    assert found['val2017'] == dict(images=2, without_instances=1, not_listed=0, instances=2, crowds=1)


def message(root, counts=COUNTS, categories=2):
    with pytest.raises(InputError) as error:
        check_coco(root, counts, categories)
    return str(error.value)


def test_half_extracted(coco):
    (coco / 'train2017' / '000000000002.jpg').unlink()
    (coco / 'val2017' / '000000000001.jpg').write_bytes(b'')
    text = message(coco)
    assert '(2 problems)' in text and 'train2017/000000000002.jpg is missing or empty' in text and 'val2017/000000000001.jpg' in text
    assert 'cocodataset.org' in text
    assert 'instances_train2017.json: 4 instead of 118287' in message(coco, None) and '2 instead of 80' in message(coco, None, 80)


def test_wrong_annotations(coco):
    write(coco, 'val2017', [dict(id=0, image_id=7, category_id=9)], 2)
    text = message(coco)
    assert 'instances of the unknown category 9' in text and 'instances of an image it does not list: 7' in text
    path = coco / 'annotations' / 'instances_train2017.json'
    path.write_text(path.read_text()[:100])
    (coco / 'annotations' / 'instances_val2017.json').unlink()
    text = message(coco)
    assert 'instances_train2017.json is cut off' in text and 'instances_val2017.json is missing' in text
