"""Composed scenes, the draws of classes, and the blending of borders."""

import json

import numpy as np
import pytest
from one_object import coloured, given, put_at
from PIL import Image
from scipy import ndimage

from mmbdg.analysis.images.dataset_images import DatasetImages
from mmbdg.datasets.blending import blend_in
from mmbdg.datasets.class_draws import ClassDraws, image_frequencies
from mmbdg.datasets.composed_scenes import SceneComposer
from mmbdg.datasets.fashion_scenes import PLACEMENT, compose_scene
from mmbdg.datasets.placement import resized
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS

SQUARE = np.ones((3, 3), bool)


def composed(objects, **keys):
    return DATASETS.build(dict(type='mmbdg.ComposedScenes', objects=objects, **dict(dict(count=3, size=(48, 32)), **keys)))


def test_a_config_of_it_composes_the_fashion_scenes():
    dataset = composed(dict(type='mmbdg.FashionObjects', split='test'), size=(96, 64), num=(2, 4), placement=PLACEMENT, stream='test')
    assert dataset.metainfo['classes'] == DATASETS.get('mmbdg.FashionScenes').METAINFO['classes']
    for i in range(3):
        scene, item = compose_scene(i, (96, 64), split='test'), dataset[i]
        np.testing.assert_array_equal(item['img'], scene.image[..., ::-1])
        assert [one['bbox_label'] for one in item['instances']] == scene.labels.tolist()
        assert [one['bbox'] for one in item['instances']] == scene.boxes().tolist()


def test_analysis_reads_them_in_rgb():
    objects = dict(type='mmbdg.FashionObjects', split='test')
    config = dict(objects=objects, size=(64, 64), num=(2, 4), placement=PLACEMENT, stream='test', semantic=True, count=2)
    images = DatasetImages.build(dict(type='mmbdg.ComposedScenes', **config), 'scenes')
    assert np.array_equal(images.image(1), compose_scene(1, (64, 64), split='test').image)


def test_objects_hide_what_lies_below(monkeypatch):
    """The second object covers two of three columns of the first one, the third all of the second."""
    put_at(monkeypatch, (4, 4), (4, 5), (4, 5))
    with given([coloured(SQUARE, (9, 8, 7))]) as objects:
        placement = dict(sides=(3, 3), flip=0.0)
        scene = SceneComposer(objects, num=3, size=(32, 32), placement=placement).compose(0)
        bare = SceneComposer(objects, num=3, size=(32, 32), placement=placement | dict(min_visible=0.4)).compose(0)
    assert scene.boxes().tolist() == [[4, 4, 5, 7], [5, 4, 8, 7]] and scene.labels.tolist() == [0, 0]
    assert scene.masks.sum((1, 2)).tolist() == [3, 9] and (scene.image[scene.masks.any(0)] == (9, 8, 7)).all()
    assert bare.boxes().tolist() == [[5, 4, 8, 7]] and (bare.image == scene.image).all()


def test_label_maps_and_names():
    with given([coloured(SQUARE, (9, 8, 7)), coloured(SQUARE, (1, 2, 3))], [0, 1], ['mug', 'fork']) as objects:
        keys = dict(classes=('plate', 'cup'), names=dict(mug='cup', fork=None), num=2, seed=3)
        instances, semantic = composed(objects, **keys)[1], composed(objects, **keys, semantic=True)
    item = semantic[1]
    assert semantic.metainfo['classes'] == ('background', 'plate', 'cup') and len(semantic.metainfo['palette']) == 3
    assert {one['bbox_label'] for one in instances['instances']} == {1}
    assert (item['img'] == instances['img']).all() and item['gt_seg_map'].shape == (32, 48) and 'instances' not in item
    assert set(np.unique(item['gt_seg_map'])) == {0, 2}
    assert (item['img'][item['gt_seg_map'] == 2] == (7, 8, 9)).all()  # BGR


