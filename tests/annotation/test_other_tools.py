"""Annotation formats as other tools write them, and malicious files."""

import base64
import json
import os
import zipfile

import numpy as np
import pytest
from annotated import HEIGHT, STEMS, WIDTH, assert_equal, folder_of, imported_masks, make_out, noisy_masks, png_bytes, write_masks
from PIL import Image

from mmbdg.annotation import check_annotated_latents, import_annotations, read_annotated_latents
from mmbdg.annotation.file_tree import FileTree
from mmbdg.errors import InputError
from mmbdg.run_lengths import encode

MASKS = noisy_masks()


@pytest.fixture
def out(tmp_path):
    return make_out(tmp_path / 'out')


def imported(source, tmp_path, out, **options):
    import_annotations(source, tmp_path / 'dst', latents=out, **options)
    return imported_masks(tmp_path / 'dst')


def rectangle():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2:7, 3:9] = 255
    return mask


# --- labelme ---


def labelme(folder, points, shape_type='rectangle', stem='disc_0_0', **more):
    folder.mkdir(parents=True, exist_ok=True)
    shape = dict(label='foreground', points=points, shape_type=shape_type)
    path = folder / f'{stem}.json'
    path.write_text(json.dumps(dict(shapes=[shape], imagePath=f'{stem}.png') | more))
    return path


@pytest.mark.parametrize('where', ['beside', 'within', 'sampled'])
def test_labelme_without_a_size_takes_it_from_the_image(out, tmp_path, where):
    """Without imageHeight, as converters leave it out, the size is that of the image."""
    image = out / 'images/tiny/disc/disc_0_0.png'
    path = labelme(tmp_path / 'back', [[3, 2], [9, 7]])
    if where == 'beside':
        (path.parent / 'disc_0_0.png').write_bytes(image.read_bytes())
        image.unlink()
    elif where == 'within':
        labelme(tmp_path / 'back', [[3, 2], [9, 7]], imageData=base64.b64encode(image.read_bytes()).decode(), imageHeight=None)
        image.unlink()
    assert_equal(imported(path.parent, tmp_path, out), dict(disc_0_0=rectangle()))


def test_labelme_without_a_size_and_with_a_turned_photograph(out, tmp_path):
    """The image size is that after its EXIF orientation is applied."""
    tags = Image.Exif()
    tags[0x0112] = 6
    path = labelme(tmp_path / 'back', [[3, 2], [9, 7]])
    turned = Image.fromarray(np.zeros((WIDTH, HEIGHT, 3), np.uint8))
    turned.save(path.parent / 'disc_0_0.png', exif=tags.tobytes())
    assert_equal(imported(path.parent, tmp_path, out), dict(disc_0_0=rectangle()))


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (0, 2, 1, 3), (3, 1, 0, 2)])
def test_labelme_rectangle_of_four_points(out, tmp_path, order):
    corners = [[3, 2], [9, 2], [9, 7], [3, 7]]
    path = labelme(tmp_path / 'back', [corners[i] for i in order], imageHeight=HEIGHT, imageWidth=WIDTH)
    assert_equal(imported(path.parent, tmp_path, out), dict(disc_0_0=rectangle()))


def test_labelme_written_by_windows(out, tmp_path):
    path = labelme(tmp_path / 'back', [[3, 2], [9, 7]], imagePath='..\\images\\disc_0_0.png', imageHeight=HEIGHT, imageWidth=WIDTH)
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes().replace(b', ', b',\r\n'))
    assert_equal(imported(path.parent, tmp_path, out), dict(disc_0_0=rectangle()))


def test_labelme_that_leads_out(out, tmp_path):
    """The image that a file names is searched only in the file's own folder."""
    (out / 'images/tiny/disc/disc_0_0.png').unlink()
    secret = tmp_path / 'secret.png'
    secret.write_bytes(png_bytes(np.zeros((HEIGHT, WIDTH), np.uint8)))
    for name in (str(secret), '../secret.png', 'disc_0_0.png'):
        path = labelme(tmp_path / 'back', [[3, 2], [9, 7]], imagePath=name)
        with pytest.raises(InputError, match='its image .* is missing'):
            import_annotations(path.parent, tmp_path / 'dst', latents=out, format='labelme')


