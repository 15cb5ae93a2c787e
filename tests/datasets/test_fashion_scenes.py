from hashlib import blake2b

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmdet.evaluation import CocoMetric
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmbdg.addressed import generator_at
from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets.backgrounds import Textures
from mmbdg.datasets.composed_scenes import SceneComposer
from mmbdg.datasets.fashion_files import CLASSES, load_fashion
from mmbdg.datasets.fashion_scenes import compose_scene, scenes_of
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


def test_a_scene_is_a_function_of_its_address():
    forwards, backwards = [compose_scene(i) for i in range(4)], [compose_scene(i) for i in reversed(range(4))][::-1]
    for first, second in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.masks, second.masks)
        np.testing.assert_array_equal(first.labels, second.labels)
    others = [compose_scene(1), compose_scene(0, split='test'), compose_scene(0, seed=1)]
    assert all(other.image.shape == (128, 128, 3) and (other.image != forwards[0].image).mean() > 0.9 for other in others)


GOLDEN = [
    (dict(), '6e24341c2b49de6a'),
    (dict(size=(128, 96), garments=8), '08c69aa809ef8cf9'),
    (dict(size=(40, 33), garments=(0, 3)), '8ffb321553bd0bba'),
]


@pytest.mark.parametrize(('changes', 'expected'), GOLDEN)
def test_scenes_are_those_of_earlier_versions(changes, expected):
    """The bytes of 30 scenes are those that were composed before there was ComposedScenes."""
    digest = blake2b(digest_size=8)
    for i in range(30):
        scene = compose_scene(i, **changes)
        for array in (scene.image, scene.masks.astype(np.uint8), scene.labels, scene.boxes()):
            digest.update(np.ascontiguousarray(array).tobytes())
    assert digest.hexdigest() == expected


def test_garments_are_apart_and_seen():
    scenes = [compose_scene(i, size=(128, 96)) for i in range(100)]
    assert {len(scene.masks) for scene in scenes} == {2, 3, 4}
    assert set(np.concatenate([scene.labels for scene in scenes])) == set(range(10))
    for i, scene in enumerate(scenes):
        assert scene.image.shape == (96, 128, 3) and scene.masks.sum(0).max() == 1
        assert scene.masks.any((1, 2)).all()
        for mask, (x1, y1, x2, y2) in zip(scene.masks, scene.boxes(), strict=True):
            rows, columns = np.nonzero(mask)
            assert (x1, y1, x2, y2) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        ground = Textures().draw(generator_at('scene', 0, 'train', i), 96, 128)
        np.testing.assert_array_equal(scene.image[~scene.masks.any(0)], ground[~scene.masks.any(0)])


def composer(size, garments, split='train', **placement):
    scenes = scenes_of(size, garments, split, 'embedded', 0)
    return SceneComposer(**scenes | dict(placement=scenes['placement'] | placement))


def test_a_place_is_looked_for():
    """compose_scene() tries several places, so that all of many garments are visible in a small image.

    With a single place some garments are fully covered; these are left out of the scene.
    """

    def seen(places):
        crowded = composer((64, 64), 8, places=places)
        scenes = [crowded.compose(i) for i in range(20)]
        assert all(scene.masks.any((1, 2)).all() and len(scene.masks) == len(scene.labels) == len(scene.boxes()) for scene in scenes)
        return sum(len(scene.masks) for scene in scenes)

    assert seen(20) == 20 * 8
    assert seen(1) < 20 * 8


def test_a_garment_is_a_photo_of_its_class_with_the_rules_mask():
    photos, classes = load_fashion('test')
    scene = composer((128, 128), 1, 'test', sides=(32, 32)).compose(3)  # the photo's own size
    area, (label,) = scene.masks[0], scene.labels
    matching = []
    for photo in photos[classes == label]:
        shape = fashion_foreground(photo)
        if shape.sum() == area.sum() and (tinted := scene.image[area] / np.maximum(photo[shape], 1)[:, None]).max() <= 1:
            matching.append(tinted[photo[shape] > 100])
    assert len(matching) == 1
    tint = matching[0].mean(0)
    assert ((tint > 0.49) & (tint < 1)).all() and np.abs(matching[0] - tint).max() < 0.011  # rounded down to integers


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(size=(31, 64)), 'got 31x64'),
        (dict(garments=(3, 2)), 'garments must be .* got \\(3, 2\\)'),
        (dict(garments=-1), 'garments must be a number of 0 or more'),
    ],
)
def test_impossible_scenes(changes, message):
    with pytest.raises(InputError, match=message):
        compose_scene(0, **changes)


@pytest.mark.parametrize(('changes', 'message'), [(dict(count=0), 'needs count >= 1'), (dict(size=(16, 16)), '16x16')])
def test_impossible_datasets_say_so_when_they_are_built(changes, message):
    with pytest.raises(InputError, match=message):
        DATASETS.build(dict(type='mmbdg.FashionScenes', **changes))


def test_no_garment():
    scene = compose_scene(0, garments=0)
    assert scene.masks.shape == (0, 128, 128) and scene.boxes().shape == (0, 4) and len(scene.labels) == 0


@pytest.fixture(scope='module')
def config():
    init_default_scope('mmdet')
    return Config.fromfile(ROOT / 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py')


def test_training_samples(config):
    config = config.train_dataloader.dataset.copy()
    config.pipeline = [config.pipeline[0], config.pipeline[2]]  # without the flip
    dataset = DATASETS.build(config)
    assert len(dataset) == 1000 and dataset.metainfo['classes'] == CLASSES
    for i in (0, 7):
        scene, item = compose_scene(i), dataset[i]
        np.testing.assert_array_equal(item['inputs'].numpy(), scene.image.transpose(2, 0, 1)[::-1])  # BGR
        truth = item['data_samples'].gt_instances
        np.testing.assert_array_equal(truth.masks.masks.astype(bool), scene.masks)
        np.testing.assert_array_equal(truth.bboxes.tensor.numpy(), scene.boxes())
        np.testing.assert_array_equal(truth.labels.numpy(), scene.labels)


def as_found(sample, wrong):
    """Predictions from the ground truth, with scores. The first ``wrong`` labels are those of another class."""
    truth = sample.gt_instances
    labels = torch.where(torch.arange(len(truth)) < wrong, (truth.labels + 1) % 10, truth.labels)
    masks = torch.from_numpy(truth.masks.masks.astype(bool))
    sample.pred_instances = InstanceData(bboxes=truth.bboxes.tensor, labels=labels, scores=torch.linspace(1, 0.5, len(truth)), masks=masks)
    return sample.to_dict()


@pytest.mark.parametrize('wrong', [0, 1])
def test_perfect_predictions_are_measured_without_a_file(config, wrong):
    """Perfect predictions get an mAP of 1 without an annotation file, because the ground truth comes with the samples.

    Scenes of the test split show photos of the test split.
    """
    dataset = DATASETS.build(config.val_dataloader.dataset | dict(count=20))
    np.testing.assert_array_equal(dataset[0]['inputs'].numpy(), compose_scene(0, split='test').image.transpose(2, 0, 1)[::-1])
    metric = CocoMetric(metric=['bbox', 'segm'])
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [as_found(item['data_samples'], wrong) for item in dataset])
    figures = metric.evaluate(len(dataset))
    for kind in ('bbox', 'segm'):
        assert figures[f'coco/{kind}_mAP'] == 1 if not wrong else 0 < figures[f'coco/{kind}_mAP'] < 0.9
