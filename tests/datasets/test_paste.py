"""Pasting of objects into the samples of detectors and segmentors, against arrays computed by hand and against mmdet's CopyPaste."""

import mmdet.registry
import mmseg.registry
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import CopyPaste
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.registry import DefaultScope
from one_object import coloured, given, put_at
from torch.utils.data import DataLoader

from mmbdg.datasets.fashion_files import CLASSES
from mmbdg.engine.checks import paste_problems
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS, TRANSFORMS

L = [[1, 0], [1, 1]]  # an object of three pixels
PLAIN = dict(sides=(2, 2), flip=0.0)


def paste(objects, classes=('plate', 'cup'), **keys):
    return TRANSFORMS.build(dict(type='mmbdg.PasteObjects', objects=objects, classes=classes, **dict(dict(num=1, placement=PLAIN), **keys)))


def detection(*boxes, masks='bitmap', size=8):
    """Results of mmdet's loading: grey image, and a rectangle for each box (x1, y1, x2, y2), all of class 0; the last one is a crowd."""
    image = np.full((size, size, 3), 100, np.uint8)
    areas = np.zeros((len(boxes), size, size), np.uint8)
    for area, (x1, y1, x2, y2) in zip(areas, boxes, strict=True):
        area[y1:y2, x1:x2] = 1
    outlines = [[np.array([x1, y1, x2, y1, x2, y2, x1, y2], float)] for x1, y1, x2, y2 in boxes]
    results = dict(
        img=image,
        gt_bboxes=HorizontalBoxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)),
        gt_bboxes_labels=np.zeros(len(boxes), np.int64),
        gt_ignore_flags=np.arange(len(boxes)) == len(boxes) - 1,
        gt_masks=BitmapMasks(areas, size, size) if masks == 'bitmap' else PolygonMasks(outlines, size, size),
    )
    if masks is None:
        del results['gt_masks']
    return results


@pytest.mark.parametrize('masks', ['bitmap', 'polygon'])
def test_instances_below_lose_what_is_covered(monkeypatch, masks):
    """The L covers the left column of the first box, all but the right upper pixel of the second, and nothing of the third."""
    put_at(monkeypatch, (2, 1))
    results = detection((1, 2, 4, 4), (1, 2, 3, 4), (5, 5, 8, 8), masks=masks)
    before = {key: results[key] for key in ('img', 'gt_bboxes')}
    with given([coloured(L, (10, 20, 30))]) as objects:
        after = paste(objects)(dict(results))
    image = np.full((8, 8, 3), 100)
    image[[2, 3, 3], [1, 1, 2]] = (30, 20, 10)  # BGR
    assert (after['img'] == image).all() and after['img'].dtype == np.uint8
    expected = np.zeros((4, 8, 8), np.uint8)
    expected[0, 2, 2:4] = expected[0, 3, 3] = 1
    expected[1, 2, 2] = 1
    expected[2, 5:8, 5:8] = 1
    expected[3, [2, 3, 3], [1, 1, 2]] = 1
    assert isinstance(after['gt_masks'], BitmapMasks) and (after['gt_masks'].masks == expected).all()
    assert isinstance(after['gt_bboxes'], HorizontalBoxes)
    assert after['gt_bboxes'].tensor.tolist() == [[2, 2, 4, 4], [2, 2, 3, 3], [5, 5, 8, 8], [1, 2, 3, 4]]
    assert after['gt_bboxes_labels'].tolist() == [0, 0, 0, 1] and after['gt_bboxes_labels'].dtype == np.int64
    assert after['gt_ignore_flags'].tolist() == [False, False, True, False]
    assert (before['img'] == 100).all() and before['gt_bboxes'].tensor[0].tolist() == [1, 2, 4, 4]  # the input is unchanged