# --- COCO ---


def coco(path, ids, counts=None, encoding='utf-8', categories=None):
    area = np.zeros((HEIGHT, WIDTH), bool)
    area[2:7, 3:9] = True
    content = dict(
        images=[dict(id=ids[i], file_name=f'{stem}.png', height=HEIGHT, width=WIDTH) for i, stem in enumerate(STEMS[:2])],
        categories=categories or [dict(id='fg', name='foreground'), dict(id=2, name='ignore')],
        annotations=[
            dict(id='a', image_id=ids[0], category_id='fg', segmentation=dict(size=[HEIGHT, WIDTH], counts=counts or encode(area)))
        ],
    )
    path.write_text(json.dumps(content), encoding=encoding)
    return path


def test_coco_with_ids_of_text(out, tmp_path):
    assert_equal(imported(coco(tmp_path / 'x.json', ['one', 'two']), tmp_path, out), dict(disc_0_0=rectangle()))


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_coco_in_other_encodings(out, tmp_path, encoding):
    assert_equal(imported(coco(tmp_path / 'x.json', [1, '1'], encoding=encoding), tmp_path, out), dict(disc_0_0=rectangle()))


@pytest.mark.parametrize(
    ('counts', 'message'),
    [
        ([1], 'has no mask: the run lengths add up to 1 pixels'),
        ([600, -80], 'has no mask: run lengths must be whole numbers'),
        ([0.5, 519.5], 'has no mask: run lengths must be whole numbers'),
        ('o' * 10**6, 'has no mask: compressed run lengths hold a number that is larger than any picture'),
        ('\x7f' * 50, 'has no mask: compressed run lengths hold the character'),
        (dict(a=1), 'has run lengths without counts'),
    ],
)
def test_run_lengths_that_do_not_fill_the_image(out, tmp_path, counts, message):
    with pytest.raises(InputError, match=f'annotation 1 {message}'):
        import_annotations(coco(tmp_path / 'x.json', [1, 2], counts), tmp_path / 'dst', latents=out)


# --- CVAT ---


def cvat(path, labelmap=b'background:0,0,0::\nforeground:255,255,255::\n', slash='\\', **more):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:

        def add(name, data):
            info = zipfile.ZipInfo('x')
            info.filename = name.replace('/', slash)  # ZipInfo itself would convert the slashes
            archive.writestr(info, data)

        add('export/labelmap.txt', labelmap)
        add('export/ImageSets/Segmentation/default.txt', '\n'.join(f'task/{stem}' for stem in STEMS))
        for stem in STEMS[:3]:
            add(f'export/SegmentationClass/task/{stem}.png', png_bytes(np.repeat(MASKS[stem][..., None], 3, 2)))
        for name, data in more.items():
            add(name, data)
    return path


@pytest.mark.parametrize('slash', ['\\', '/'])
def test_cvat_zip_of_windows(out, tmp_path, slash):
    assert_equal(imported(cvat(tmp_path / 'x.zip', slash=slash), tmp_path, out), {stem: MASKS[stem] for stem in STEMS[:3]})


def test_cvat_label_map_with_a_byte_order_mark(out, tmp_path):
    labelmap = '# label:color_rgb:parts:actions\r\nbackground:0,0,0::\r\nforeground:255,255,255::\r\n'
    for number, encoding in enumerate(('utf-8-sig', 'utf-16')):
        (tmp_path / str(number)).mkdir()
        found = imported(cvat(tmp_path / f'{number}.zip', labelmap.encode(encoding)), tmp_path / str(number), out)
        assert_equal(found, {stem: MASKS[stem] for stem in STEMS[:3]})


def test_cvat_lists_that_unpack_to_much(out, tmp_path):
    """A zip entry that unpacks to a very large size raises an error, and messages quote only a short part of a file."""
    path = cvat(tmp_path / 'x.zip', bytes(2**27))
    with pytest.raises(InputError, match='labelmap.txt would have 134,217,728 bytes; more than 67,108,864 are not read'):
        import_annotations(path, tmp_path / 'dst', latents=out)
    with pytest.raises(InputError, match='labelmap.txt it, line 1, holds null characters'):
        import_annotations(cvat(tmp_path / 'x.zip', bytes(99)), tmp_path / 'dst', latents=out)
    with pytest.raises(InputError) as error:
        import_annotations(cvat(tmp_path / 'x.zip', b'x' * 10**6), tmp_path / 'dst', latents=out)
    assert len(str(error.value)) < 1000


