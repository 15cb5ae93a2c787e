import json
from dataclasses import asdict

import numpy as np
import pytest
from conftest import plan_of
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset
from PIL import Image

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.datasets import LoadMask, SyntheticSegDataset
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS
from mmbdg.storage.label_spaces import label_space
from mmbdg.storage.manifest import read_jsonl, write_jsonl
from mmbdg.synthesis import synthesize

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]


@pytest.fixture
def plan(tiny_labelled_generator):
    return plan_of(str(tiny_labelled_generator), num_per_class=3, candidates=6)


@pytest.mark.parametrize('space', ['fgbg', 'classes'])
def test_label_space_is_applied_on_reading(plan, tmp_path, space):
    root = synthesize(plan, tmp_path / 'out')
    dataset = SyntheticSegDataset(str(root), label_space=space, pipeline=PIPELINE)
    assert len(dataset) == 9
    assert dataset.metainfo['classes'] == (('background', 'foreground') if space == 'fgbg' else ('background', 'disc', 'square', 'ring'))
    for i in range(9):
        item = dataset[i]
        stored = np.asarray(Image.open(item['seg_map_path']))
        assert np.array_equal(item['gt_seg_map'], stored * (1 if space == 'fgbg' else i // 3 + 1))
        assert np.array_equal(item['img'][..., ::-1], np.asarray(Image.open(item['img_path'])))


def test_plain_mmseg_reads_it(plan, tmp_path):
    root = synthesize(plan, tmp_path / 'out')
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = BaseSegDataset(
            data_root=str(root),
            data_prefix=dict(img_path='images', seg_map_path='masks'),
            img_suffix='.png',
            metainfo=dict(classes=('background', 'foreground')),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
        )
    assert len(dataset) == 9 and set(np.unique(dataset[0]['gt_seg_map'])) <= {0, 1}


def test_two_lines_in_an_mmseg_config(plan, tmp_path):
    """An existing mmseg project needs two lines: ``custom_imports`` and the dataset."""
    root = synthesize(plan, tmp_path / 'out')
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(
            dict(
                type='mmbdg.SyntheticSegDataset',
                data_root=str(root),
                pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
            )
        )
    assert {int(i) for item in list(dataset)[6:] for i in np.unique(item['gt_seg_map'])} == {0, 3}  # the last class, not only empty masks


def test_prepare_makes_it_once(plan, tmp_path, monkeypatch):
    monkeypatch.setenv('MMBDG_CACHE', str(tmp_path / 'cache'))
    dataset = SyntheticSegDataset(prepare=asdict(plan))
    (folder,) = (tmp_path / 'cache' / 'synthetic').iterdir()
    assert dataset.root == folder and len(dataset) == 9
    stamps = {p: p.stat().st_mtime_ns for p in folder.rglob('*.png')}
    SyntheticSegDataset(prepare=asdict(plan))
    assert {p: p.stat().st_mtime_ns for p in folder.rglob('*.png')} == stamps
    SyntheticSegDataset(prepare=asdict(plan) | dict(seed=1))  # another config uses another folder
    assert len(list((tmp_path / 'cache' / 'synthetic').iterdir())) == 2


def test_prepare_with_early_rejection(tiny_labelled_generator, tiny_classifier, tiny_judge, tmp_path, monkeypatch):
    """The judge belongs to the source, and its checksum to the name of the cache folder."""
    monkeypatch.setenv('MMBDG_CACHE', str(tmp_path))
    early = dict(judge=str(tiny_judge), keep=0.5)
    filters = [dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.75, early=early)]
    plan = dict(labelled_generator=str(tiny_labelled_generator), filters=filters, num_per_class=1, candidates=4, classes=[1])
    dataset = SyntheticSegDataset(prepare=plan, allow_empty=True)
    assert len(dataset) == 1 and dataset.root.parent == tmp_path / 'synthetic' and 'early_score' in dataset.lines[0]


def test_missing_and_unfinished(plan, tmp_path):
    with pytest.raises(InputError, match='holds no synthetic dataset.*tools/synthesize.py'):
        SyntheticSegDataset(str(tmp_path))
    root = synthesize(plan, tmp_path / 'out')
    (root / 'dataset.json').unlink()
    with pytest.raises(InputError, match='is unfinished'):
        SyntheticSegDataset(str(root))
    with pytest.raises(InputError, match='data_root'):
        SyntheticSegDataset()


def edit_info(root, **change):
    path = root / 'dataset.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def test_labels_that_would_be_read_wrongly_are_refused(plan, tmp_path):
    root = synthesize(plan, tmp_path / 'out')
    names = [dict(name=f'c{i}', folder=folder) for i, folder in enumerate(['disc', 'square', 'ring', *map(str, range(300))])]
    edit_info(root, image_classes=names)
    with pytest.raises(InputError, match='LoadAnnotations holds labels in uint8, .* has 304 of them: use mmbdg.LoadMask'):
        SyntheticSegDataset(str(root), pipeline=[dict(type='mmseg.LoadAnnotations')])
    SyntheticSegDataset(str(root), pipeline=[dict(type='mmbdg.LoadMask')], allow_empty=True)
    with pytest.raises(InputError, match=r'no image of 300 of the 303 labels of "classes": c3, c4, c5, c6, c7, ...\. Synthesise them'):
        SyntheticSegDataset(str(root), pipeline=[dict(type='mmbdg.LoadMask')])
    SyntheticSegDataset(str(root), label_space='fgbg', pipeline=[dict(type='mmseg.LoadAnnotations')])
    edit_info(root, classes=['background', 'head', 'tail'])
    with pytest.raises(InputError, match='hold 3 labels, but label_space="classes" needs'):
        SyntheticSegDataset(str(root))


def test_groups_leave_out_the_other_classes(plan, tmp_path):
    root = synthesize(plan, tmp_path / 'out')
    dataset = SyntheticSegDataset(str(root), label_space=dict(angular=['square'], round=['ring']), pipeline=PIPELINE)
    assert len(dataset) == 6 and dataset.metainfo['classes'] == ('background', 'angular', 'round')
    for i in range(6):
        item = dataset[i]
        assert item['gt_label'] == i // 3 + 1
        assert np.array_equal(item['gt_seg_map'], np.asarray(Image.open(item['seg_map_path'])) * (i // 3 + 1))


def as_imagenet(root, ids):
    """Edit the dataset as if its three classes were the given classes of ImageNet."""
    names = class_names('in1k')
    entries = [dict(name=name, folder=folder) for name, folder in zip(names, folder_names('in1k'), strict=True)]
    for folder, class_id in zip(('disc', 'square', 'ring'), ids, strict=True):
        entries[class_id]['folder'] = folder
    edit_info(root, image_classes=entries)
    manifest = root / 'manifest.jsonl'
    lines = [line | {'class': ids[line['class']]} for line in read_jsonl(manifest)]
    for line in lines:
        del line['blake2b']  # the checksums do not match the new masks
    write_jsonl(manifest, lines)


def test_spaces_of_imagenet(plan, tmp_path):
    root = synthesize(plan, tmp_path / 'out')
    as_imagenet(root, (0, 151, 999))
    for name, expected in (('mc16', {151: 11}), ('mc992', {0: 1, 151: 150, 999: 991}), ('dog', {151: 1}), ('fgbg', {0: 1, 151: 1, 999: 1})):
        pipeline = [dict(type='LoadImageFromFile'), dict(type='mmbdg.LoadMask')]
        dataset = SyntheticSegDataset(str(root), label_space=name, pipeline=pipeline, allow_empty=True)
        assert len(dataset) == 3 * len(expected)
        for item in dataset:
            stored = np.asarray(Image.open(item['seg_map_path'])).astype(int)
            assert np.array_equal(item['gt_seg_map'], stored * expected[item['gt_label']])
    with pytest.raises(InputError, match='none of the 9 images has a class of the label space "bird"'):
        SyntheticSegDataset(str(root), label_space='bird')


def test_masks_of_a_head_that_tells_labels_apart(plan, tmp_path):
    """Masks of a head with several labels, 16-bit ones too, keep their ids or become foreground in "fgbg"."""
    root = synthesize(plan, tmp_path / 'out')
    as_imagenet(root, (0, 151, 999))
    edit_info(root, classes=label_space('mc992', class_names('in1k')).classes)
    wide = np.zeros((16, 16), np.uint16)
    wide[0, :3] = 256, 512, 991  # in 8 bits these are 0, 0, 223
    for path in (root / 'masks').rglob('*.png'):
        Image.fromarray(wide).save(path)
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmbdg.LoadMask')]
    dataset = SyntheticSegDataset(str(root), label_space='mc992', pipeline=pipeline, allow_empty=True)
    assert dataset[0]['gt_seg_map'][0, :4].tolist() == [256, 512, 991, 0]
    assert SyntheticSegDataset(str(root), label_space='fgbg', pipeline=pipeline)[0]['gt_seg_map'][0, :4].tolist() == [1, 1, 1, 0]
    with pytest.raises(InputError, match='in uint8, .* has 992 of them'):
        SyntheticSegDataset(str(root), label_space='fgbg', pipeline=PIPELINE)
    with pytest.raises(InputError, match='hold 992 labels, but the label space "mc16" needs'):
        SyntheticSegDataset(str(root), label_space='mc16', pipeline=pipeline)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_masks_of_many_labels(dtype, tmp_path):
    """LoadMask maps labels above 255 without overflow (mmseg's own loader turns 300 into 44)."""
    stored = np.array([[0, 1, 200], [1, 0, np.iinfo(dtype).max]], dtype)
    Image.fromarray(stored).save(tmp_path / 'm.png')
    results = dict(seg_map_path=str(tmp_path / 'm.png'), label_map={1: 300}, reduce_zero_label=False, seg_fields=[])
    seg_map = LoadMask()(results)['gt_seg_map']
    assert seg_map.tolist() == [[0, 300, 200], [300, 0, np.iinfo(dtype).max]] and results['seg_fields'] == ['gt_seg_map']
    results['label_map'] = {1: 200, 200: 65535}  # all mappings apply to the stored values: a pixel mapped to 200 stays 200
    assert LoadMask()(results)['gt_seg_map'].tolist() == [[0, 200, 65535], [200, 0, np.iinfo(dtype).max]]


def test_the_first_samples_of_each_class(plan, tmp_path):
    root = synthesize(plan, tmp_path / 'out')
    every = SyntheticSegDataset(str(root), pipeline=PIPELINE)
    two = SyntheticSegDataset(str(root), per_class=2, pipeline=PIPELINE)
    assert [two[i]['img_path'] for i in range(len(two))] == [every[i]['img_path'] for i in (0, 1, 3, 4, 6, 7)]
    groups = SyntheticSegDataset(str(root), label_space=dict(angular=['square'], round=['ring']), per_class=1, pipeline=PIPELINE)
    assert [groups[i]['img_path'] for i in range(len(groups))] == [every[i]['img_path'] for i in (3, 6)]
    with pytest.raises(InputError, match='has 3 samples of disc, but per_class is 4'):
        SyntheticSegDataset(str(root), per_class=4, pipeline=PIPELINE)
    with pytest.raises(InputError, match='per_class is 0'):
        SyntheticSegDataset(str(root), per_class=0, pipeline=PIPELINE)
