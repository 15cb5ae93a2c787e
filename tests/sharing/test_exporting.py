"""Datasets in the layouts of other libraries, read back with pycocotools, webdataset, tarfile, and by the documented format of YOLO."""

import json
import re
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from conftest import ROOT
from PIL import Image
from shared_sets import GOLDEN, HOSTILE, SIZE, drawn, square

from mmbdg.errors import InputError
from mmbdg.file_hashes import HASHES, check_hashes
from mmbdg.sharing import LAYOUTS, Options, export
from mmbdg.sharing.croissant import CONTEXT
from mmbdg.sharing.front_matter import code_span, one_line, yaml_text
from mmbdg.sharing.licences import licence_data
from mmbdg.sharing.samples import key_of
from mmbdg.storage.stored import StoredDataset

OPTIONS = Options(min_pixels=1, samples_per_shard=3)


@pytest.fixture(scope='module')
def exported(tmp_path_factory) -> dict[str, Path]:
    """The golden dataset in each layout."""
    root = tmp_path_factory.mktemp('exported')
    for layout in LAYOUTS:
        export(StoredDataset(GOLDEN / 'folder'), root / layout, layout, 'golden', options=OPTIONS)
    return {layout: root / layout for layout in LAYOUTS}


@pytest.fixture(scope='module')
def golden() -> StoredDataset:
    return StoredDataset(GOLDEN / 'folder')


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def card_of(folder: Path) -> tuple[dict, str]:
    """Metadata of a card, and its text."""
    text = (folder / 'README.md').read_text()
    data, body = re.fullmatch(r'---\n(.*?)\n---\n(.*)', text, re.S).groups()
    return yaml.safe_load(data), body


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_same_bytes(layout, exported, tmp_path):
    """Again, and from shards; but the card names the checksum of the dataset, which differs between folders and shards."""
    for kind in ('folder', 'shards'):
        export(StoredDataset(GOLDEN / kind), tmp_path / kind, layout, 'golden', options=OPTIONS)
    first, again, shards = (contents(folder) for folder in (exported[layout], tmp_path / 'folder', tmp_path / 'shards'))
    assert first == again
    assert {name: data for name, data in shards.items() if name != 'README.md'} == {n: d for n, d in first.items() if n != 'README.md'}
    assert check_hashes(exported[layout])
    assert sorted(json.loads(first[HASHES])['files']) == sorted(first.keys() - {HASHES, 'README.md'})


def test_image_folder(exported, golden):
    folder = exported['imagefolder'] / 'train'
    rows = [json.loads(line) for line in (folder / 'metadata.jsonl').read_text().splitlines()]
    assert [row['sample'] for row in rows] == [f'{line["slug"]}/{line["id"]}' for line in golden.lines]
    for row, line in zip(rows, golden.lines, strict=True):
        assert np.array_equal(np.asarray(Image.open(folder / row['file_name'])), golden.image(line))
        assert np.array_equal(np.asarray(Image.open(folder / row['mask_file_name'])), golden.mask(line))
        assert (row['label'], row['class'], row['uncertainty']) == (line['class'], line['slug'], line['uncertainty'])
    (config,) = card_of(exported['imagefolder'])[0]['configs']
    assert config['data_files'] == [dict(split='train', path='train/**')]
    assert config['features'][2]['dtype']['class_label']['names']['9'] == 'ankle boot'