def test_backgrounds_of_a_folder(tmp_path):
    """A background is an upright crop of at least half the largest one, resized."""
    ramp = np.stack([np.tile(np.arange(240), (120, 1))] * 2 + [np.full((120, 240), 7)], axis=2).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / 'ramp.png')
    with given([coloured(SQUARE, (9, 8, 7))]) as objects:
        dataset = composed(objects, backgrounds=str(tmp_path), num=0, size=(64, 32), count=8)
        found = [dataset[i]['img'] for i in range(8)]
        with pytest.raises(InputError, match='has no images for the backgrounds'):
            (tmp_path / 'empty').mkdir()
            composed(objects, backgrounds=str(tmp_path / 'empty'))
    for image in found:
        assert image.shape == (32, 64, 3) and (image[..., 0] == 7).all()  # BGR
        steps = np.diff(image[16, :, 2].astype(int))
        assert 64 * 0.5 * 240 / 64 - 4 <= image[16, -1, 2].astype(int) - image[16, 0, 2] <= 240 and steps.min() >= 1
    assert len({image.tobytes() for image in found}) == 8


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(size=(31, 32)), 'at least 32x32 px, got 31x32'),
        (dict(count=0), 'ComposedScenes needs count >= 1'),
        (dict(num=-1), 'num must be'),
        (dict(backgrounds='nowhere'), 'there is no folder nowhere'),
        (dict(classes=('plate',)), '"cup"'),
    ],
)
def test_impossible_scenes(keys, message):
    with given([coloured(SQUARE, (9, 8, 7))]) as objects, pytest.raises(InputError, match=message):
        composed(objects, **keys)


LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 3, -1])
NAMES = ('a', 'b', 'c', 'd')


def test_probabilities_of_classes():
    """Six, three and one object; the class c has none. LVIS: max(1, sqrt(0.1 / f)) is 1, 2 and 10 for f = 0.5, 0.025 and 0.001."""
    frequencies = dict(a=0.5, b=0.025, d=0.001)
    for keys, expected in (
        (dict(), [1 / 3] * 3),
        (dict(balance='object'), [0.6, 0.3, 0.1]),
        (dict(balance='rare', frequencies=frequencies), [1 / 13, 2 / 13, 10 / 13]),
        (dict(balance='rare', frequencies=frequencies, threshold=0.001), [1 / 3] * 3),
    ):
        draws = ClassDraws(LABELS, NAMES, **keys)
        assert draws.probabilities == pytest.approx(expected)
        rng = np.random.default_rng(0)
        labels = draws.labels(rng, 20_000)
        assert np.bincount(labels, minlength=4)[[0, 1, 3]] / 20_000 == pytest.approx(expected, abs=0.015) and 2 not in labels
        assert {draws.object_of(rng, 1) for _ in range(50)} == {6, 7, 8} and {draws.object_of(rng, 3) for _ in range(5)} == {9}


def test_frequencies_of_an_annotation_file(tmp_path):
    """Images that contain a class are counted, not its instances."""
    path = tmp_path / 'train.json'
    categories = [dict(id=7, name='a'), dict(id=9, name='b'), dict(id=11, name='c')]
    pairs = [(1, 7), (1, 7), (1, 9), (2, 7), (4, 7)]
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg') for i in (1, 2, 3, 4)],
        categories=categories,
        annotations=[dict(image_id=image, category_id=category) for image, category in pairs],
    )
    path.write_text(json.dumps(content))
    assert image_frequencies(str(path)) == dict(a=0.75, b=0.25)
    draws = ClassDraws(np.array([0, 1]), ('a', 'b'), 'rare', str(path), threshold=1.0)
    assert draws.probabilities == pytest.approx([(4 / 3) ** 0.5 / ((4 / 3) ** 0.5 + 2), 2 / ((4 / 3) ** 0.5 + 2)])
    with pytest.raises(InputError, match='lacks classes of the objects: c'):
        ClassDraws(np.array([2]), NAMES, 'rare', str(path))


@pytest.mark.parametrize(('top', 'left'), [(2, 3), (0, 0), (5, 5)])
def test_gaussian_border(top, left):
    """alpha is the mask, convolved with the Gaussian of sigma 1, cut at 3; the object has one colour, and so also outside its mask."""
    image = np.full((8, 8, 3), 40, np.uint8)
    mask = SQUARE.copy()
    mask[0, 0] = False
    blend_in(image, coloured(mask, (200, 100, 0)).image, mask, top, left, 'gaussian', 1.0)
    area = np.zeros((20, 20))
    area[6 + top : 9 + top, 6 + left : 9 + left] = mask
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / 2)
    kernel /= kernel.sum()
    alpha = sum(kernel[a] * kernel[b] * np.roll(area, (a - 3, b - 3), (0, 1)) for a in range(7) for b in range(7))[6:14, 6:14, None]
    assert np.abs(image - (alpha * (200, 100, 0) + (1 - alpha) * 40)).max() <= 0.51


