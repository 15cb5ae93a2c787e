import json

import numpy as np
import pytest
from drawn_shapes import disc, rectangle
from image_sets import CLASSES, as_png, drawn, write_coco, write_stored
from mmengine.registry import DefaultScope

from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, summary
from mmbdg.errors import InputError
from mmbdg.files import write_png

mask_coder = pytest.importorskip('pycocotools.mask', reason='pip install "mmbdg[analysis]"')


def run_lengths(mask):
    counts = mask_coder.encode(np.asfortranarray(mask))
    return dict(size=counts['size'], counts=counts['counts'].decode())


def plain_dataset(root, **more):
    return dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        img_suffix='.png',
        metainfo=dict(classes=('background', 'foreground')),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='Resize', scale=(8, 8)),
            dict(type='PackSegInputs'),
        ],
        **more,
    )


def test_equal_numbers_from_every_source(tmp_path):
    samples = drawn(height=64)
    stored = open_labelled_images(write_stored(tmp_path / 'stored', samples))
    coco = open_labelled_images(write_coco(tmp_path / 'instances.json', samples, run_lengths))
    config = tmp_path / 'config.py'
    config.write_text(f'train_dataloader = dict(dataset={plain_dataset(tmp_path / "stored")!r})')
    mmseg = open_labelled_images(f'{config}:train_dataloader.dataset')
    order = np.argsort([CLASSES[class_id] for _, _, class_id in samples], kind='stable')  # mmseg lists files by name
    expected = mask_statistics(stored, progress=False)
    for other, chosen in ((coco, np.arange(18)), (mmseg, order)):
        found = mask_statistics(other, progress=False)
        np.testing.assert_array_equal(found.outlines, expected.outlines[chosen])
        for name in ('IN', 'MI', 'BI', 'MB', 'PL', 'SC'):
            np.testing.assert_array_equal(found.columns[name], expected.columns[name][chosen])
        for i in range(18):
            np.testing.assert_array_equal(other.image(i), samples[chosen[i]][0])
            assert np.array_equal(other.mask(i) > 0, samples[chosen[i]][1] > 0)
    rows = [summary(mask_statistics(images, progress=False), progress=False) for images in (stored, coco)]
    assert {name.lower(): row['SD'] for name, row in rows[0]['classes'].items()} == {
        name: row['SD'] for name, row in rows[1]['classes'].items()
    }


def test_a_synthetic_dataset(tmp_path):
    samples = drawn(height=64)
    images = open_labelled_images(write_stored(tmp_path / 'out', samples))
    assert (images.name, images.labels, images.classes) == ('out', ('background', 'foreground'), ('Round', 'Angular', 'Rough'))
    assert (images.title(7), images.class_of(7), images.uncertainty_of(7)) == ('angular/00000007', 1, 0.07)
    assert images.facts['counts'] == dict(Round=6, Angular=6, Rough=6) and images.facts['licence'] == 'CC0'
    assert images.facts['filters']['Rough'] == dict(candidates=60, after_rejection=7, after_uncertainty=6)
    assert np.array_equal(images.image(7), samples[7][0]) and np.array_equal(images.mask(7), samples[7][1])
    (tmp_path / 'out' / 'masks' / 'angular' / '00000007.png').write_bytes(b'no')
    with pytest.raises(InputError, match='00000007.png'):
        images.mask(7)
    with pytest.raises(InputError, match='00000007.png'):
        mask_statistics(images, processes=2, progress=False)


