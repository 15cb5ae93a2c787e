"""The domain of stamps, made from tiny packages: splits are disjoint, masks are exact, and missing packages are named."""

import hashlib
import json
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from mmbdg.compat.config import read_config
from mmbdg.converters.stamps import SELECTION, Selection, check_packages, cut_out, make_stamps
from mmbdg.datasets import ComposedScenes, CutoutFolder, ImageFolder, LabelledFolder
from mmbdg.errors import InputError
from mmbdg.images import open_image, open_with_opacity, read_mask
from mmbdg.reading import read_json

CLASSES = ['disc', 'square']


@pytest.fixture(scope='module')
def packages(tmp_path_factory):
    """Two packages with two objects of a class, two pieces and two photographs, and their selection."""
    root, files = tmp_path_factory.mktemp('packages'), []
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :40] - 20
    shapes = dict(disc=x**2 + y**2 < 225, square=np.maximum(abs(x), abs(y)) < 12, clutter=abs(x) + abs(y) < 10)
    for number, split in enumerate(('train', 'test')):
        for what in (*shapes, 'background'):
            package = 'photos' if what == 'background' else 'things'
            name = f'usr/share/{package}/{what}{number}.png'
            pixels = rng.integers(0, 80, (80, 70, 3)).astype(np.uint8)
            if what != 'background':
                colour = 100 + 60 * number + 10 * list(shapes).index(what)
                pixels = np.dstack([np.full((40, 40, 3), colour), np.where(shapes[what], 255, 0)]).astype(np.uint8)
                pixels[~shapes[what], :3] = 255  # a colour that must not be seen
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            files.append(dict(package=package, file=name, what=what, split=split, licence='CC0', sha256=digest))
    for package in ('things', 'photos'):
        (root / f'usr/share/doc/{package}').mkdir(parents=True)
        (root / f'usr/share/doc/{package}/copyright').write_text(f'licence of {package}')
    selection = dict(packages=dict(things='1', photos='2'), classes=CLASSES, files=files)
    (root / 'selection.json').write_text(json.dumps(selection))
    return root


def made(packages, out, **options):
    return make_stamps(packages, out, dict(train=3, test=2), selection=packages / 'selection.json', **options)


@pytest.fixture(scope='module')
def stamps(packages, tmp_path_factory):
    out = tmp_path_factory.mktemp('stamps') / 'data'
    made(packages, out)
    return out


def test_the_folder(packages, stamps):
    card = json.loads((stamps / 'dataset.json').read_text())
    assert card['classes'] == CLASSES and card['images'] == dict(train=6, test=4)
    assert (stamps / 'licences/things.txt').read_text() == 'licence of things'
    for one in card['sources']:
        assert hashlib.sha256((stamps / one['written']).read_bytes()).hexdigest() == one['written_sha256']
        assert f'/{one["split"]}/' in one['written']
    folder = ImageFolder(str(stamps / 'train/images'), CLASSES)
    assert [folder.get_data_info(i)['gt_label'] for i in range(6)] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize('split, colours', [('train', (100, 110)), ('test', (160, 170))])
def test_masks_are_the_objects_of_the_split(stamps, split, colours):
    """Backgrounds are darker than 80; the object has its colour times a tint of 0.6 to 1, and the mask is where it is."""
    for label, name in enumerate(CLASSES):
        for path in sorted((stamps / split / 'images' / name).iterdir()):
            image, mask = open_image(path), read_mask(stamps / split / 'masks' / name / path.name)
            assert image.shape == (64, 64, 3) and set(np.unique(mask)) == {0, label + 1}
            inside = image[mask > 0].astype(float)
            middle = np.median(inside, axis=0)
            assert (middle <= colours[label] + 1).all() and (middle >= 0.6 * colours[label] - 1).all()
            assert (np.abs(inside - middle).max(axis=1) < 3).mean() > 0.5  # the rest is the soft border
            assert image.max() < 200  # the colour outside of the cut-outs is never seen


def test_readers_of_the_folder(stamps):
    labels = ('background', *CLASSES)
    (stamps / 'train/two.txt').write_text('disc/00000001\nsquare/00000002\n')
    subset = LabelledFolder(data_root=str(stamps / 'train'), ann_file='two.txt', metainfo=dict(classes=labels))
    assert [item['img_path'].split('/')[-2:] for item in subset.load_data_list()] == [['disc', '00000001.png'], ['square', '00000002.png']]
    fgbg = LabelledFolder(data_root=str(stamps / 'test'), label_map={2: 1}, metainfo=dict(classes=('background', 'foreground')))
    assert len(fgbg) == 4
    scenes = ComposedScenes(
        dict(type='mmbdg.CutoutFolder', data_root=str(stamps / 'objects/train')), str(stamps / 'backgrounds/train'), size=(64, 64), count=2
    )
    assert scenes.metainfo['classes'] == tuple(CLASSES) and scenes[0]['img'].shape == (64, 64, 3)