def test_web_shards_by_tarfile_and_webdataset(exported, golden, tmp_path):
    webdataset = pytest.importorskip('webdataset')
    folder, lines = exported['webdataset'] / 'train', {key_of(line): line for line in golden.lines}
    shards = sorted(folder.iterdir())
    assert [shard.name for shard in shards] == ['000000.tar', '000001.tar']
    for shard in shards:
        with tarfile.open(shard) as tar:
            for entry in tar:
                assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode) == (0, 0, 0, '', '', 0o644)
    found = list(webdataset.WebDataset([str(shard) for shard in shards], shardshuffle=False, empty_check=False))
    assert sorted(one['__key__'] for one in found) == sorted(lines)
    assert [one['__key__'] for one in found] != sorted(lines)  # all classes in each shard
    for one in found:
        line = lines[one['__key__']]
        assert np.array_equal(np.asarray(Image.open(BytesIO(one['png']))), golden.image(line))
        assert np.array_equal(np.asarray(Image.open(BytesIO(one['mask.png']))), golden.mask(line))
        assert json.loads(one['json'])['classifier_score'] == line['classifier_score']
    code = LAYOUTS['webdataset'].reading.replace('FOLDER', str(exported['webdataset'])).replace('LAST', '000001')
    names: dict = {}
    exec(code, names)
    assert names['name'] == lines[names['sample']['__key__']]['slug']
    assert np.array_equal(np.asarray(names['mask']), golden.mask(lines[names['sample']['__key__']]))


def test_coco_by_pycocotools(exported, golden):
    names: dict = {}
    exec(LAYOUTS['coco'].reading.replace('FOLDER', str(exported['coco'])), names)
    coco = names['coco']
    for number, line in zip(coco.getImgIds(), golden.lines, strict=True):
        (image,) = coco.loadImgs(number)
        assert np.array_equal(np.asarray(Image.open(exported['coco'] / image['file_name'])), golden.image(line))
        found = coco.loadAnns(coco.getAnnIds(number))
        assert np.array_equal(sum(coco.annToMask(one) for one in found), golden.mask(line) == 1)
        assert {coco.loadCats(one['category_id'])[0]['name'] for one in found} == {line['slug']}


def read_yolo(folder: Path) -> dict[str, list[tuple[int, np.ndarray]]]:
    """Category and filled mask of each instance by image, as ultralytics reads them: corners are cut to whole pixels and filled."""
    found = {}
    for image in sorted((folder / 'images' / 'train').iterdir()):
        height, width = np.asarray(Image.open(image)).shape[:2]
        found[image.stem] = []
        for row in (folder / 'labels' / 'train' / f'{image.stem}.txt').read_text().splitlines():
            category, *points = row.split()
            corners = np.array(points, np.float32).reshape(-1, 2)
            assert len(points) >= 6 and (corners >= 0).all() and (corners <= 1).all()
            corners = (corners * [width, height]).astype(np.int32)
            found[image.stem].append((int(category), cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1).astype(bool)))
    return found


def test_yolo_by_its_format(tmp_path):
    line, ring, dot = square(3, 2, 1, 9), square(8, 8, 7, 7) & ~square(10, 10, 2, 3), square(0, 15, 1, 1)
    ignored = np.where(square(0, 0, 2, 2), 255, square(1, 1, 4, 4))
    dataset = drawn(tmp_path / 'd', [line | ring | dot, ignored, np.zeros((SIZE, SIZE))], ('A', 'no'))
    remarks = export(dataset, tmp_path / 'out', 'yolo', options=OPTIONS)
    assert remarks[:2] == [
        '4 instances; 0 components below 1 pixels are left out, 1 images have no instance',
        'the format has no holes and no ignored pixels: 6 pixels of holes are filled, 4 ignored pixels belong to no instance',
    ]
    found = read_yolo(tmp_path / 'out')
    assert all(category == 0 for category, _ in found['00000_00000000'])
    masks = [mask for _, mask in found['00000_00000000']]
    for expected in (dot, line, square(8, 8, 7, 7)):
        assert any(np.array_equal(mask, expected) for mask in masks)
    ((category, mask),) = found['00001_00000001']
    assert category == 1 and np.array_equal(mask, (ignored == 1))
    assert found['00000_00000002'] == []
    assert yaml.safe_load((tmp_path / 'out/data.yaml').read_text()) == dict(
        train='images/train', val='images/train', names={0: 'A', 1: 'no'}
    )