@pytest.mark.parametrize(('min_visible', 'kept'), [(0.0, [0, 1, 3]), (0.25, [0, 1, 3]), (0.26, [0, 3]), (0.51, [3])])
def test_hidden_instances_go(monkeypatch, min_visible, kept):
    """Visible are 3 of 6, 1 of 4, none of 3 (the L itself) and all of 9 pixels."""
    put_at(monkeypatch, (2, 1), (2, 1))
    boxes = ((1, 2, 4, 4), (1, 2, 3, 4), (5, 5, 8, 8))
    results = detection(*boxes)
    with given([coloured(L, (10, 20, 30))]) as objects:
        after = paste(objects, num=2, placement=PLAIN | dict(min_visible=min_visible))(results)
    # The second L covers the first one completely.
    expected = [i for i in (0, 1) if i in kept]
    assert len(after['gt_bboxes']) == len(expected) + 2
    assert after['gt_bboxes_labels'].tolist() == [0] * (len(expected) + 1) + [1]
    assert after['gt_ignore_flags'].tolist() == [False] * len(expected) + [True, False]
    assert after['gt_masks'].masks.sum((1, 2)).tolist() == [[3, 1][i] for i in expected] + [9, 3]


def test_a_box_stays_as_annotated_where_its_extent_does(monkeypatch):
    put_at(monkeypatch, (3, 3))
    results = detection((1, 1, 7, 7))
    results['gt_bboxes'] = HorizontalBoxes(torch.tensor([[0.5, 1.25, 7.5, 7.0]]))
    with given([coloured(L, (1, 2, 3))]) as objects:
        after = paste(objects)(results)
    assert after['gt_bboxes'].tensor[0].tolist() == [0.5, 1.25, 7.5, 7.0] and after['gt_masks'].masks[0].sum() == 36 - 3


def test_boxes_without_masks(monkeypatch):
    put_at(monkeypatch, (2, 1))
    with given([coloured(np.ones((2, 2)), (1, 2, 3))]) as objects:
        after = paste(objects)(detection((1, 2, 4, 4), (1, 2, 3, 4), (5, 5, 8, 8), masks=None))
    assert 'gt_masks' not in after
    assert after['gt_bboxes'].tensor.tolist() == [[3, 2, 4, 4], [5, 5, 8, 8], [1, 2, 3, 4]]
    assert after['gt_ignore_flags'].tolist() == [False, True, False]


def test_an_image_without_instances(monkeypatch):
    put_at(monkeypatch, (0, 6))
    with given([coloured(L, (1, 2, 3))]) as objects:
        after = paste(objects)(detection())
        unchanged = paste(objects, num=0)(detection())
        never = paste(objects, prob=0.0)(detection())
    assert after['gt_bboxes'].tensor.tolist() == [[6, 0, 8, 2]] and after['gt_masks'].masks.shape == (1, 8, 8)
    for results in (unchanged, never):
        assert len(results['gt_bboxes']) == 0 and (results['img'] == 100).all()


def test_label_maps_of_a_segmentor(monkeypatch):
    put_at(monkeypatch, (6, 0), (6, 1))
    seg = np.full((8, 8), 255, np.int64)
    seg[:7] = 3
    objects = [coloured(L, (10, 20, 30)), coloured(np.ones((2, 1)), (1, 2, 3))]
    with given(objects, [0, 1], ['mug', 'stick']) as config:
        step = paste(config, ('background', 'cup', 'pole', 'sky'), names=dict(mug='cup', stick=None), num=2)
        after = step(dict(img=np.zeros((8, 8, 3), np.uint8), gt_seg_map=seg))
    expected = seg.copy()
    expected[[6, 7, 7], [0, 0, 1]] = expected[[6, 7, 7], [1, 1, 2]] = 1
    assert (after['gt_seg_map'] == expected).all() and after['gt_seg_map'].dtype == np.int64 and seg[7, 0] == 255
    assert ((after['img'] != 0).any(2) == (expected == 1)).all()


