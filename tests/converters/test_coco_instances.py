"""COCO instances from drawn masks, compared with pycocotools."""

import json

import numpy as np
import pytest
from conftest import ROOT, plan_of, run_tool

from mmbdg.converters.coco_instances import boxed_components, encode_component, write_coco
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_png
from mmbdg.storage.manifest import write_jsonl
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis import synthesize

mask_utils = pytest.importorskip('pycocotools.mask', reason='pip install "mmbdg[det]"')
TOOL = ROOT / 'tools' / 'dataset_converters' / 'synthetic_to_coco.py'
SIZE = 64


def disc(x: int, y: int, radius: float) -> np.ndarray:
    ys, xs = np.mgrid[:SIZE, :SIZE]
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


def drawn_dataset(root, masks, classes=('background', 'foreground'), label_space='fgbg') -> StoredDataset:
    """A dataset in our layout with the given masks, alternating between two classes."""
    lines = [dict(id=f'{i:08d}', slug='bc'[i % 2]) | {'class': 1 + i % 2} for i in range(len(masks))]
    for line, mask in zip(lines, masks, strict=True):
        write_png(root / f'images/{line["slug"]}/{line["id"]}.png', np.full((SIZE, SIZE, 3), 7, np.uint8))
        write_png(root / f'masks/{line["slug"]}/{line["id"]}.png', mask)
    write_jsonl(root / 'manifest.jsonl', lines)
    names = [dict(name=name, folder=name.lower()) for name in ('A', 'B', 'C')]
    info = dict(classes=list(classes), label_space=label_space, resolution=SIZE, generator_classes=names, licence='CC0')
    info['palette'] = [[0, 0, 0]] * len(classes)
    write_json(root / 'dataset.json', dict(**info, counts={'b': len(lines[::2]), 'c': len(lines[1::2])}))
    return StoredDataset(root)


def written(dataset, path, **options):
    counts = write_coco(dataset, path, **options)
    return counts, json.loads(path.read_text())


def decoded(annotation) -> np.ndarray:
    return mask_utils.decode(annotation['segmentation']).astype(bool)


@pytest.mark.parametrize('seed', range(6))
def test_components_are_those_of_pycocotools(seed):
    """Components of noise cover the mask, and each is encoded to the same text as by pycocotools."""
    rng = np.random.default_rng(seed)
    area = rng.random((13 + seed, 17)) < (0.1, 0.3, 0.6, 0.95, 1, 0.5)[seed]
    union = np.zeros_like(area)
    for part, box in boxed_components(area):
        whole = np.zeros_like(area)
        whole[box] = part
        assert not (union & whole).any()
        union |= whole
        assert encode_component(part, box, *area.shape) == mask_utils.encode(np.asfortranarray(whole, np.uint8))['counts'].decode()
    assert np.array_equal(union, area)


def test_neighbours_by_corner():
    area = np.zeros((8, 8), bool)
    area[1, 1] = area[2, 2] = area[3, 1] = area[6, 6] = True
    assert [part.sum() for part, _ in boxed_components(area)] == [3, 1]


def test_two_discs_are_two_instances(tmp_path):
    discs = [disc(16, 20, 9), disc(45, 40, 12)]
    counts, coco = written(drawn_dataset(tmp_path / 'd', [(discs[0] | discs[1]).astype(np.uint8)]), tmp_path / 'coco.json')
    assert len(coco['annotations']) == counts.instances == 2
    for annotation, expected in zip(coco['annotations'], discs, strict=True):
        assert np.array_equal(decoded(annotation), expected)
        assert annotation['area'] == expected.sum() == mask_utils.area(annotation['segmentation'])
        assert annotation['bbox'] == mask_utils.toBbox(annotation['segmentation']).tolist()
        assert (annotation['category_id'], annotation['image_id'], annotation['iscrowd']) == (2, 1, 0)
    assert coco['categories'] == [dict(id=i, name=name, supercategory='') for i, name in ((1, 'A'), (2, 'B'), (3, 'C'))]
    assert coco['images'] == [dict(id=1, file_name='images/b/00000000.png', height=SIZE, width=SIZE, license=1)]
    assert coco['licenses'][0]['name'] == 'CC0'


def test_small_components_ignored_pixels_and_empty_images(tmp_path):
    big, square = disc(20, 20, 10), np.zeros((SIZE, SIZE), bool)
    square[50:55, 50:56] = True  # 30 pixels
    first = (big | square | disc(50, 10, 2)).astype(np.uint8)
    first[square] = 1
    first[20, :] = 255  # splits the big disc
    masks = [first, np.zeros((SIZE, SIZE), np.uint8), square.astype(np.uint8)]
    counts, coco = written(drawn_dataset(tmp_path / 'd', masks), tmp_path / 'coco.json')
    assert (counts.images, counts.empty_images, counts.instances, counts.small, counts.ignored_pixels) == (3, 1, 4, 1, SIZE)
    assert counts.by_category == dict(B=4)
    assert [len([a for a in coco['annotations'] if a['image_id'] == i]) for i in (1, 2, 3)] == [3, 0, 1]
    together = np.any([decoded(a) for a in coco['annotations'] if a['image_id'] == 1], axis=0)
    assert np.array_equal(together, (first == 1) & ~disc(50, 10, 2))
    counts, coco = written(StoredDataset(tmp_path / 'd'), tmp_path / 'fewer.json', min_pixels=31)
    assert (counts.instances, counts.small) == (2, 3) and len(coco['images']) == 3
    with pytest.raises(InputError, match='at least 1 pixel'):
        write_coco(StoredDataset(tmp_path / 'd'), tmp_path / 'x.json', min_pixels=0)


