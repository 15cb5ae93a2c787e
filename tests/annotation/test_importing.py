"""What annotators give back, good and bad. Bad input is named, all of it, and leaves nothing behind."""

import base64
import json
import shutil
import zipfile

import numpy as np
import pytest
from annotated import (
    DIM,
    HEIGHT,
    STEMS,
    WIDTH,
    assert_equal,
    files_below,
    folder_of,
    imported_masks,
    make_out,
    noisy_masks,
    png_bytes,
    write_masks,
)
from plain_lengths import plain_lengths
from pycocotools import mask as pycoco

from mmbdg.analysis.opening import open_labelled_images
from mmbdg.annotation import import_annotations, read_annotated_latents, write_project
from mmbdg.errors import InputError
from mmbdg.files import write_png

MASKS = noisy_masks()
RECTANGLE = [[3, 2], [9, 7]]
INSIDE = (slice(2, 7), slice(3, 9))


def rectangle_mask(value=255, background=0):
    mask = np.full((HEIGHT, WIDTH), background, np.uint8)
    mask[INSIDE] = value
    return mask


@pytest.fixture
def out(tmp_path):
    return make_out(tmp_path / 'out')


def refused(source, target, *messages, **options):
    """The import names all of it and nothing else, and writes nothing; with skip_bad it brings in the rest."""
    before = files_below(target.parent)
    with pytest.raises(InputError) as error:
        import_annotations(source, target, **options)
    assert files_below(target.parent) == before and not target.exists()
    for message in messages:
        assert message in str(error.value)
    return str(error.value)


# --- labelme ---


def labelme(out, stem='disc_0_0', **changes):
    """Change the labelme file of a sample."""
    path = out / 'images/tiny' / folder_of(stem) / f'{stem}.json'
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}))
    return path


def shape(label='foreground', points=RECTANGLE, shape_type='rectangle', **more):
    return dict(label=label, points=points, shape_type=shape_type, group_id=None, flags={}, **more)


def full(height, width):
    """The picture of a mask shape."""
    return base64.b64encode(png_bytes(np.ones((height, width), np.uint8))).decode()


def drawn_by_labelme(out, tmp_path, *shapes):
    write_project(out, 'tiny', 'labelme')
    labelme(out, shapes=list(shapes))
    import_annotations(out, tmp_path / 'dst')
    return imported_masks(tmp_path / 'dst')['disc_0_0']


def test_labelme_shapes(out, tmp_path):
    hole, corner = [[4, 3], [6, 3], [6, 5], [4, 5]], [[3, 2], [5, 2], [5, 4], [3, 4]]
    circle = shape('Disc', [[15, 12], [15, 15]], 'circle')
    mask = drawn_by_labelme(out, tmp_path, shape(), shape('background', hole, 'polygon'), shape('ignore', corner, 'polygon'), circle)
    expected = rectangle_mask()
    expected[3:5, 4:6] = 0
    expected[2:4, 3:5] = 128  # over the hole too
    assert np.array_equal(mask[:9, :11], expected[:9, :11])
    assert mask[12, 15] == 255 and 24 <= (mask[9:] == 255).sum() <= 32


def test_labelme_ignore_wins_whatever_the_order(out, tmp_path):
    mask = drawn_by_labelme(out, tmp_path, shape('ignore', [[0, 0], [5, 20]]), shape())
    assert (mask[:, :5] == 128).all() and np.array_equal(mask[:, 5:], rectangle_mask()[:, 5:])