def test_masks_of_16_bits(tmp_path):
    labels = ['background', *(f'label {i}' for i in range(1, 301))]
    samples = [(image, np.where(mask > 0, 255 + i, 0).astype(np.uint16), c) for i, (image, mask, c) in enumerate(drawn(2, height=64))]
    samples[0][1][0] = 65535
    images = open_labelled_images(write_stored(tmp_path / 'wide', samples, labels))
    assert images.ignore == 65535 and images.mask(1).dtype == np.uint16 and images.mask(1).max() == 256
    config = plain_dataset(tmp_path / 'wide', ignore_index=65535) | dict(metainfo=dict(classes=labels))
    by_mmseg = open_labelled_images(config)  # mmseg's own loader would convert to uint8
    assert by_mmseg.ignore == 65535
    for found in (images, by_mmseg):
        columns = mask_statistics(found, progress=False).columns
        assert sorted(columns['MI'].tolist()) == sorted(np.float32(((m > 0) & (m < 65535)).mean()) for _, m, _ in samples)


def test_real_images_of_the_embedded_default():
    images = open_labelled_images('configs/_base_/datasets/fashion32_seg_test.py:test_dataloader.dataset')
    assert (len(images), images.classes[8], images.labels[9], images.facts['counts']['bag']) == (1000, 'bag', 'bag', 100)
    bag = next(i for i in range(1000) if images.class_of(i) == 8)
    assert images.image(bag).shape == (32, 32, 3) and set(np.unique(images.mask(bag))) == {0, 9}  # not resized to 64


def test_annotated_latents_of_the_embedded_default(tmp_path):
    images = open_labelled_images('configs/interpreter/biggan32_fashion.py:train_dataloader.dataset')
    assert (len(images), images.labels, images.class_of(5), images.title(5)) == (50, ('background', 'foreground'), 1, 'trouser_1_0')
    from mmbdg.annotation.foreground import fashion_foreground

    for i in (0, 17, 49):  # these masks were drawn by the rule
        assert np.array_equal(fashion_foreground(images.image(i)), images.mask(i) == 1)
    with pytest.raises(InputError, match='no dataset at "data"; name one: .*:train_dataloader.dataset, .*:val_dataloader.dataset'):
        open_labelled_images('configs/interpreter/biggan32_fashion.py:data')


def test_annotated_latents_with_images(tmp_path):
    for kind, array in (('annotations', np.eye(16, dtype=np.uint8) * 255), ('images', np.full((16, 16, 3), 7, np.uint8))):
        write_png(tmp_path / kind / 'own' / 'disc' / 'disc_0_3.png', array)
    (tmp_path / 'latents' / 'own' / 'disc').mkdir(parents=True)
    np.save(tmp_path / 'latents' / 'own' / 'disc' / 'disc_0_3.npy', np.zeros((1, 4), np.float32))
    config = dict(type='mmbdg.AnnotatedLatents', data_root=str(tmp_path), name='own', latent_dim=4, resolution=16, class_names=('disc',))
    images = open_labelled_images(config)
    assert (images.image(0) == 7).all() and np.array_equal(images.mask(0), np.eye(16)) and images.class_of(0) == 0
    (tmp_path / 'images' / 'own' / 'disc' / 'disc_0_3.png').unlink()
    with pytest.raises(InputError, match='neither images/ nor a generator'):
        open_labelled_images(config).image(0)


def test_without_a_background_every_label_counts(tmp_path):
    """Without a background class every label is foreground. In Cityscapes label 0 is the road."""
    root = write_stored(tmp_path / 'streets', drawn(1))
    mask = as_png(root / 'masks' / 'round' / '00000000.png').copy()
    mask[0] = 255
    write_png(root / 'masks' / 'round' / '00000000.png', mask)
    images = open_labelled_images(plain_dataset(root) | dict(metainfo=dict(classes=('road', 'sky'), palette=[[1, 1, 1], [2, 2, 2]])))
    assert images.labels == ('background', 'road', 'sky') and images.palette == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert 'every label counts' in images.facts['background']
    i = next(i for i in range(3) if images.title(i) == '00000000')
    assert set(np.unique(images.mask(i))) == {1, 2, images.ignore} and (images.mask(i)[0] == images.ignore).all()
    assert mask_statistics(images, progress=False).columns['MI'][i] == np.float32(47 / 48)