def test_an_image_depends_on_its_address_only(packages, stamps, tmp_path):
    card = make_stamps(packages, tmp_path / 'more', dict(train=4, test=2), selection=packages / 'selection.json')
    for name in ('train/images/square/00000002.png', 'test/masks/disc/00000001.png'):
        assert (tmp_path / 'more' / name).read_bytes() == (stamps / name).read_bytes()
    again = json.loads((stamps / 'dataset.json').read_text())['images_sha256']
    assert card['images_sha256']['test'] == again['test'] and card['images_sha256']['train'] != again['train']
    other = made(packages, tmp_path / 'seed', seed=1)
    assert other['images_sha256']['test'] != again['test']


def test_a_missing_package_is_named(packages, tmp_path):
    (tmp_path / 'usr/share/doc/photos').mkdir(parents=True)
    (tmp_path / 'usr/share/doc/photos/copyright').touch()
    with pytest.raises(InputError, match='lacks the Debian packages things: .*apt-get download things '):
        make_stamps(tmp_path, tmp_path / 'out', selection=packages / 'selection.json')
    assert not (tmp_path / 'out').exists()


def test_another_version(packages, tmp_path):
    selection = json.loads((packages / 'selection.json').read_text())
    selection['files'][0]['sha256'] = '0' * 64
    (tmp_path / 's.json').write_text(json.dumps(selection))
    with pytest.raises(InputError, match=r'(?s)not those of the expected versions \(things 1, photos 2\).*disc0.png.*--any-version'):
        make_stamps(packages, tmp_path / 'out', selection=tmp_path / 's.json')
    check_packages(packages, selection, any_version=True)
    selection['files'][0]['file'] = 'usr/share/things/gone.png'
    with pytest.raises(InputError, match='files are missing'):
        check_packages(packages, selection, any_version=True)
    selection['files'][0]['file'] = '../gone.png'
    with pytest.raises(InputError, match='leads out of its folder'):
        check_packages(packages, selection)


def test_a_folder_that_exists_is_kept(packages, stamps):
    with pytest.raises(InputError, match='is there already'):
        made(packages, stamps)


def test_cut_out():
    pixels = np.zeros((200, 300, 4), np.uint8)
    pixels[20:180, 30:290] = (200, 100, 50, 255)
    small = cut_out(pixels)
    assert small.shape == (79, 128, 4) and (small[..., :3] == (200, 100, 50)).all()
    with pytest.raises(InputError, match='all pixels are transparent'):
        cut_out(np.zeros((4, 4, 4), np.uint8))


def test_cutout_folder(tmp_path):
    (tmp_path / 'a').mkdir()
    with pytest.raises(InputError, match='class "a" has no images'):
        CutoutFolder(str(tmp_path))
    pixels = np.zeros((3, 3, 4), np.uint8)
    pixels[1, 1:] = (9, 8, 7, 128)
    Image.fromarray(pixels).save(tmp_path / 'a/x.png')
    np.testing.assert_array_equal(open_with_opacity(tmp_path / 'a/x.png'), pixels)
    image, mask = CutoutFolder(str(tmp_path)).cutout(0)
    assert mask.sum() == 2 and mask[1, 1] and (image[1, 1] == (9, 8, 7)).all()
    Image.fromarray(np.zeros((3, 3, 4), np.uint8)).save(tmp_path / 'a/y.png')
    with pytest.raises(InputError, match='shows no object'):
        CutoutFolder(str(tmp_path))


def test_the_selection():
    """Its classes are those of the config; no file is used twice, so that no object and no photograph is in both splits."""
    selection = read_json(SELECTION, Selection)
    assert tuple(selection['classes']) == read_config(ROOT / 'configs/_base_/datasets/stamps64.py').class_names
    files = selection['files']
    assert len({one['sha256'] for one in files}) == len({one['file'] for one in files}) == len(files)
    assert {one['what'] for one in files} == {*selection['classes'], 'clutter', 'background'}
    assert {one['package'] for one in files} == set(selection['packages'])


def test_the_command(packages, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('mmbdg.converters.stamps.make_stamps.__defaults__', (None, 0, False, packages / 'selection.json'))
    monkeypatch.setattr(sys, 'path', [str(ROOT / 'tools/dataset_converters'), *sys.path])
    monkeypatch.setattr(sys, 'argv', ['stamps.py', str(packages), str(tmp_path / 'out'), '--train', '1', '--test', '1'])
    import stamps

    stamps.main()
    assert f'train: 2 images in {tmp_path}/out/train' in capsys.readouterr().out
