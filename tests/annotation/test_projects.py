"""Projects that are written and read again have the same pixels."""

import io
import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from annotated import HEIGHT, STEMS, WIDTH, assert_equal, files_below, imported_masks, make_out, noisy_masks, write_masks
from PIL import Image
from pycocotools.coco import COCO

from mmbdg.annotation import import_annotations, read_annotated_latents, write_project
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE
from mmbdg.annotation.projects import read_project
from mmbdg.errors import InputError
from mmbdg.files import write_png


@pytest.fixture
def out(tmp_path):
    return make_out(tmp_path / 'out')


@pytest.mark.parametrize('ignored', [False, True], ids=['', 'ignored pixels'])
@pytest.mark.parametrize('format', ['png', 'labelme', 'coco', 'cvat'])
def test_round_trip(out, tmp_path, format, ignored):
    masks = noisy_masks(ignored)
    write_masks(out, masks)
    write_project(out, 'tiny', format)
    if format == 'png':
        assert not (out / 'annotations').exists()  # nobody has checked the automatic masks yet
        shutil.copytree(out / 'auto', out / 'annotations')
    report = import_annotations(out, tmp_path / 'dst', ignore_value=128 if format == 'png' else None)
    assert_equal(imported_masks(tmp_path / 'dst'), masks)
    assert (report.format, report.name, report.classes) == (format, 'tiny', dict(disc=2, square=2, ring=2))
    assert bool(report.ignored_pixels) == ignored and any('ignore_value=128' in note for note in report.notes) == ignored
    for kind in ('latents', 'images'):
        assert len(files_below(tmp_path / 'dst' / kind)) == 6
        for path in (tmp_path / 'dst' / kind).rglob('*.*'):
            assert path.read_bytes() == (out / path.relative_to(tmp_path / 'dst')).read_bytes()
    assert len(read_annotated_latents(tmp_path / 'dst', 'tiny', 3)) == 6
    saved = json.loads((tmp_path / 'dst/report.json').read_text())
    assert saved['classes'] == report.classes and saved['mask_size'] == [HEIGHT, WIDTH] and saved['latent_numbers'] == 12
    assert Image.open(tmp_path / 'dst/contact_sheet.png').width > 10 * 128


@pytest.mark.parametrize('format', ['labelme', 'coco', 'cvat'])
def test_what_has_no_mask_is_skipped(out, tmp_path, format):
    masks = {stem: mask for stem, mask in noisy_masks().items() if stem != 'disc_0_1'}
    write_masks(out, masks)
    write_project(out, 'tiny', format)
    report = import_annotations(out, tmp_path / 'dst')
    assert report.skipped == dict(disc_0_1='not annotated') and not report.problems
    assert_equal(imported_masks(tmp_path / 'dst'), masks)
    assert not list((tmp_path / 'dst').rglob('disc_0_1.*'))


@pytest.mark.parametrize('format', ['labelme', 'coco', 'cvat'])
def test_renewed_after_automatic_masks(out, tmp_path, format):
    assert write_project(out, 'tiny', format, dict(seed=3))[1] == []
    assert write_project(out, 'tiny', format) == (0, [])
    masks = noisy_masks()
    write_masks(out, masks)
    written, kept = write_project(out, 'tiny', format)
    assert written == (6 if format == 'labelme' else 1) and not kept
    assert import_annotations(out, tmp_path / 'dst').sampling == dict(seed=3)
    assert_equal(imported_masks(tmp_path / 'dst'), masks)
    project = read_project(out)
    assert project['sampling'] == dict(seed=3) and project['class_folders'] == {'0': 'disc', '1': 'square', '2': 'ring'}
    assert project['samples'] == {stem: int(stem[-3]) for stem in STEMS}


def test_work_of_an_annotator_is_kept(out):
    write_project(out, 'tiny', 'labelme')
    path = out / 'images/tiny/disc/disc_0_0.json'
    work = dict(json.loads(path.read_text()), shapes=[dict(label='foreground', points=[[0, 0], [5, 5]], shape_type='rectangle')])
    path.write_text(json.dumps(work))
    write_masks(out, noisy_masks())
    for _ in range(2):
        assert write_project(out, 'tiny', 'labelme')[1] == ['images/tiny/disc/disc_0_0.json']
        assert json.loads(path.read_text()) == work
    other = out / 'images/tiny/disc/disc_0_1.json'
    assert len(json.loads(other.read_text())['shapes']) == 1


