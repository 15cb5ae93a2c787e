"""Errors before training for annotation files that do not match the files on disk or the classes."""

import json
import shutil

import numpy as np
import pytest
from conftest import ROOT
from mmengine.registry import DefaultScope
from one_process import run_here
from PIL import Image
from tiny_cityscapes import write_cityscapes
from tiny_coco import write_coco
from tiny_voc import write_voc

from mmbdg.compat.config import read_config
from mmbdg.datasets.listed_files import check_listed_files
from mmbdg.datasets.looking_up import missing
from mmbdg.errors import InputError

CONFIGS = dict(
    voc='voc/faster-rcnn_r50-c4_24k_voc0712',
    voc_maps='voc/fcn_r50-d8_20k_voc12aug',
    coco='coco/mask-rcnn_r50_fpn_1x_coco',
    cityscapes='cityscapes/mask-rcnn_r50_fpn_90k_cityscapes',
    cityscapes_maps='cityscapes/fcn_r50-d8_40k_cityscapes-769x769',
)
WRITE = dict(voc=write_voc, coco=write_coco, cityscapes=write_cityscapes)


@pytest.fixture(scope='module')
def trees(tmp_path_factory):
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in WRITE.items()}


@pytest.fixture
def tree(trees, tmp_path, request):
    """Name of a dataset and a copy of its folder that a test may change."""
    shutil.copytree(trees[request.param.split('_')[0]], tmp_path / 'tree')
    return request.param, tmp_path / 'tree'


def check(kind, root, loader='train_dataloader', **options):
    cfg = read_config(str(ROOT / 'configs/transfer' / f'{CONFIGS[kind]}.py'), dict(data_root=str(root)) | options)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return check_listed_files(cfg[loader].dataset, cfg.default_scope, loader)


@pytest.mark.parametrize('kind', CONFIGS)
def test_whole_trees_pass(kind, trees):
    root = trees[kind.split('_')[0]]
    notes = check(kind, root)
    assert check(kind, root, 'val_dataloader') == []
    path = root / 'annotations/instances_train2017.json'
    assert notes == ([f'train_dataloader: {path}: 1 of 4 images have no annotation and are skipped'] if kind == 'coco' else [])


ANNOTATION_FILES = dict(
    voc='VOC2012/ImageSets/Main/trainval.txt',
    voc_maps='VOC2012/ImageSets/Segmentation/aug.txt',
    coco='annotations/instances_train2017.json',
    cityscapes='annotations/instancesonly_filtered_gtFine_train.json',
)


@pytest.mark.parametrize('tree', ANNOTATION_FILES, indirect=True)
def test_missing_annotation_file(tree):
    kind, root = tree
    (root / ANNOTATION_FILES[kind]).unlink()
    with pytest.raises(InputError, match=rf'{ANNOTATION_FILES[kind]}.* (is missing|or the folder of the images is missing)'):
        check(kind, root)


LISTED = {
    'voc': (
        'VOC2007/Annotations/000002.xml',
        'annotations of images that .*VOC2007/ImageSets/Main/trainval.txt lists are missing or empty',
    ),
    'voc_maps': ('VOC2012/SegmentationClassAug/2008_000021.png', 'label maps of images of .*aug.txt are missing or empty'),
    'cityscapes_maps': (
        'gtFine/train/bochum/bochum_000001_000019_gtFine_labelTrainIds.png',
        'label maps of images of .*leftImg8bit/train are missing or empty',
    ),
}


@pytest.mark.parametrize('tree', LISTED, indirect=True)
def test_listed_image_without_its_annotation(tree):
    kind, root = tree
    (root / LISTED[kind][0]).unlink()
    with pytest.raises(InputError, match=rf'{LISTED[kind][1]} \(1\):\n  .*{LISTED[kind][0]}$'):
        check(kind, root)


IMAGES = dict(
    voc='VOC2012/JPEGImages/2008_000001.jpg',
    voc_maps='VOC2012/JPEGImages/2008_000021.jpg',
    coco='train2017/000000000002.jpg',
    cityscapes='leftImg8bit/train/bochum/bochum_000000_000019_leftImg8bit.png',
)