@pytest.mark.parametrize('size', [224, 333])
def test_outlines_survive_rounding(size):
    """The shares have six decimals; cut to whole pixels they give the same corners at any size of the image."""
    from mmbdg.sharing.yolo_folder import _shares

    points = np.stack([np.arange(size), np.arange(size)[::-1]], 1)
    again = np.array(_shares(points, (size, size)), np.float32).reshape(-1, 2) * np.float32(size)
    assert np.array_equal(again.astype(np.int32), points)


def test_fiftyone_folder(exported, golden):
    folder = exported['fiftyone']
    rows = [json.loads(line) for line in (folder / 'samples.jsonl').read_text().splitlines()]
    assert sorted(path.name for path in (folder / 'data').iterdir()) == sorted(path.name for path in (folder / 'labels').iterdir())
    for row, line in zip(rows, golden.lines, strict=True):
        assert np.array_equal(np.asarray(Image.open(folder / 'labels' / f'{row["key"]}.png')), golden.mask(line))
        assert row['class'] == line['slug']
    assert json.loads((folder / 'labels.json').read_text())['mask_labels'] == ['background', 'foreground']


def test_names_that_break_careless_writers(tmp_path):
    """The metadata stays the metadata, each name stays a text, and nothing in the body is more than text."""
    dataset = drawn(tmp_path / 'd', [square(2, 2, 3, 3)] * len(HOSTILE), HOSTILE, licence='CC0\n---\nlicense: mit')
    texts = [one_line(name) for name in HOSTILE]
    for layout in LAYOUTS:
        export(dataset, tmp_path / layout, layout, 'x\n---\ntitle: "<b>`', options=OPTIONS)
        data, body = card_of(tmp_path / layout)
        assert (data['license'], data['license_name'], data['pretty_name']) == ('other', 'cc0-license-mit', 'x --- title: "<b>`')
        bare = re.sub(r'`[^`\n]*`', '', body.replace('```', ''))
        assert '<' not in bare and '![' not in bare and '](' not in bare and '$$' not in bare and '\x1b' not in body
    (config,) = card_of(tmp_path / 'imagefolder')[0]['configs']
    assert list(config['features'][2]['dtype']['class_label']['names'].values()) == texts
    assert list(yaml.safe_load((tmp_path / 'yolo/data.yaml').read_text())['names'].values()) == texts
    rows = [json.loads(line) for line in (tmp_path / 'imagefolder/train/metadata.jsonl').read_text().splitlines()]
    assert [row['class'] for row in rows] == texts


def test_texts():
    assert one_line(' a\n\tb\x00c\u2028\u202e ') == 'a b c' and one_line('\ud800') == '?'
    assert one_line('\u0645\u200c\u0646') == '\u0645\u200c\u0646'  # joins letters
    assert code_span('a`b') == "`a'b`" and code_span(' ') == '`-`'
    assert yaml.safe_load(yaml_text(dict(a=['no', '1e3'], b=dict(c=1, d=True)))) == dict(a=['no', '1e3'], b=dict(c=1, d=True))
    assert '"1e3"' in yaml_text(dict(a='1e3'))  # YAML 1.2 reads it as a number otherwise
    assert licence_data('MIT') == dict(license='mit') and licence_data('') == dict(license='unknown')
    assert licence_data('MIT; made from X') == dict(license='other', license_name='mit-made-from-x')