# --- zip files and folders ---


def test_a_zip_file_that_would_unpack_to_much(tmp_path, monkeypatch):
    path = tmp_path / 'x.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a/x.png', bytes(2**20))
    tree = FileTree(path)
    assert len(tree.read('a/x.png')) == 2**20
    with pytest.raises(InputError, match='would have 1,048,576 bytes; more than 1,000,000 are not read'):
        tree.read('a/x.png', most=10**6)


def test_a_zip_file_with_two_files_of_one_name(tmp_path):
    path = tmp_path / 'x.zip'
    with zipfile.ZipFile(path, 'w') as archive, pytest.warns(UserWarning, match='Duplicate name'):
        archive.writestr('x.png', b'a')
        archive.writestr('x.png', b'b')
    with pytest.raises(InputError, match='holds two files with the name x.png'):
        FileTree(path)


def test_links_that_lead_out(tmp_path):
    """A folder may be a link. A file in a returned annotation folder must not link to a file outside of it."""
    (tmp_path / 'far').mkdir()
    (tmp_path / 'far/0.txt').write_text('far')
    (tmp_path / 'far/1.txt').symlink_to('0.txt')
    (tmp_path / 'root').mkdir()
    (tmp_path / 'root/folder').symlink_to(tmp_path / 'far')
    (tmp_path / 'root/own.txt').write_text('own')
    (tmp_path / 'root/link.txt').symlink_to('own.txt')
    (tmp_path / 'root/out.txt').symlink_to(tmp_path / 'far/0.txt')
    tree = FileTree(tmp_path / 'root')
    assert tree.names == ['folder/0.txt', 'folder/1.txt', 'link.txt', 'out.txt', 'own.txt']
    assert [tree.read(name) for name in tree.names if name != 'out.txt'] == [b'far', b'far', b'own', b'own']
    with pytest.raises(InputError, match='is a link that leads out of'):
        tree.read('out.txt')


@pytest.mark.parametrize('level', ['annotations/tiny', 'annotations/tiny/disc', 'latents/tiny', 'images/tiny/ring'])
def test_linked_folders_are_found_by_all(out, tmp_path, level):
    write_masks(out, MASKS, 'annotations')
    far = tmp_path / 'far'
    (out / level).rename(far)
    (out / level).symlink_to(far)
    assert len(read_annotated_latents(out, 'tiny', 3)) == 6
    assert not check_annotated_latents(out, num_classes=3).problems
    import_annotations(out, tmp_path / 'dst')
    assert_equal(imported_masks(tmp_path / 'dst'), MASKS)
    assert sorted(path.stem for path in (tmp_path / 'dst/images').rglob('*.png')) == sorted(STEMS)


def test_clutter_is_no_annotation(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    for kind in ('annotations', 'latents', 'images'):
        folder = out / kind / 'tiny' / folder_of('disc_0_0')
        suffix = 'npy' if kind == 'latents' else 'png'
        (folder / f'._disc_0_0.{suffix}').write_bytes(b'\0\5\26\7')
        (folder / '.ipynb_checkpoints').mkdir()
        (folder / f'.ipynb_checkpoints/disc_0_0-checkpoint.{suffix}').write_bytes(b'x')
        (folder / 'Thumbs.db').write_bytes(b'x')
    assert len(read_annotated_latents(out, 'tiny', 3)) == 6 and not check_annotated_latents(out).problems
    import_annotations(out, tmp_path / 'dst')
    assert_equal(imported_masks(tmp_path / 'dst'), MASKS)


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='no pipes on this system')
def test_a_pipe_among_the_masks(out, tmp_path):
    write_masks(out, MASKS, 'annotations')
    path = out / 'annotations/tiny/disc/disc_0_0.png'
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match='disc_0_0.png'):
        import_annotations(out, tmp_path / 'dst')
    assert any('disc_0_0.png' in problem for problem in check_annotated_latents(out).problems)