@pytest.mark.parametrize('tree', IMAGES, indirect=True)
def test_listed_image_that_is_missing(tree):
    kind, root = tree
    (root / IMAGES[kind]).unlink()
    with pytest.raises(InputError, match=rf'images that .* lists are missing or empty \(1\):\n  .*{IMAGES[kind]}$'):
        check(kind, root)


@pytest.mark.parametrize('tree', ['voc'], indirect=True)
def test_foreign_class_in_voc(tree):
    """An object of an unknown class raises an error. mmdet would skip it silently."""
    kind, root = tree
    path = root / 'VOC2012/Annotations/2008_000002.xml'
    name = path.read_text().split('<name>')[1].split('<')[0]
    path.write_text(path.read_text().replace(f'<name>{name}</name>', '<name>zeppelin</name>', 1))
    with pytest.raises(InputError, match=r'objects of classes that VOCDataset does not have \(1\):\n  .*2008_000002.xml: "zeppelin"'):
        check(kind, root)
    chosen = {f'train_dataloader.dataset.datasets.{i}.metainfo': dict(classes=(name, 'person')) for i in (0, 1)}
    notes = check(kind, root, **chosen)  # the config selects classes explicitly
    assert any('objects are of classes that the config leaves out' in note for note in notes)


@pytest.mark.parametrize('tree', ['coco', 'cityscapes'], indirect=True)
def test_foreign_category_in_coco(tree):
    kind, root = tree
    path = root / ANNOTATION_FILES[kind]
    content = json.loads(path.read_text())
    content['categories'].append(dict(id=1000, name='zeppelin'))
    content['annotations'][0]['category_id'] = 1000
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'categories that are not among the classes \(1\):\n  "zeppelin" \(1 annotations\)'):
        check(kind, root)
    content['annotations'][0]['image_id'] = 77
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'annotations of images that it does not list \(1\)'):
        check(kind, root)
    content['categories'] = content['categories'][1:]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'classes that .* has no category for \(1\):\n  "person"'):
        check(kind, root)
    path.write_text('{}')
    with pytest.raises(InputError, match='images: Field required'):
        check(kind, root)


@pytest.mark.parametrize('tree', ['cityscapes'], indirect=True)
def test_annotation_zero(tree):
    """An annotation id of 0 is reported: mmdet's Cityscapes converter starts at 0, which pycocotools reads as "not found"."""
    kind, root = tree
    path = root / 'annotations/instancesonly_filtered_gtFine_val.json'
    content = json.loads(path.read_text())
    content['annotations'][0]['id'] = 0
    path.write_text(json.dumps(content))
    assert check(kind, root, 'val_dataloader') == [
        f'val_dataloader: {path}: one annotation has id 0, which pycocotools never counts as found; number them from 1'
    ]


@pytest.mark.parametrize('tree', ['voc_maps', 'cityscapes_maps'], indirect=True)
def test_foreign_label_in_a_map(tree):
    kind, root = tree
    path = root / LISTED[kind][0]
    labels = np.asarray(Image.open(path)).copy()
    labels[0, 0] = 33
    Image.fromarray(labels).save(path)
    with pytest.raises(
        InputError, match=rf'label maps of .* \(1\):\n  .*{path.name} has the values \[33\]; the .* labels are 0 to .*; 255 does not count$'
    ):
        check(kind, root)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(InputError, match=f'{path.name} is no image, or is cut off'):
        check(kind, root)


BAD_OUTLINES = {
    'has the polygon .* within 1,000,000 pixels': [[0, 0, 1e9, 0, 1e9, 1e9]],
    'has the polygon .* its numbers must lie': [[0, 0, float('nan'), 0, 1, 1]],
    'has the polygon .* three corners at least': [[0, 0, True, 0, 1, 1]],
    'has no mask: the run lengths add up to 140 pixels': [132, 8],
    'has no mask: run lengths must be whole numbers from 0 on': [-132, 8],
    'has no mask: compressed run lengths hold the character': 'zzzz',
    'has run lengths without counts': None,
}