def test_as_mmdets_copy_paste_where_both_are_the_same(monkeypatch):
    """mmdet.CopyPaste pastes all objects of a second image and removes completely hidden instances."""
    put_at(monkeypatch, (3, 2))
    object_ = coloured([[0, 1, 1], [1, 1, 1], [0, 1, 0]], (200, 150, 50))
    results = detection((1, 2, 6, 6), (3, 3, 4, 5), (6, 6, 8, 8))
    source = detection((2, 3, 5, 6))
    source['img'][3:6, 2:5] = object_.image[..., ::-1]
    source['gt_masks'].masks[0, 3:6, 2:5] = object_.mask
    source |= dict(gt_bboxes_labels=np.array([1]), gt_ignore_flags=np.array([False]))
    with given([object_]) as objects:
        ours = paste(objects, placement=dict(sides=(3, 3), flip=0.0))(dict(results))
    results['mix_results'] = [source]
    theirs = CopyPaste(selected=False, bbox_occluded_thr=-1, mask_occluded_thr=0)(results)
    assert len(ours['gt_bboxes']) == 3
    assert (ours['img'] == theirs['img']).all() and (ours['gt_masks'].masks == theirs['gt_masks'].masks).all()
    assert torch.equal(ours['gt_bboxes'].tensor, theirs['gt_bboxes'].tensor)
    for key in ('gt_bboxes_labels', 'gt_ignore_flags'):
        assert ours[key].tolist() == theirs[key].tolist()


@pytest.mark.parametrize('registry', [mmdet.registry, mmseg.registry], ids=['mmdet', 'mmseg'])
def test_both_packages_find_it(registry):
    with given([coloured(L, (1, 2, 3))]) as objects:
        step = registry.TRANSFORMS.build(dict(type='mmbdg.PasteObjects', objects=objects, classes='mmdet.CocoDataset'))
    assert len(step.classes) == 80 and step.classes[41] == 'cup'


def joint(count=3, **keys):
    """Scenes with pasted garments, addressed."""
    step = dict(type='mmbdg.PasteObjects', objects=dict(type='mmbdg.FashionObjects', per_class=5), classes='mmbdg.FashionScenes', **keys)
    load = dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True)
    scenes = dict(type='mmbdg.FashionScenes', count=count, size=(64, 64), pipeline=[load, step])
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DATASETS.build(dict(type='mmbdg.JointDataset', parts=dict(real=scenes)))