def test_labelme_files_without_images(out, tmp_path):
    """An annotator may send back the JSON files alone."""
    write_masks(out, MASKS)
    write_project(out, 'tiny', 'labelme')
    back = tmp_path / 'back'
    back.mkdir()
    for path in out.rglob('*.json'):
        if path.name != 'project.json':
            shutil.copy(path, back)
    import_annotations(back, tmp_path / 'dst', latents=out)
    assert_equal(imported_masks(tmp_path / 'dst'), MASKS)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(shapes=[shape('cat')]), 'shape 1 has the unknown label "cat"; labels are foreground, ignore, or the class of its image, d'),
        (dict(shapes=[shape('square')]), 'unknown label "square"'),
        (dict(shapes=[shape(), shape(shape_type='line')]), 'shape 2 is a line, which has no area'),
        (dict(shapes=[shape(points=[[1, 1]])]), 'with an invalid number of points'),
        (dict(shapes=[shape(points=[[1, 1], [float('nan'), 5]])]), 'shapes.0.points.1.0: Input should be a finite number'),
        (dict(shapes=[shape(points='here')]), 'shapes.0.points: Input should be a valid list'),
        (dict(shapes=[shape(points=[[3.6, 3.6], [4.4, 4.4]])]), 'has no foreground: it is empty'),
        (dict(shapes=[shape('ignore')]), 'has no foreground: all drawn areas are ignored'),
        (dict(shapes=[shape(shape_type='mask', mask='%%')]), 'not valid base64'),
        (dict(shapes=[shape(shape_type='mask', mask=base64.b64encode(b'abc').decode())]), 'is a mask of which it is no image'),
        (dict(shapes=[shape(shape_type='mask', mask=full(2, 2))]), '2x2 px in a box of 7x6'),
        (dict(shapes=[shape(points=[[22, 2], [28, 7]], shape_type='mask', mask=full(6, 7))]), 'exceeds the image'),
        (dict(imageHeight=HEIGHT + 1, shapes=[shape()]), f'is {WIDTH}x{HEIGHT + 1} px, its image is {WIDTH}x{HEIGHT}'),
        (dict(imageWidth=10**9, shapes=[shape()]), 'imageWidth: Input should be less than or equal to 16384'),
        (dict(imagePath='gone_0_7.png', shapes=[shape()]), 'its image gone_0_7.png is missing'),
        (dict(shapes=...), 'is not a labelme file'),
    ],
)  # fmt: skip
def test_bad_labelme_files(out, tmp_path, changes, message):
    write_masks(out, MASKS)
    write_project(out, 'tiny', 'labelme')
    path = labelme(out, **changes)
    text = refused(out, tmp_path / 'dst', f'{path}: ', message)
    assert '1 faults' in text
    report = import_annotations(out, tmp_path / 'dst', skip_bad=True)
    assert [problem.stem for problem in report.problems] in (['disc_0_0'], ['gone_0_7']) and message in str(report.problems[0])
    assert_equal(imported_masks(tmp_path / 'dst'), {stem: MASKS[stem] for stem in STEMS if stem != 'disc_0_0'})


# --- COCO ---


def coco(tmp_path, annotations, **changes):
    """A file with an image of each sample; annotations are (stem, category, segmentation, iscrowd)."""
    content = dict(
        images=[dict(id=i, file_name=f'some\\where\\{stem}.png', height=HEIGHT, width=WIDTH) for i, stem in enumerate(STEMS)],
        categories=[dict(id=7, name='foreground'), dict(id=8, name='ignore'), dict(id=9, name='cat'), dict(id=10, name='ring')],
        annotations=[
            dict(id=i, image_id=STEMS.index(stem), category_id=category, segmentation=segmentation, iscrowd=crowd)
            for i, (stem, category, segmentation, crowd) in enumerate(annotations)
        ],
    )
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(content | changes))
    return path


POLYGON = [[3, 2, 9, 2, 9, 7, 3, 7]]


def plain(mask):
    return dict(size=list(mask.shape), counts=plain_lengths(mask > 0))


def compressed(mask):
    text = pycoco.encode(np.asfortranarray(mask > 0, np.uint8))
    return dict(size=text['size'], counts=text['counts'].decode())


def test_import_and_analysis_fill_the_same_pixels(out, tmp_path):
    rng = np.random.default_rng(5)
    polygons = {stem: [(rng.random((7, 2)) * [WIDTH, HEIGHT]).round(2).ravel().tolist() for _ in range(2)] for stem in STEMS}
    path = coco(tmp_path, [(stem, 7, segmentation, 0) for stem, segmentation in polygons.items()])
    import_annotations(path, tmp_path / 'dst', latents=out)
    imported, analysed = imported_masks(tmp_path / 'dst'), open_labelled_images(path)
    for i, stem in enumerate(STEMS):
        area = np.any([pycoco.decode(pycoco.frPyObjects([one], HEIGHT, WIDTH))[:, :, 0] for one in polygons[stem]], axis=0)
        assert 20 < area.sum() < area.size
        assert np.array_equal(imported[stem] == 255, area) and np.array_equal(analysed.mask(i) == 1, area)