@pytest.mark.parametrize('message', BAD_OUTLINES)
@pytest.mark.parametrize('tree', ['coco'], indirect=True)
def test_outlines_that_crash_or_leave_memory_unwritten(tree, message):
    """Invalid outlines raise an error. pycocotools would crash or leave memory uninitialised."""
    kind, root = tree
    path = root / ANNOTATION_FILES[kind]
    content = json.loads(path.read_text())
    entry, outline = content['annotations'][0], BAD_OUTLINES[message]
    image = next(image for image in content['images'] if image['id'] == entry['image_id'])
    whole = isinstance(outline, list) and isinstance(outline[0], list)
    entry['segmentation'] = outline if whole else dict(size=[image['height'], image['width']], counts=outline)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf'invalid outlines in .*{path.name} \(1\):\n  annotation {entry["id"]} {message}'):
        check(kind, root)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['images'][0].update(id='7'), 'images, entry 1, .*id: Input should be a valid integer'),
        (lambda c: c['images'][1].update(id=c['images'][0]['id']), 'two images have the id'),
        (lambda c: c['images'][0].update(width=0), 'images, entry 1, .*width: Input should be greater than'),
        (lambda c: c['annotations'][0].update(bbox=[1, 2, 3]), 'annotations, entry 1, .*bbox: '),
        (lambda c: c['annotations'][0].pop('bbox'), 'annotations, entry 1, .*bbox: Field required'),
        (lambda c: c.update(annotations={}), 'annotations: Input should be a valid list'),
    ],
)
@pytest.mark.parametrize('tree', ['coco'], indirect=True)
def test_coco_of_another_shape(tree, change, message):
    kind, root = tree
    path = root / ANNOTATION_FILES[kind]
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f'{path.name}.*{message}'):
        check(kind, root)


BOMB = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + ''.join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip('abcdefgh', 'bcdefghi', strict=True)
)
BAD_XML = {
    'bomb': (BOMB + ']>\n<annotation>&i;</annotation>', 'declares a document type or entities'),
    'external': ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n<annotation>&e;</annotation>', 'declares a document type'),
    'cut_off': ('<annotation><object><name>cat</name>', 'is no XML file, or is cut off'),
    'no_box': ('<annotation><object><name>cat</name></object></annotation>', 'object 1, has no name or no box of four numbers'),
    'encoding': ('<?xml version="1.0" encoding="none-such"?><annotation/>', 'is no XML file, or is cut off'),
}


@pytest.mark.parametrize('name', BAD_XML)
@pytest.mark.parametrize('tree', ['voc'], indirect=True)
def test_xml_that_is_none_or_an_attack(tree, name):
    kind, root = tree
    text, message = BAD_XML[name]
    path = root / 'VOC2012/Annotations/2008_000002.xml'
    path.write_text(text)
    with pytest.raises(InputError, match=f'{path.name}.*{message}'):
        check(kind, root)


@pytest.mark.parametrize('tree', ['voc', 'voc_maps'], indirect=True)
def test_lists_that_name_other_files(tree):
    """A byte order mark or spaces in a list raise an error, because readers would take them as parts of names."""
    kind, root = tree
    path = root / ANNOTATION_FILES[kind]
    text = path.read_text()
    for changed, message in (
        ('\ufeff' + text, 'begins with a byte order mark'),
        (text + ' 000001\n', 'spaces around names'),
        ('', 'lists no images'),
        (text + '\0', 'null characters'),
    ):
        path.write_text(changed)
        with pytest.raises(InputError, match=f'{path.name}.*{message}'):
            check(kind, root)


@pytest.mark.parametrize('tree', ['cityscapes'], indirect=True)
def test_a_test_that_would_skip_images(tree):
    kind, root = tree
    options = {'val_dataloader.dataset.pipeline.0.skip_broken': True, 'train_dataloader.dataset.pipeline.0.skip_broken': True}
    assert check(kind, root, **options) == []
    with pytest.raises(InputError, match='val_dataloader must use all listed images: remove skip_broken'):
        check(kind, root, 'val_dataloader', **options)


def pairs(root, values):
    """A dataset of mmseg with one image for each label map."""
    for i, array in enumerate(values):
        for kind, content in (('images', np.zeros((4, 4, 3), np.uint8)), ('masks', np.array(array))):
            (root / kind).mkdir(exist_ok=True)
            Image.fromarray(content).save(root / kind / f'{i}.png')
    return dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        img_suffix='.png',
        metainfo=dict(classes=('ground', 'a', 'b')),
        pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask')],
    )