def test_datasets_of_datasets_are_named(tmp_path):
    config = tmp_path / 'config.py'
    both = dict(type='ConcatDataset', datasets=[plain_dataset(write_stored(tmp_path / 'a', drawn(1)))] * 2)
    config.write_text(f'x = dict(dataset={both!r})')
    with pytest.raises(InputError, match=r'x.dataset.datasets.0, .*x.dataset.datasets.1'):
        open_labelled_images(f'{config}:x.dataset')
    assert len(open_labelled_images(f'{config}:x.dataset.datasets.1')) == 3


def test_bad_datasets(tmp_path):
    root = write_stored(tmp_path / 'a', drawn(1))
    with pytest.raises(InputError, match='cannot be built'):
        open_labelled_images(dict(type='NoSuchDataset'))
    with pytest.raises(InputError, match='found no images.*img_suffix'):
        open_labelled_images(plain_dataset(root) | dict(img_suffix='.jpg'))
    with pytest.raises(InputError, match='is no dataset of labelled images'):
        open_labelled_images(plain_dataset(root) | dict(metainfo={}))
    with pytest.raises(InputError, match='has images without masks'):
        open_labelled_images(dict(type='mmpretrain.CustomDataset', data_root=str(root / 'images'), pipeline=[]))
    (root / 'masks' / 'round' / '00000000.png').write_bytes(b'no')
    images = open_labelled_images(plain_dataset(root))
    with pytest.raises(InputError, match='00000000 of'):
        [images.mask(i) for i in range(3)]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert len(open_labelled_images(plain_dataset(root))) == 3


def test_coco_polygons_crowds_and_overlaps(tmp_path):
    image, _, _ = drawn(1)[0]
    path = write_coco(tmp_path / 'x.json', [(image, rectangle(2, 2, 10, 10, (48, 64)).astype(np.uint8), 0)] * 4, run_lengths)
    content = json.loads(path.read_text())
    small, large, crowd = content['annotations'][:3]
    for annotation in (small, large, crowd):
        annotation['image_id'] = 10
    small |= dict(segmentation=[[20, 10, 30, 10, 30, 20, 20, 20]], category_id=90)  # first in the list, so drawn on top
    large |= dict(segmentation=[[10, 5, 40, 5, 40, 40, 10, 40]], category_id=2)
    counts = [0, 48 * 12, 48 * 52]  # column by column: x below 12; smaller than the instance drawn over it
    crowd |= dict(segmentation=dict(size=[48, 64], counts=counts), category_id=7, iscrowd=1)
    path.write_text(json.dumps(content))
    images = open_labelled_images(path)
    assert images.labels == ('background', 'angular', 'round', 'rough')  # ordered by their ids 2, 7, 90
    mask = images.mask(0)
    assert (mask[10:20, 20:30] == 3).all() and (mask == 3).sum() == 100
    assert (mask == 1).sum() == 30 * 35 - 100 and (mask[5:40, 10:40] > 0).all()
    assert (mask == images.ignore).sum() == 48 * 12 - 2 * 35
    assert [images.class_of(i) for i in range(4)] == [None, None, None, 1]  # two categories, none, none, one
    assert not images.mask(1).any()
    found = mask_statistics(images, progress=False)
    assert found.columns['MI'].tolist() == np.float32([1050 / 3072, 0, 0, 100 / 3072]).tolist()
    assert images.facts['counts'] == dict(angular=0, round=1, rough=0)