def test_coco_of_all_kinds(out, tmp_path):
    far, crowd = [[20, 10, 25, 10, 25, 15, 20, 15]], np.zeros((HEIGHT, WIDTH), np.uint8)
    crowd[:, 8:12] = 1
    path = coco(
        tmp_path,
        [
            ('disc_0_0', 7, POLYGON, 0),
            ('disc_0_1', 7, compressed(MASKS['disc_0_1']), 0),
            ('square_1_0', 7, plain(MASKS['square_1_0']), 0),
            ('square_1_1', 7, POLYGON, 0),
            ('square_1_1', 7, far, 0),
            ('ring_2_0', 10, POLYGON + far, 0),
            ('ring_2_1', 7, POLYGON, 0),
            ('ring_2_1', 7, plain(crowd), 1),
        ],
    )
    report = import_annotations(path, tmp_path / 'dst', latents=out)
    two, crowded = rectangle_mask(), rectangle_mask()
    two[10:15, 20:25] = 255
    crowded[crowd > 0] = 128
    expected = dict(disc_0_0=rectangle_mask(), disc_0_1=MASKS['disc_0_1'], square_1_0=MASKS['square_1_0'], square_1_1=two, ring_2_0=two)
    assert_equal(imported_masks(tmp_path / 'dst'), expected | dict(ring_2_1=crowded))
    assert report.format == 'coco' and report.ignored_pixels == dict(ring_2_1=4 * HEIGHT)


def test_coco_of_a_tool_that_calls_every_mask_a_crowd(out, tmp_path):
    path = coco(tmp_path, [('disc_0_0', 7, plain(MASKS['disc_0_0']), 1)])
    refused(path, tmp_path / 'dst', 'disc_0_0.png: has iscrowd on all of its foreground', '--crowd foreground', latents=out)
    import_annotations(path, tmp_path / 'dst', latents=out, crowd='foreground')
    assert_equal(imported_masks(tmp_path / 'dst'), dict(disc_0_0=MASKS['disc_0_0']))


BAD_SEGMENTATIONS = {
    'has the polygon [1, 2, 3]': [[1, 2, 3]],
    "has the polygon ['a'": [['a', 1, 2, 3, 4, 5]],
    'has a box or keypoints, but no mask': [],
    'has run lengths for [26, 20]': dict(size=[WIDTH, HEIGHT], counts=[WIDTH * HEIGHT]),
    'add up to 7 pixels': dict(size=[HEIGHT, WIDTH], counts=[3, 4]),
    'whole numbers from 0 on': dict(size=[HEIGHT, WIDTH], counts=[-3, HEIGHT * WIDTH + 3]),
    'hold the character': dict(size=[HEIGHT, WIDTH], counts='12 34'),
    'without counts': dict(size=[HEIGHT, WIDTH]),
}


@pytest.mark.parametrize('message', BAD_SEGMENTATIONS)
def test_bad_coco_annotations(out, tmp_path, message):
    path = coco(tmp_path, [('disc_0_0', 7, BAD_SEGMENTATIONS[message], 0), ('ring_2_0', 7, POLYGON, 0)])
    text = refused(path, tmp_path / 'dst', 'disc_0_0.png: annotation 1 ', message, latents=out)
    assert '1 faults' in text
    import_annotations(path, tmp_path / 'dst', latents=out, skip_bad=True)
    assert_equal(imported_masks(tmp_path / 'dst'), dict(ring_2_0=rectangle_mask()))