def map_of(*values, dtype=np.uint8):
    return np.resize(np.array(values, dtype), (4, 4))


def refusal(config):
    with DefaultScope.overwrite_default_scope('mmseg'):
        try:
            return '' if check_listed_files(config, 'mmseg', 'x') == [] else 'notes'
        except InputError as error:
            return str(error)


def test_labels_that_are_in_no_map(tmp_path):
    config = pairs(tmp_path, [map_of(0, 255), map_of(0, 2)])
    text = refusal(config)
    assert 'holds the label 1 (a); the values in its 2 masks are 0 in 2, 2 in 1, 255 in 1 (does not count)' in text
    assert "map it: dict(type='mmbdg.LoadMask', label_map={255: 1}) in the pipeline" in text
    assert refusal(config | dict(metainfo=dict(classes=('ground', 'a', 'b'), allow_missing_labels=True))) == ''
    config['pipeline'][1]['label_map'] = {255: 1}
    assert refusal(config) == ''


def test_a_label_may_be_in_another_part(tmp_path):
    """The combined training set must contain all labels, but not each of its parts."""
    parts = []
    for i, labels in enumerate(((0, 1), (0, 2))):
        (tmp_path / str(i)).mkdir()
        parts.append(pairs(tmp_path / str(i), [map_of(*labels)]))
    assert refusal(dict(type='ConcatDataset', datasets=parts)) == ''
    assert 'holds the label 1 (a)' in refusal(parts[1])
    images = dict(type='mmbdg.ImageFolder', data_root=str(tmp_path / '0'), class_names=('images', 'masks'))
    assert 'holds the label 1 (a)' in refusal(dict(type='mmbdg.JointDataset', ssl=images, seg=parts[1]))


def test_labels_that_begin_with_1(tmp_path):
    config = pairs(tmp_path, [map_of(0, 1, 2, 3)])
    assert 'has the values [3]; the 3 labels are 0 to 2' in refusal(config)
    assert refusal(config | dict(reduce_zero_label=True)) == ''
    config = pairs(tmp_path, [map_of(1, 3)])
    assert 'holds the label 1 (a)' in refusal(config | dict(reduce_zero_label=True))


def test_labels_of_16_bits(tmp_path):
    config = pairs(tmp_path, [map_of(0, 1, 2, 257, dtype=np.uint16)])
    assert 'has the values [257]; the 3 labels are 0 to 2' in refusal(config)
    config = pairs(tmp_path, [map_of(0, 1, 2, dtype=np.uint16)])
    assert refusal(config) == ''
    config['pipeline'][1] = dict(type='LoadAnnotations')
    assert refusal(config) == ''  # it reads 8-bit values correctly


def test_masks_that_another_loader_reads_wrongly(tmp_path):
    config = pairs(tmp_path, [map_of(0, 1, 2)])
    values = Image.fromarray(np.repeat(map_of(0, 1, 2)[..., None], 3, 2))
    values.save(tmp_path / 'masks/0.png')
    assert refusal(config) == ''
    config['pipeline'][1] = dict(type='LoadAnnotations')
    assert "0.png is read wrongly by LoadAnnotations: replace it by dict(type='mmbdg.LoadMask')" in refusal(config)


def test_missing_lists_folders_once(tmp_path):
    (tmp_path / 'there').write_text('x')
    (tmp_path / 'empty').touch()
    (tmp_path / 'dead').symlink_to(tmp_path / 'nowhere')
    assert missing([tmp_path / name for name in ('there', 'not', 'no/folder', 'empty', 'dead')]) == [
        str(tmp_path / name) for name in ('not', 'no/folder', 'empty', 'dead')
    ]


@pytest.mark.parametrize('tree', ['voc_maps'], indirect=True)
def test_the_tool_says_so_before_it_trains(tree, tmp_path):
    kind, root = tree
    (root / LISTED[kind][0]).unlink()
    config = ROOT / 'configs/transfer' / f'{CONFIGS[kind]}.py'
    arguments = ['--work-dir', tmp_path / 'work', '--cfg-options', f'data_root={root}', 'pretrained=None']
    output = run_here('tools/train.py', config, *arguments, code=2)
    assert f'error: label maps of images of {root}/VOC2012/ImageSets/Segmentation/aug.txt are missing or empty (1):' in output