def test_coco_many_categories(tmp_path):
    path = write_coco(tmp_path / 'x.json', drawn(1), run_lengths)
    content = json.loads(path.read_text())
    content['categories'] += [dict(id=1000 + i, name=f'c{i}') for i in range(300)]
    content['annotations'][0]['category_id'] = 1299
    path.write_text(json.dumps(content))
    images = open_labelled_images(path)
    assert images.ignore == 65535 and images.mask(0).max() == 303 and images.class_of(0) == 302


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('categories'), 'x.json is not as it should be: categories: Field required'),
        (lambda c: c['images'][1].pop('height'), 'x.json: images, entry 2, is not as it should be: height: Field required'),
        (lambda c: c['annotations'][0].update(image_id=99), 'annotation 0 belongs to an image or a category that is not listed'),
        (lambda c: c['annotations'][0].update(segmentation=dict(size=[4, 4], counts='04')), r'annotation 0 has run lengths for \[4, 4\]'),
        (
            lambda c: c['annotations'][0]['segmentation'].update(counts=[132, 8]),
            'annotation 0 has no mask: the run lengths add up to 140 pixels',
        ),
        (lambda c: c['annotations'][0]['segmentation'].update(counts='zzzz'), 'annotation 0 has no mask: (compressed |the )?run lengths'),
        (lambda c: c['annotations'][0]['segmentation'].update(counts='o' * 10**6), 'a number that is larger than any picture'),
        (lambda c: c['annotations'][0]['segmentation'].update(counts=[-1, 3073]), 'whole numbers from 0 on'),
        (
            lambda c: c['annotations'][0].update(segmentation=[[0, 0, 1e9, 0, 1e9, 1e9]]),
            r'annotation 0 has the polygon .* within 1,000,000',
        ),
        (lambda c: c['annotations'][0].update(segmentation=[[0, 0, 1e5, 0] * 1000]), 'longer than any in an image of 64x48 px'),
        (lambda c: c['annotations'][0].update(segmentation=[[0, 0, float('nan'), 0, 1, 1]]), 'its numbers must lie'),
        (lambda c: c['annotations'][0].update(segmentation=[[0, 0, 10**400, 0, 1, 1]]), 'its numbers must lie'),
        (lambda c: c['annotations'][0].update(segmentation=[[0, 0, True, 0, 1, 1]]), 'x, y of three corners'),
        (lambda c: c['images'][0].update(height=60000, width=60000), 'at most 134,217,728 pixels are read'),
        (lambda c: c['annotations'][0].update(segmentation=[[1, 2]]), 'annotation 0 has the polygon .* three corners at least'),
        (lambda c: c['annotations'][0].update(segmentation='x'), 'annotations, entry 1, is not as it should be: segmentation'),
        (lambda c: c.update(images=[], annotations=[]), 'lists no images'),
    ],
)
def test_bad_coco(tmp_path, change, message):
    path = write_coco(tmp_path / 'x.json', drawn(1), run_lengths)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        open_labelled_images(path).mask(0)


def test_coco_images_elsewhere(tmp_path):
    (tmp_path / 'a').mkdir()
    path = write_coco(tmp_path / 'a' / 'x.json', drawn(1), run_lengths)
    moved = path.rename(tmp_path / 'x.json')
    with pytest.raises(InputError, match='name the folder of the images'):
        open_labelled_images(moved).image(0)
    assert open_labelled_images(f'{moved}:{tmp_path / "a"}').image(0).shape == (48, 64, 3)
    write_png(tmp_path / 'a' / 'pictures' / '0.png', disc(1, 1, 1).astype(np.uint8))
    with pytest.raises(InputError, match='64x64 px, .* gives 64x48'):
        open_labelled_images(f'{moved}:{tmp_path / "a"}').image(0)


@pytest.mark.parametrize('source', ['nothing/there', 'nothing.json', 'nothing.py:a', 'https://x.org/y'])
def test_nothing_there(source):
    with pytest.raises(InputError, match=source.split(':')[0]):
        open_labelled_images(source)


def test_broken_json(tmp_path):
    (tmp_path / 'x.json').write_text('{"images": [')
    with pytest.raises(InputError, match='x.json is cut off'):
        open_labelled_images(tmp_path / 'x.json')
    with pytest.raises(InputError, match='no dataset.json'):
        open_labelled_images(tmp_path)