def test_many_labels_and_no_masks(tmp_path):
    mask = np.zeros((SIZE, SIZE), int)
    mask[3:6, 3:6], mask[0, 0] = 299, 65535
    labels = ('background', *(f'label {i}' for i in range(1, 300)))
    dataset = drawn(tmp_path / 'd', [mask], ('A',), labels)
    export(dataset, tmp_path / 'images', 'imagefolder', options=OPTIONS)
    stored = np.asarray(Image.open(tmp_path / 'images/train/masks/00000_00000000.png'))
    assert np.array_equal(stored, mask) and json.loads((tmp_path / 'images/labels.json').read_text())['ignore'] == 65535
    export(dataset, tmp_path / 'yolo', 'yolo', options=OPTIONS)
    assert (tmp_path / 'yolo/labels/train/00000_00000000.txt').read_text().startswith('298 ')  # category i is label i + 1
    assert yaml.safe_load((tmp_path / 'yolo/data.yaml').read_text())['names'][298] == 'label 299'
    bare = drawn(tmp_path / 'bare', [mask * 0], ('A',), masks=False)
    shutil.rmtree(tmp_path / 'bare' / 'masks')
    (tmp_path / 'bare' / 'dataset.json').write_text(json.dumps({**bare.info, 'classes': [], 'palette': []}))
    bare = StoredDataset(tmp_path / 'bare')
    for layout in ('coco', 'yolo', 'fiftyone'):
        with pytest.raises(InputError, match='has no masks'):
            export(bare, tmp_path / 'x', layout)
    for layout in ('imagefolder', 'webdataset'):
        remarks = export(bare, tmp_path / layout, layout)
        assert remarks == ['the licence of the dataset is not stated: the card says "unknown"; name one with --licence']
        data, body = card_of(tmp_path / layout)
        assert data['license'] == 'unknown' and data['task_categories'] == ['image-classification'] and 'Not stated' in body


def test_the_page_shows_this_code():
    page = (ROOT / 'docs/sharing.md').read_text()
    for layout, made in LAYOUTS.items():
        code = made.reading.strip().replace('FOLDER', f'shared/fashion_{layout}').replace('LAST', '000000')
        assert f'```python\n{code}\n```' in page, layout


def test_refusals(golden, tmp_path):
    halves = drawn(tmp_path / 'halves', [square(2, 2, 3, 3)])
    for key, value in (('name', 'a\ud800'), ('folder', 'f\udcff')):
        info = json.loads((halves.root / 'dataset.json').read_text())
        info['image_classes'][1][key] = value
        shutil.copytree(halves.root, tmp_path / key)
        (tmp_path / key / 'dataset.json').write_text(json.dumps(info))
        with pytest.raises(InputError, match='must be text, without halves of characters'):
            export(StoredDataset(tmp_path / key), tmp_path / 'x', 'imagefolder')
    with pytest.raises(InputError, match="no layout 'image_folder'.*did you mean"):
        export(golden, tmp_path / 'x', 'image_folder')
    (tmp_path / 'x').mkdir()
    with pytest.raises(InputError, match='is there already'):
        export(golden, tmp_path / 'x', 'coco')
    broken = Path(shutil.copytree(GOLDEN / 'folder', tmp_path / 'broken'))
    next(broken.glob('masks/bag/*.png')).write_bytes(b'x')
    for layout in LAYOUTS:
        with pytest.raises(InputError, match='repair it with'):
            export(StoredDataset(broken), tmp_path / layout, layout, options=OPTIONS)
        assert not (tmp_path / layout).exists()
    assert 'samplingRate' in CONTEXT


def test_checksums(exported, tmp_path):
    folder = Path(shutil.copytree(exported['webdataset'], tmp_path / 'w'))
    assert check_hashes(folder) and not check_hashes(folder / 'train')
    (folder / 'README.md').write_text('edited')
    assert check_hashes(folder)
    with open(folder / 'train/000000.tar', 'r+b') as file:
        file.write(b'x')
    (folder / 'labels.json').unlink()
    (folder / 'new.bin').touch()
    with pytest.raises(InputError) as error:
        check_hashes(folder)
    for text in ('train/000000.tar has another SHA-256', 'labels.json is missing', 'new.bin is not listed'):
        assert text in str(error.value)
    with pytest.raises(InputError) as error:
        check_hashes(folder, ('*.tar',))
    assert 'labels.json' not in str(error.value)