def test_labels_of_the_masks_are_categories(tmp_path):
    """Each label of a mask becomes a category.

    Touching labels are separate instances. uint16 masks and their ignore value are read.
    """
    mask = np.zeros((SIZE, SIZE), np.uint16)
    mask[10:30, 10:30], mask[10:30, 30:50], mask[40:50, 40:50], mask[0] = 3, 1, 300, 65535
    labels = ['background', *(f'label {i}' for i in range(1, 301))]
    counts, coco = written(drawn_dataset(tmp_path / 'd', [mask], labels, 'own'), tmp_path / 'coco.json')
    assert [(a['category_id'], a['area'], a['bbox']) for a in coco['annotations']] == [
        (1, 400, [30, 10, 20, 20]),
        (3, 400, [10, 10, 20, 20]),
        (300, 100, [40, 40, 10, 10]),
    ]
    assert len(coco['categories']) == 300 and coco['categories'][2]['name'] == 'label 3' and counts.ignored_pixels == SIZE
    one = drawn_dataset(tmp_path / 'e', [disc(30, 30, 9).astype(np.uint8)], ['background', 'dog'], 'dog')
    assert [category['name'] for category in written(one, tmp_path / 'dog.json')[1]['categories']] == ['dog']


@pytest.mark.parametrize('damage', ['label', 'size', 'missing'])
def test_what_is_wrong_leaves_no_file(damage, tmp_path):
    dataset = drawn_dataset(tmp_path / 'd', [disc(30, 30, 9).astype(np.uint8)] * 2)
    path = tmp_path / 'd/masks/c/00000001.png'
    if damage == 'missing':
        path.unlink()
    else:
        write_png(path, np.full((SIZE, SIZE), 2, np.uint8) if damage == 'label' else np.ones((SIZE, 8), np.uint8))
    message = dict(
        label='holds the label 2 in 4096 pixels, dataset.json names 2',
        size='has 8x64 pixels',
        missing='there is no file .*00000001.png; .*--repair',
    )[damage]
    with pytest.raises(InputError, match=message):
        write_coco(dataset, tmp_path / 'coco.json')
    assert [p.name for p in tmp_path.iterdir()] == ['d']


def test_a_deleted_image_is_not_listed(tmp_path):
    drawn_dataset(tmp_path / 'd', [disc(30, 30, 9).astype(np.uint8)] * 2)
    (tmp_path / 'd/images/c/00000001.png').unlink()
    with pytest.raises(InputError, match='images/c/00000001.png and 0 other files are missing'):
        write_coco(StoredDataset(tmp_path / 'd'), tmp_path / 'coco.json')


def test_command(tiny_labelled_generator, tmp_path):
    """The command writes the same file for folders and shards, with every image of the manifest, and overwrites nothing."""
    for form in ('folder', 'shards'):
        plan = plan_of(str(tiny_labelled_generator), num_per_class=4, candidates=4, uncertainty_rate=0.0, format=form)
        synthesize(plan, tmp_path / form)
    out = run_tool(TOOL, tmp_path / 'folder', tmp_path / 'coco.json', '--min-pixels', '5').stdout
    coco = json.loads((tmp_path / 'coco.json').read_text())
    lines = StoredDataset(tmp_path / 'folder').lines
    assert [image['file_name'] for image in coco['images']] == [f'images/{line["slug"]}/{line["id"]}.png' for line in lines]
    assert all((tmp_path / 'folder' / image['file_name']).is_file() for image in coco['images']) and len(coco['images']) == 12
    assert f'12 images, {len(coco["annotations"])} instances of ' in out and 'components below 5 pixels left out' in out
    write_coco(StoredDataset(tmp_path / 'shards'), tmp_path / 'shards.json', min_pixels=5)
    assert (tmp_path / 'shards.json').read_bytes() == (tmp_path / 'coco.json').read_bytes()
    before = (tmp_path / 'coco.json').read_bytes()
    again = run_tool(TOOL, tmp_path / 'folder', tmp_path / 'coco.json', check=False)
    assert again.returncode == 2 and 'exists and is not overwritten' in again.stdout
    assert (tmp_path / 'coco.json').read_bytes() == before


def test_unfinished_dataset(tiny_labelled_generator, tmp_path):
    synthesize(plan_of(str(tiny_labelled_generator), num_per_class=2, candidates=4), tmp_path / 'd')
    (tmp_path / 'd/dataset.json').unlink()
    with pytest.raises(InputError, match='is unfinished'):
        StoredDataset(tmp_path / 'd')