def test_labelme_project_is_one_that_labelme_opens(out):
    write_project(out, 'tiny', 'labelme')
    for stem in STEMS:
        path = out / 'images/tiny' / stem.split('_')[0] / f'{stem}.json'
        content = json.loads(path.read_text())
        assert content['imageData'] is None and (path.parent / content['imagePath']).is_file()
        assert (content['imageHeight'], content['imageWidth'], content['shapes']) == (HEIGHT, WIDTH, [])
    assert (out / 'labels.txt').read_text().split() == ['foreground', 'ignore', 'background']


def test_coco_file_is_one_that_pycocotools_reads(out, capsys):
    masks = noisy_masks()
    write_masks(out, masks)
    write_project(out, 'tiny', 'coco')
    coco = COCO(out / 'coco/annotations.json')
    assert [c['name'] for c in coco.loadCats(coco.getCatIds())] == ['foreground', 'ignore']
    for image in coco.imgs.values():
        (annotation,) = coco.imgToAnns[image['id']]
        drawn = coco.annToMask(annotation)
        assert np.array_equal(drawn * 255, masks[image['file_name'].split('/')[1][:-4]])
        ys, xs = np.nonzero(drawn)
        assert annotation['bbox'] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1] and annotation['area'] == drawn.sum()


def test_cvat_file_is_as_cvat_documents_it(out):
    masks = noisy_masks(ignored=True)
    write_masks(out, masks)
    write_project(out, 'tiny', 'cvat')
    with zipfile.ZipFile(out / 'cvat/annotations.zip') as archive:
        assert archive.read('labelmap.txt').decode().splitlines() == [
            '# label:color_rgb:parts:actions',
            'background:0,0,0::',
            'foreground:128,0,0::',
            'ignore:0,128,0::',
        ]
        assert archive.read('ImageSets/Segmentation/default.txt').decode().split() == list(STEMS)
        for stem, mask in masks.items():
            picture = np.asarray(Image.open(io.BytesIO(archive.read(f'SegmentationClass/{stem}.png'))))
            assert picture.shape == (HEIGHT, WIDTH, 3)
            for value, colour in ((FOREGROUND, (128, 0, 0)), (IGNORE, (0, 128, 0)), (0, (0, 0, 0))):
                assert np.array_equal((picture == colour).all(2), mask == value)
    labels = json.loads((out / 'cvat/labels.json').read_text())
    assert [(label['name'], label['color']) for label in labels] == [('foreground', '#800000'), ('ignore', '#008000')]


def test_refused(out):
    with pytest.raises(InputError, match='formats png, labelme, coco, cvat'):
        write_project(out, 'tiny', 'voc')
    with pytest.raises(InputError, match='holds no images'):
        write_project(out, 'other', 'coco')
    write_png(out / 'auto/tiny/disc/disc_0_0.png', np.zeros((WIDTH, HEIGHT), np.uint8))
    with pytest.raises(InputError, match=r'auto/tiny/disc/disc_0_0.png is 20x26 px, its image 26x20'):
        write_project(out, 'tiny', 'coco')
    (out / 'auto/tiny/disc/disc_0_0.png').unlink()
    write_project(out, 'tiny', 'coco')
    with pytest.raises(InputError, match='is a project of format coco'):
        write_project(out, 'tiny', 'cvat')


def test_what_is_called_like_a_project_and_is_none(tmp_path):
    """A project.json that cannot be read as a project raises an error."""
    out = make_out(tmp_path / 'out')
    os.mkfifo(out / 'project.json')
    for call in (lambda: import_annotations(out, tmp_path / 'dst'), lambda: write_project(out, 'tiny', 'png')):
        with pytest.raises(InputError, match='project.json is not a project of tools/annotate.py sample'):
            call()
    (out / 'project.json').unlink()
    (out / 'project.json').symlink_to('nowhere.json')
    with pytest.raises(InputError, match='project.json'):
        import_annotations(out, tmp_path / 'dst')
