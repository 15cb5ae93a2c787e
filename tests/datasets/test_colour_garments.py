"""Garments in colour: what an image consists of, its address, its labels."""

import numpy as np
import pytest

from mmbdg.analysis.images.dataset_images import DatasetImages
from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets import ColourGarments, colour_scenes
from mmbdg.datasets.colour_scenes import ColourComposer, _moved
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.datasets.label_fraction import labelled_subset
from mmbdg.datasets.materials import as_pixels, blob, painted, palette, pattern, two_of
from mmbdg.errors import InputError
from mmbdg.sources import class_images
from mmbdg.sources.class_list import ClassList


def test_items():
    dataset, (_, labels) = ColourGarments('test'), load_fashion('test')
    assert len(dataset) == 1000
    item, scene = dataset[17], ColourComposer('test').compose(17)
    assert item['gt_label'] == labels[17] and item['img_id'] == 17
    assert item['img'].dtype == np.uint8 and np.array_equal(item['img'], scene.image[:, :, ::-1])  # BGR
    assert np.array_equal(item['gt_seg_map'], scene.mask * (labels[17] + 1)) and item['gt_seg_map'].dtype == np.int64
    assert item['seg_fields'] == ['gt_seg_map'] and item['ori_shape'] == item['img_shape'] == (32, 32)
    assert dataset.metainfo['classes'][:3] == ('background', 't-shirt', 'trouser') and len(dataset.metainfo['palette']) == 11
    assert ColourGarments('test', test_mode=True)[17]['seg_fields'] == []


def test_label_spaces_and_fractions():
    two = ColourGarments('train', label_space='fgbg', label_fraction=0.005, label_seed=1)
    labels = load_fashion('train')[1]
    assert [item['img_id'] for item in two.load_data_list()] == labelled_subset(labels, 0.005, 1).tolist()
    assert np.bincount([item['gt_label'] for item in two.load_data_list()]).tolist() == [5] * 10
    assert set(np.unique(two[3]['gt_seg_map'])) == {0, 1} and two.metainfo['classes'] == ('background', 'foreground')
    shoes = ColourGarments('test', label_space={'shoe': ['sandal', 'sneaker', 'ankle boot']})
    assert len(shoes) == 300 and {item['gt_label'] for item in shoes.load_data_list()} == {5, 7, 9}


def test_without_masks():
    item = ColourGarments('test', masks=False)[3]
    assert 'gt_seg_map' not in item and 'seg_fields' not in item
    assert np.array_equal(item['img'], ColourGarments('test')[3]['img'])


def test_an_image_depends_on_its_address_only():
    composer = ColourComposer('train')
    later = [composer.compose(i).image for i in (5, 2, 5)]
    assert np.array_equal(later[0], later[2]) and np.array_equal(later[0], ColourComposer('train').compose(5).image)
    others = [ColourComposer('train', seed=1).compose(5), ColourComposer('test').compose(5)]
    assert not any(np.array_equal(later[0], other.image) for other in others)


def test_the_mask_is_the_visible_garment(monkeypatch):
    """Without clutter and at full size, the mask is that of the photo, moved or mirrored."""
    for name, value in dict(CLUTTER=(0, 0), OCCLUDERS=(0, 0), GARMENT=(1.0, 1.0)).items():
        monkeypatch.setattr(colour_scenes, name, value)
    composer = ColourComposer('test')
    for index in range(5):
        mask, photo = composer.compose(index).mask, fashion_foreground(composer.photos[index])
        rows, columns = np.nonzero(mask)
        shape = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        rows, columns = np.nonzero(photo)
        whole = photo[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert np.array_equal(shape, whole) or np.array_equal(shape, whole[:, ::-1])


def test_an_occluder_is_not_garment(monkeypatch):
    monkeypatch.setattr(colour_scenes, 'OCCLUDERS', (0, 0))
    whole = [ColourComposer('test').compose(i) for i in range(20)]
    monkeypatch.setattr(colour_scenes, 'OCCLUDERS', (1, 1))
    hidden = [ColourComposer('test').compose(i) for i in range(20)]
    lost = [1 - after.mask.sum() / before.mask.sum() for before, after in zip(whole, hidden, strict=True)]
    assert all(not (after.mask & ~before.mask).any() for before, after in zip(whole, hidden, strict=True))
    assert min(lost) >= 0 and max(lost) <= colour_scenes.MOST_HIDDEN and np.mean(np.array(lost) > 0) > 0.5


def test_colours_of_garment_and_ground_overlap():
    scenes = [ColourComposer('test').compose(i) for i in range(0, 1000, 10)]
    inside = np.array([scene.image[scene.mask].mean() for scene in scenes])
    outside = np.array([scene.image[~scene.mask].mean() for scene in scenes])
    assert abs(inside.mean() - outside.mean()) < inside.std() / 4  # no brightness of its own
    assert np.corrcoef(inside, outside)[0, 1] > 0.5  # an image's parts share their colours


def test_size():
    scene = ColourComposer('test', size=64).compose(0)
    assert scene.image.shape == (64, 64, 3) and scene.mask.shape == (64, 64) and 0.05 < scene.mask.mean() < 0.8
    for wrong in (31, 257, 32.0, True):
        with pytest.raises(InputError, match='size from 32 to 256'):
            ColourGarments(size=wrong)


def test_read_as_labelled_images_in_rgb():
    images = DatasetImages.build(dict(type='mmbdg.ColourGarments', split='test'), 'colour')
    scene = ColourComposer('test').compose(4)
    assert np.array_equal(images.image(4), scene.image) and np.array_equal(images.mask(4) > 0, scene.mask)
    dataset = ColourGarments('test')
    real = class_images.DatasetImages(dict(type='mmbdg.ColourGarments', split='test', masks=False), ClassList('fashion32'))
    place = [item['img_id'] for item in dataset.load_data_list() if item['gt_label'] == dataset[4]['gt_label']].index(4)
    assert np.array_equal(real.image(dataset[4]['gt_label'], place), scene.image)


def test_materials_by_hand():
    rng = np.random.default_rng(0)
    colours = np.array([[0, 0, 0], [100, 50, 0.0]])
    assert painted(np.array([[0, 0.5, 1]]), colours).tolist() == [[[0, 0, 0], [50, 25, 0], [100, 50, 0]]]
    pair = two_of(rng, colours, 0.5)
    assert pair.tolist() in ([[0, 0, 0], [50, 25, 0]], [[100, 50, 0], [50, 25, 0]])
    assert as_pixels(np.array([-3, 0.4, 0.6, 300.0])).tolist() == [0, 0, 1, 255]
    drawn = palette(rng, 200)
    assert drawn.shape == (200, 3) and drawn.min() >= 12 and drawn.max() <= 243
    values = np.stack([pattern(rng, 32) for _ in range(20)])
    assert values.min() >= 0 and values.max() <= 1 and 0.4 < values.mean() < 0.6 and values.std() > 0.1
    circle = blob(rng, 32, (15.5, 15.5), (8, 8))
    assert 0.9 * np.pi * 64 < circle.sum() <= 256  # a circle or a turned square with round corners
    assert not blob(rng, 32, (-40, -40), (8, 8)).any()


@pytest.mark.parametrize(('top', 'left', 'expected'), [(0, 0, [[1, 2], [3, 4]]), (1, -1, [[0, 0], [2, 0]]), (2, 0, [[0, 0], [0, 0]])])
def test_moved(top, left, expected):
    assert _moved(np.array([[1, 2], [3, 4]]), top, left, 2).tolist() == expected