def test_what_is_pasted_depends_on_seed_epoch_and_index_only():
    """The same for any number of workers and after a resume; other objects in another epoch, at another index and with another seed."""
    dataset = joint(placement=dict(sides=(16, 32)))

    def images(number, workers=0, skip=0, seed=5):
        sampler = AddressedSampler(dataset, seed)
        sampler.skip(skip)
        loader = DataLoader(dataset, 2, sampler=sampler, num_workers=workers, collate_fn=list)
        order = AddressedSampler(dataset, seed)
        found = [image for _, batch in zip(range(number // 2), loader, strict=False) for item in batch for image in [item['img']]]
        return {tuple(order.address(skip + n))[1:3]: image for n, image in enumerate(found)}

    first = images(8)
    assert first.keys() >= {(epoch, index) for epoch in (0, 1) for index in range(3)}
    for same in (images(8, workers=2), images(4, skip=4)):
        assert all((first[place] == image).all() for place, image in same.items())
    scenes = [dataset.parts['real'].get_data_info(i)['img'] for i in range(3)]
    changed = {place: (image != scenes[place[1]]).any(2) for place, image in first.items()}
    assert all(0.02 < area.mean() < 0.8 for area in changed.values())
    for i in range(3):
        assert (changed[0, i] != changed[1, i]).any() and (changed[0, i] != changed[0, (i + 1) % 3]).any()
    others = images(6, seed=6)
    assert all((others[place] != first[place]).any() for place in others)


WRONG = [
    (dict(classes=('plate',)), r'1 classes that the dataset does not have:\n  "cup"\n.* names=\{\'cup\': \'plate\'\}'),
    (dict(names=dict(cup='palte')), r'"cup" \(names: "palte"; did you mean "plate"\?\)'),
    (dict(names=dict(cop='plate')), r'the objects have no class "cop"; did you mean "cup"\?'),
    (dict(names=dict(cup=None)), 'no object is left'),
    (dict(classes='mmdet.CocoDatset'), 'is no dataset type with class names'),
    (dict(classes=('cup', 'cup')), 'must be different names'),
    (dict(num=(3, 1)), r'PasteObjects.num must be .* got \(3, 1\)'),
    (dict(prob=1.5), 'PasteObjects.prob must lie between 0 and 1, got 1.5'),
    (dict(placement=dict(blnd='none')), r'placement has no key "blnd"; did you mean "blend"\?'),
    (dict(placement=dict(blend='gauss')), r'placement.blend must be one of none, gaussian, poisson, got \'gauss\''),
    (dict(placement=dict(sides=(9, 4))), 'placement.sides must be two numbers, the smaller one first'),
    (dict(placement=dict(min_visible=2)), 'placement.min_visible must lie between 0 and 1, got 2'),
    (dict(placement=dict(places=0)), 'placement.places must be a whole number of at least 1, got 0'),
    (dict(balance='clas'), r'balance must be one of class, object, rare, got \'clas\'; did you mean "class"\?'),
    (dict(placement=dict(sigma=2.0)), r'placement.sigma belongs to blend="gaussian", and placement.blend is "none"'),
    (dict(threshold=0.1), r'threshold belongs to balance="rare", and balance is "class"'),
    (dict(balance='rare'), 'frequencies belong to balance="rare"'),
    (dict(balance='rare', frequencies=dict(plate=0.5)), 'frequencies lacks classes of the objects: cup'),
    (dict(balance='rare', frequencies=dict(cup=0.0)), 'must lie above 0'),
    (dict(balance='rare', frequencies='nowhere.json'), 'there is no annotation file nowhere.json'),
]


@pytest.mark.parametrize(('keys', 'message'), WRONG, ids=range(len(WRONG)))
def test_wrong_keys(keys, message):
    with given([coloured(L, (1, 2, 3))]) as objects, pytest.raises(InputError, match=message):
        paste(objects, **keys)


def test_wrong_objects_and_results():
    with pytest.raises(InputError, match=r'objects must be mmbdg.StoredObjects, .* or mmbdg.CutoutFolder, got FashionScenes'):
        paste(dict(type='mmbdg.FashionScenes', count=1))
    with pytest.raises(InputError, match='needs data_root'):
        paste(dict(type='mmbdg.StoredObjects'))
    with pytest.raises(InputError, match='per_class must lie between 1 and 1000'):
        paste(dict(type='mmbdg.FashionObjects', per_class=0))
    with given([coloured(np.zeros((2, 2)), (1, 2, 3))]) as objects:
        empty = paste(objects)
        with pytest.raises(InputError, match='10 objects of the class "cup" in a row have masks of fewer than 1 pixels'):
            empty(detection())
        for results in (dict(img=np.zeros((8, 8, 3), np.float32), gt_seg_map=0), dict(img=np.zeros((8, 8, 3), np.uint8))):
            with pytest.raises(InputError, match='takes an image uint8'):
                empty(results)


def test_a_training_is_checked_before_it_begins():
    dataset = joint()
    sampler = AddressedSampler(dataset, 0)
    assert not list(paste_problems(DataLoader(dataset, sampler=sampler)))
    (problem,) = paste_problems(DataLoader(dataset.parts['real']))
    assert 'needs samples with addresses' in problem and "type='mmbdg.JointDataset'" in problem
    step = dataset.parts['real'].pipeline.transforms[1]
    step.classes = CLASSES[::-1]
    (problem,) = paste_problems(DataLoader(dataset, sampler=sampler))
    assert 'PasteObjects has 10 classes (ankle boot, bag, sneaker, shirt, sandal, ...), but FashionScenes has 10 (t-shirt' in problem