def test_poisson_border():
    """The Poisson equation holds inside the mask: the Laplacian of the result is that of the object, within the rounding to grey levels.

    The background keeps its values, also if the object lies at the edge of the image. A flat object takes on the background.
    """
    y, x = np.indices((24, 24))
    ground = np.repeat((40 + 3 * y + 2 * x)[:, :, None], 3, axis=2).astype(np.uint8)
    inner_y, inner_x = np.indices((12, 10)) - np.array([6, 5])[:, None, None]
    pixels = np.repeat((30 + 60 * np.exp(-(inner_y**2 + inner_x**2) / 12))[:, :, None], 3, axis=2).astype(np.uint8)
    mask = np.hypot(inner_y, inner_x) < 5
    image = ground.copy()
    blend_in(image, pixels, mask, 8, 6, 'poisson')
    inside = np.zeros((24, 24), bool)
    inside[8:20, 6:16] = mask
    assert (image[~inside] == ground[~inside]).all() and (image[inside] != ground[inside]).mean() > 0.8
    laplacian = [ndimage.laplace(array[..., 0].astype(float)) for array in (image, pixels)]
    deep = ndimage.binary_erosion(mask)
    assert np.abs((laplacian[0][8:20, 6:16] - laplacian[1])[deep]).mean() < 1 < np.abs(laplacian[1][deep]).mean()
    assert int(image[14, 11, 0]) - ground[14, 11, 0] == pytest.approx(60, abs=15)  # the bump stands on the ramp
    for object_, top, left in ((np.ones((24, 24), bool), 0, 0), (np.ones((1, 2), bool), 23, 22), (SQUARE, 0, 10)):
        flat = np.full((24, 24, 3), 90, np.uint8)
        blend_in(flat, np.full((*object_.shape, 3), 250, np.uint8), object_, top, left, 'poisson')
        assert np.abs(flat.astype(int) - 90).max() <= 1


def test_a_plain_border_and_sizes():
    image = np.zeros((8, 8, 3), np.uint8)
    blend_in(image, coloured(SQUARE, (1, 2, 3)).image, np.eye(3, dtype=bool), 5, 0)
    assert (image[[5, 6, 7], [0, 1, 2]] == (1, 2, 3)).all() and image.any(2).sum() == 3
    pixels, mask = resized(coloured(np.ones((8, 4)), (5, 6, 7)), 6)
    assert pixels.shape == (6, 3, 3) and mask.shape == (6, 3) and mask.all() and (pixels == (5, 6, 7)).all()


def test_sizes_flips_and_tints():
    """An object of 8x4 px in its image of 16x16 px: cropped to its mask, a quarter of the short side high, flipped, with random colours."""
    mask = np.zeros((16, 16), bool)
    mask[4:12, 6:10] = True
    mask[4:8, 6:8] = False
    keys = dict(size=(128, 64), num=1, seed=1)
    with given([coloured(mask, (200, 200, 200))]) as objects:
        for flip in (0.0, 1.0):
            placement = dict(shares=(0.25, 0.25), flip=flip, tint=(0.2, 0.9))
            scenes = [SceneComposer(objects, **keys, placement=placement).compose(i) for i in range(6)]
            for scene in scenes:
                ((x1, y1, x2, y2),) = scene.boxes()
                assert (x2 - x1, y2 - y1) == (8, 16)
                assert scene.masks[0, y1 : y1 + 5, (x1 if flip == 0 else x2 - 3) : (x1 + 3 if flip == 0 else x2)].sum() == 0
                colour = scene.image[y2 - 2, x1 + 4]
                assert ((colour >= 40) & (colour <= 180)).all()
            assert len({tuple(scene.image[scene.masks[0]][-1]) for scene in scenes}) == 6
        whole = SceneComposer(objects, **keys, placement=dict(sides=(500, 600), crop=False, max_share=0.5)).compose(0)
    x1, y1, x2, y2 = whole.boxes()[0]
    assert (x2 - x1, y2 - y1) == (8, 16)  # an image of 32 px