def test_bad_coco_categories_and_images(out, tmp_path):
    images = [dict(id=i, file_name=f'{stem}.png', height=HEIGHT, width=WIDTH) for i, stem in enumerate(STEMS)]
    images += [dict(images[1], id=90), dict(id=5, file_name='twice_2_5.png', height=4, width=4), dict(id=91, file_name='x_1_1.png')]
    images += [dict(id=92, file_name='stranger_1_1.png', height=HEIGHT, width=WIDTH)]
    path = coco(
        tmp_path,
        [('disc_0_0', 9, POLYGON, 0), ('square_1_0', 1234, POLYGON, 0), ('square_1_1', 10, POLYGON, 0), ('ring_2_0', 7, POLYGON, 0)],
        images=images,
    )
    content = json.loads(path.read_text())
    content['annotations'] += [
        dict(image_id=55, category_id=7, segmentation=POLYGON),
        dict(image_id=92, category_id=7, segmentation=POLYGON),
    ]
    path.write_text(json.dumps(content))
    text = refused(
        path,
        tmp_path / 'dst',
        'disc_0_0.png: annotation 1 has the unknown label "cat"',
        'square_1_0.png: annotation 2 has the unknown category 1234',
        'square_1_1.png: annotation 3 has the unknown label "ring"',
        'disc_0_1.png: is a second annotation of disc_0_1',
        'image 8: has the id 5 of another image',
        'ring_2_1.png: shares its id with another image',
        'image 9: x_1_1.png has no usable height, got None',
        'annotation 5: belongs to the image 55, which is not listed',
        'stranger_1_1.png: has no latent: there is no stranger_1_1.npy in the set "tiny"',
        latents=out,
    )
    assert '9 faults' in text and 'ring_2_0' not in text


# --- CVAT ---


def cvat(tmp_path, pictures, labelmap='ground:0,128,0::\nforeground:9,9,200::\nignore:1,2,3::\ndog:5,5,5::\n', listed=STEMS):
    path = tmp_path / 'export.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        if labelmap:
            archive.writestr('labelmap.txt', '# label:color_rgb:parts:actions\n' + labelmap.replace('ground', 'background', 1))
        archive.writestr('ImageSets/Segmentation/default.txt', '\n'.join(f'some/where/{stem}' for stem in listed))
        for stem, data in pictures.items():
            archive.writestr(f'SegmentationClass/some/where/{stem}.png', data)
            archive.writestr(f'SegmentationObject/some/where/{stem}.png', b'not looked at')
    return path


def painted(mask, **options):
    colours = {0: (0, 128, 0), 255: (9, 9, 200), 128: (1, 2, 3)}
    return png_bytes(np.array([colours.get(value, (5, 5, 5)) for value in mask.ravel().tolist()], np.uint8).reshape(*mask.shape, 3))


def test_cvat_with_colours_of_its_own(out, tmp_path):
    """Background need not be black; one channel holds the lines of the label map."""
    masks = noisy_masks(ignored=True)
    pictures = {stem: painted(masks[stem]) for stem in STEMS[:4]}
    lines = np.select([masks['ring_2_0'] == 255, masks['ring_2_0'] == 128], [1, 2], 0).astype(np.uint8)
    report = import_annotations(cvat(tmp_path, pictures | dict(ring_2_0=png_bytes(lines))), tmp_path / 'dst', latents=out)
    assert_equal(imported_masks(tmp_path / 'dst'), {stem: masks[stem] for stem in STEMS[:5]})
    assert report.format == 'cvat' and report.skipped == dict(ring_2_1='not annotated')


def test_bad_cvat_files(out, tmp_path):
    pictures = dict(
        disc_0_0=painted(rectangle_mask()),
        disc_0_1=painted(rectangle_mask(7)),
        square_1_0=png_bytes(np.full((HEIGHT, WIDTH, 3), 77, np.uint8)),
        square_1_1=painted(rectangle_mask(0)),
        ring_2_0=painted(rectangle_mask().T),
        ring_2_1=painted(MASKS['ring_2_1'])[:150],
    )
    text = refused(
        cvat(tmp_path, pictures),
        tmp_path / 'dst',
        'disc_0_1.png: has the unknown label "dog"',
        'square_1_0.png: holds the colour #4d4d4d, which labelmap.txt does not list',
        'square_1_1.png: has no foreground: it is empty',
        'ring_2_0.png: is 20x26 px, its image is 26x20',
        'ring_2_1.png: it is cut off or damaged',
        latents=out,
    )
    assert '5 faults' in text
    for labelmap, message in (
        (None, 'has no labelmap.txt'),
        ('a:b::\n', 'is not a label map'),
        ('a:1,1,1::\nb:1,1,1::\n', 'the same colour'),
    ):
        refused(cvat(tmp_path, pictures, labelmap), tmp_path / 'dst', message, latents=out)


def test_cut_off_files(out, tmp_path):
    export = cvat(tmp_path, {stem: painted(MASKS[stem]) for stem in STEMS})
    export.write_bytes(export.read_bytes()[:-200])
    refused(export, tmp_path / 'dst', 'export.zip is no zip file, or is cut off', latents=out)
    instances = coco(tmp_path, [('disc_0_0', 7, POLYGON, 0)])
    instances.write_text(instances.read_text()[:-5])
    refused(instances, tmp_path / 'dst', 'instances.json: is not a COCO file (it is ', latents=out, format='coco')
    write_masks(out, MASKS)
    write_project(out, 'tiny', 'labelme')
    path = out / 'images/tiny/ring/ring_2_0.json'
    path.write_text(path.read_text()[:-5])
    refused(out, tmp_path / 'dst', 'ring_2_0.json: it is cut off')


def test_damaged_inside_a_zip(out, tmp_path):
    export = cvat(tmp_path, {stem: painted(MASKS[stem]) for stem in STEMS})
    data = export.read_bytes()
    place = data.index(painted(MASKS['disc_0_1'])) + 60
    export.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    assert '1 faults' in refused(export, tmp_path / 'dst', 'disc_0_1.png: cannot be read, or is cut off (Bad CRC-32', latents=out)


# --- plain masks, released data ---


def test_plain_masks_in_one_folder(out, tmp_path):
    folder = tmp_path / 'masks'
    for stem in STEMS[:5]:
        write_png(folder / f'{stem}.png', (MASKS[stem] // 255).astype(np.uint16))
    report = import_annotations(folder, tmp_path / 'dst', latents=out)
    assert_equal(imported_masks(tmp_path / 'dst'), {stem: MASKS[stem] for stem in STEMS[:5]})
    assert report.format == 'png' and report.skipped == dict(ring_2_1='not annotated')


def test_every_bad_plain_mask_is_named(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    write_project(out, 'tiny', 'png')
    masks = out / 'annotations/tiny'
    write_png(masks / 'disc/disc_0_0.png', np.zeros((HEIGHT, WIDTH), np.uint8))
    write_png(masks / 'disc/disc_0_1.png', MASKS['disc_0_1'].T)
    (masks / 'square/square_1_0.png').write_bytes(png_bytes(np.zeros((HEIGHT, WIDTH, 4), np.uint8)))
    shutil.move(masks / 'square/square_1_1.png', masks / 'ring/square_1_1.png')
    shutil.copy(masks / 'ring/ring_2_0.png', masks / 'disc/ring_2_0.png')
    write_png(masks / 'ring/ring_2_9.png', MASKS['ring_2_0'])
    write_png(masks / 'cat/cat_7_0.png', MASKS['ring_2_0'])
    text = refused(
        out,
        tmp_path / 'dst',
        'disc/disc_0_0.png: has no foreground',
        'disc/disc_0_1.png: is 20x26 px, its image is 26x20',
        'square/square_1_0.png: it has transparent pixels',
        'ring/square_1_1.png: lies in the class folder ring, its latent in square',
        'ring/ring_2_0.png: is a second annotation of ring_2_0, beside',
        'ring/ring_2_9.png: has no latent',
        'cat/cat_7_0.png: has no latent',
    )
    assert '8 faults' in text and 'ring_2_1' not in text  # ring_2_0 twice: in the wrong folder, and again
    import_annotations(out, tmp_path / 'dst', skip_bad=True)
    assert_equal(imported_masks(tmp_path / 'dst'), dict(ring_2_1=MASKS['ring_2_1']))
    assert files_below(tmp_path / 'dst/images') == ['tiny/ring/ring_2_1.png']


def test_a_set_with_ignored_pixels_comes_in_again_only_if_they_are_named(out, tmp_path):
    masks = noisy_masks(ignored=True)
    write_masks(out, masks, 'annotations')
    report = import_annotations(out, tmp_path / 'once')
    assert report.format == 'released' and report.notes[0].startswith('6 masks: the grey value 128 beside 255 was read as foreground')
    report = import_annotations(out, tmp_path / 'twice', ignore_value=128)
    assert_equal(imported_masks(tmp_path / 'twice'), masks)
    assert len(report.notes) == 1 and 'ignore_value=128' in report.notes[0]


def test_an_image_that_is_cut_off(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    image = out / 'images/tiny/ring/ring_2_0.png'
    image.write_bytes(image.read_bytes()[:99])
    assert '1 faults' in refused(out, tmp_path / 'dst', f'ring_2_0.png: its image {image} is cut off or damaged')


def bad_latents(out):
    latents = out / 'latents/tiny'
    np.save(latents / 'disc/disc_0_0.npy', np.zeros((1, DIM + 1), np.float32))
    np.save(latents / 'disc/disc_0_1.npy', np.full((1, DIM), np.nan, np.float32))
    np.save(latents / 'square/square_1_0.npy', np.full((1, DIM), np.inf, np.float32))
    np.save(latents / 'square/square_1_1.npy', np.array([dict(a=1)], object), allow_pickle=True)
    (latents / 'ring/ring_2_5.npy').write_bytes((latents / 'ring/ring_2_0.npy').read_bytes()[:-9])
    shutil.copy(latents / 'ring/ring_2_1.npy', latents / 'ring/nameless.npy')


def test_every_bad_latent_is_named(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    write_project(out, 'tiny', 'png')
    bad_latents(out)
    text = refused(
        out,
        tmp_path / 'dst',
        'disc_0_0.npy: holds 13 numbers, the others 12',
        'disc_0_1.npy: holds nan or inf',
        'square_1_0.npy: holds nan or inf',
        'square_1_1.npy: is not a .npy file of numbers',
        'ring_2_5.npy: is not a .npy file of numbers, or is truncated',
        'nameless.npy: the name does not end in _<class id>_<index>',
    )
    assert '6 faults' in text  # their masks are not named again
    import_annotations(out, tmp_path / 'dst', skip_bad=True)
    assert_equal(imported_masks(tmp_path / 'dst'), {stem: MASKS[stem] for stem in ('ring_2_0', 'ring_2_1')})


def test_one_class_two_folders_and_one_name_twice(out, tmp_path):
    latents = out / 'latents/tiny'
    shutil.copy(latents / 'disc/disc_0_0.npy', latents / 'ring/disc_0_0.npy')
    shutil.copy(latents / 'disc/disc_0_0.npy', latents / 'square/other_2_0.npy')
    write_masks(out, MASKS, 'annotations')
    refused(out, tmp_path / 'dst', 'ring/disc_0_0.npy: the same name as', 'other_2_0.npy: class 2 has the folder ring elsewhere')


def released(tmp_path):
    """As NVIDIA's files: wnids, names of their own, more latents than masks, one class without a mask."""
    root = tmp_path / 'released'
    wnids, rng = {0: 'n01440764', 217: 'n02102040', 999: 'n15075141'}, np.random.default_rng(2)
    masks = {}
    for class_id, wnid in wnids.items():
        for i in (0, 2, 10):
            stem = f'biggan512_seed_{class_id}_{i}'
            (root / 'latents/biggan512' / wnid).mkdir(parents=True, exist_ok=True)
            np.save(root / f'latents/biggan512/{wnid}/{stem}.npy', rng.standard_normal((1, 128)))
            if i != 2 and class_id != 999:
                masks[stem] = rng.integers(0, 2, (16, 16), dtype=np.uint8) * 255
                write_png(root / f'annotations/biggan512/{wnid}/{stem}.png', masks[stem])
    return root, masks


@pytest.mark.parametrize('packed', ['folders', 'zips', 'zips without the outer folder', 'one zip'])
def test_released_data(tmp_path, packed):
    root, masks = released(tmp_path)
    if packed != 'folders':
        for kind in ('annotations', 'latents'):
            inside = dict(root_dir=root / kind) if 'without' in packed else dict(root_dir=root, base_dir=kind)
            shutil.make_archive(tmp_path / 'zips' / kind, 'zip', **inside)
        if packed == 'one zip':
            shutil.make_archive(tmp_path / 'all', 'zip', root)
        root = tmp_path / ('all.zip' if packed == 'one zip' else 'zips')
    report = import_annotations(root, tmp_path / 'dst')
    assert (report.format, report.name, report.classes) == ('released', 'biggan512', dict(n01440764=2, n02102040=2))
    assert_equal(imported_masks(tmp_path / 'dst', 'biggan512'), masks)
    assert set(report.skipped) == {f'biggan512_seed_{c}_{i}' for c, i in ((0, 2), (217, 2), (999, 0), (999, 2), (999, 10))}
    pairs = read_annotated_latents(tmp_path / 'dst', 'biggan512', 1000, allow_missing_classes=True)
    assert [pair.class_id for pair in pairs] == [0, 0, 217, 217]
    original = np.load(tmp_path / f'released/latents/biggan512/n01440764/{pairs[0].stem}.npy')
    assert original.shape == (1, 128) and np.array_equal(pairs[0].read_latent(128), original[0].astype(np.float32))


def test_released_mask_without_latent(tmp_path):
    root, masks = released(tmp_path)
    (root / 'latents/biggan512/n01440764/biggan512_seed_0_0.npy').unlink()
    write_png(root / 'annotations/biggan512/n02102040/biggan512_seed_217_2.png', np.ones((8, 8), np.uint8))
    text = refused(
        root, tmp_path / 'dst', 'biggan512_seed_0_0.png: has no latent', 'biggan512_seed_217_2.png: is 8x8 px, most masks are 16x16'
    )
    assert '2 faults' in text
    import_annotations(root, tmp_path / 'dst', skip_bad=True)  # the one of another size was taken back
    assert_equal(imported_masks(tmp_path / 'dst', 'biggan512'), {stem: masks[stem] for stem in masks if stem != 'biggan512_seed_0_0'})
    assert len(files_below(tmp_path / 'dst/latents')) == 3


def test_two_annotations_of_one_sample_are_both_left_out(out, tmp_path):
    folder = tmp_path / 'masks'
    for place, stem in (('a', 'disc_0_0'), ('b', 'disc_0_0'), ('b', 'ring_2_0')):
        write_png(folder / place / f'{stem}.png', MASKS[stem])
    report = import_annotations(folder, tmp_path / 'dst', latents=out, skip_bad=True)
    assert files_below(tmp_path / 'dst/annotations') == ['tiny/ring/ring_2_0.png'] and report.classes == dict(ring=1)
    assert 'b/disc_0_0.png: is a second annotation of disc_0_0, beside' in str(report.problems[0])


# --- what is asked for ---


def test_wrong_requests(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    write_project(out, 'tiny', 'png')
    refused(tmp_path / 'nowhere', tmp_path / 'dst', 'there is no file or folder')
    refused(out, tmp_path / 'dst', 'has no latents of the set "other"', name='other')
    refused(
        out / 'annotations', tmp_path / 'dst', 'has no latents/ and no latents.zip; give the folder of "annotate.py sample" with --latents'
    )
    make_out(out, 'second')
    (out / 'project.json').unlink()
    refused(out, tmp_path / 'dst', "holds the sets ['second', 'tiny']", format='released')
    refused(out, tmp_path / 'dst', 'the label "ignore"', format='labelme', name='tiny', ignore_value=3)
    (tmp_path / 'dst').mkdir()
    with pytest.raises(InputError, match='exists already; annotations are never overwritten'):
        import_annotations(out, tmp_path / 'dst', name='tiny')


def test_nothing_drawn_is_no_set(out, tmp_path):
    write_project(out, 'tiny', 'labelme')
    refused(out, tmp_path / 'dst', 'holds no annotation that fits a latent')
    refused(out, tmp_path / 'dst', 'holds no annotation that fits a latent', skip_bad=True)
