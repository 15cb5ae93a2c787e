"""All readers of masks, and all readers of images, give the same pixels for every way of storing them."""

import base64
import json

import numpy as np
import pytest
from annotated import png_bytes
from mmengine.registry import init_default_scope
from PIL import Image

from mmbdg.analysis.images.annotated_images import AnnotatedImages
from mmbdg.analysis.images.coco_images import CocoImages
from mmbdg.analysis.images.dataset_images import DatasetImages
from mmbdg.annotation import check_annotated_latents, import_annotations, write_project
from mmbdg.annotation.encode import read_annotated_images
from mmbdg.annotation.mask_sheet import _cell
from mmbdg.annotation.saliency import propose_masks
from mmbdg.converters.chest_xray.pictures import read_lungs
from mmbdg.datasets import AnnotatedLatents, LabelledFolder
from mmbdg.datasets.loading import LoadImage, LoadMask
from mmbdg.datasets.mask_labels import labels_of
from mmbdg.errors import InputError

SIDE, DIM = 16, 4
DRAWN = np.random.default_rng(0).random((SIDE, SIDE)) < 0.5
LABELS = DRAWN.astype(np.uint8)
GREYS = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
GREYS[0, 0] = 255
PIPELINE = [dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask')]
CLASSES = ('background', 'disc')


def with_alpha(array):
    return np.concatenate([array, np.full((SIDE, SIDE, 1), 255, np.uint8)], 2)


def with_palette(values):
    picture = Image.fromarray(values, 'P')
    picture.putpalette([grey for value in range(256) for grey in (value,) * 3])
    return picture


def of_all_modes(values):
    """PNG files of the same single-channel values, by the Pillow mode in which they open."""
    colours = np.repeat(values[..., None], 3, 2)
    pictures = {
        'L': values,
        'P': with_palette(values),
        'LA': with_alpha(values[..., None]),
        'RGB': colours,
        'RGBA': with_alpha(colours),
        'I;16': values.astype(np.uint16),
    }
    return {mode: png_bytes(picture) for mode, picture in pictures.items()}


MASKS = {'1': png_bytes(DRAWN), **of_all_modes(LABELS)}
IMAGES = {'1': png_bytes(GREYS > 99), **of_all_modes(GREYS)}


class Folder:
    """A folder with one sample, and functions that read its mask or its image."""

    def __init__(self, root, mask, image):
        self.root, self.stem = root, 'disc_0_0'
        for place, data in (('masks/disc/x', mask), ('images/disc/x', image), ('set/images/s/disc/disc_0_0', image)):
            self.write(f'{place}.png', data)
        self.write(f'set/annotations/s/disc/{self.stem}.png', mask)
        self.write(f'set/latents/s/disc/{self.stem}.npy', b'')
        np.save(root / f'set/latents/s/disc/{self.stem}.npy', np.ones((1, DIM), np.float32))

    def write(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def labelled(self, load_mask=PIPELINE[1]):
        return LabelledFolder(str(self.root), metainfo=dict(classes=CLASSES), pipeline=[PIPELINE[0], load_mask])

    def latents(self):
        return AnnotatedLatents(str(self.root / 'set'), 's', DIM, SIDE, class_names=['disc'])

    def coco(self):
        content = dict(
            images=[dict(id=1, file_name='images/disc/x.png', height=SIDE, width=SIDE)],
            categories=[dict(id=1, name='disc')],
            annotations=[],
        )
        return CocoImages(self.write('coco.json', json.dumps(content).encode()))


def imported(folder, source):
    import_annotations(source, folder.root / 'dst', latents=folder.root / 'set')
    return np.asarray(Image.open(folder.root / f'dst/annotations/s/disc/{folder.stem}.png')) == 255


def labelme(folder):
    data = (folder.root / 'masks/disc/x.png').read_bytes()
    shape = dict(label='foreground', points=[[0, 0], [SIDE - 1] * 2], shape_type='mask', mask=base64.b64encode(data).decode())
    folder.write('labelme/x.json', json.dumps(dict(shapes=[shape], imagePath=f'{folder.stem}.png')).encode())
    return imported(folder, folder.root / 'labelme')


def cvat(folder):
    folder.write('cvat/labelmap.txt', b'background:0,0,0::\nforeground:1,1,1::\n')
    folder.write(f'cvat/SegmentationClass/{folder.stem}.png', (folder.root / 'masks/disc/x.png').read_bytes())
    return imported(folder, folder.root / 'cvat')


def project(folder):
    """Write an automatic mask into a project and import it again."""
    root = folder.root / 'set'
    folder.write(f'set/auto/s/disc/{folder.stem}.png', (folder.root / 'masks/disc/x.png').read_bytes())
    write_project(root, 's', 'coco')
    return imported(folder, root)


def checked(folder):
    """The foreground share that the check of annotated latents reports."""
    found = check_annotated_latents(folder.root / 'set', resolution=SIDE)
    assert not found.problems
    return DRAWN if found.shares == {(0, 'disc'): [DRAWN.mean()]} else found.shares


def before_training(folder):
    """The pixel values that the check of listed files finds."""
    found = labels_of([dict(seg_map_path=str(folder.root / 'masks/disc/x.png'))], (), 2, 255)
    assert not found.problems
    return DRAWN if found.becomes == {0: 0, 1: 1} else found.becomes


def analyzed(folder):
    init_default_scope('mmseg')
    return DatasetImages.build(
        dict(type='mmbdg.LabelledFolder', data_root=str(folder.root), metainfo=dict(classes=CLASSES), pipeline=PIPELINE), 'x'
    )


def sheet(folder, part):
    cell = _cell(folder.root / 'masks/disc/x.png', folder.root / ('none.png' if part == 'mask' else 'images/disc/x.png'))
    return cell[::8, : cell.shape[0] : 8]


READERS_OF_MASKS = dict(
    plain_import=lambda folder: imported(folder, folder.root / 'set/annotations'),
    labelme=labelme,
    cvat=cvat,
    project=project,
    check=checked,
    latents=lambda folder: folder.latents()[0]['data_samples'].gt_sem_seg.data[0].numpy(),
    encode=lambda folder: read_annotated_images(folder.root, ['disc'], SIDE)[0].read(SIDE)[1],
    labelled_folder=lambda folder: folder.labelled()[0]['gt_seg_map'],
    load_mask=lambda folder: LoadMask()(dict(seg_map_path=str(folder.root / 'masks/disc/x.png')))['gt_seg_map'],
    before_training=before_training,
    analyze=lambda folder: analyzed(folder).mask(0),
    analyze_latents=lambda folder: AnnotatedImages(folder.latents(), 's').mask(0),
    chest_xray=lambda folder: read_lungs([folder.root / 'masks/disc/x.png']),
    sheet=lambda folder: sheet(folder, 'mask')[..., 0],
)


@pytest.mark.parametrize('mode', MASKS)
@pytest.mark.parametrize('reader', READERS_OF_MASKS)
def test_masks(reader, mode, tmp_path):
    assert Image.open(Folder(tmp_path, MASKS[mode], IMAGES['RGB']).root / 'masks/disc/x.png').mode.startswith(mode[0])
    found = READERS_OF_MASKS[reader](Folder(tmp_path, MASKS[mode], IMAGES['RGB']))
    assert found.shape == DRAWN.shape and np.array_equal(found != 0, DRAWN) and len(np.unique(found)) == 2


def looked_at(folder):
    seen = []
    propose_masks(folder.root / 'set', lambda image: seen.append(image) or image[..., 0] / 255)
    return seen[0]


READERS_OF_IMAGES = dict(
    load_image=lambda folder: LoadImage()(dict(img_path=str(folder.root / 'images/disc/x.png')))['img'][..., ::-1],
    labelled_folder=lambda folder: folder.labelled()[0]['img'][..., ::-1],
    encode=lambda folder: read_annotated_images(folder.root, ['disc'], SIDE)[0].read(SIDE)[0],
    analyze=lambda folder: analyzed(folder).image(0),
    analyze_latents=lambda folder: AnnotatedImages(folder.latents(), 's').image(0),
    coco=lambda folder: folder.coco().image(0),
    saliency=looked_at,
    sheet=lambda folder: sheet(folder, 'image'),
)


@pytest.mark.parametrize('mode', IMAGES)
@pytest.mark.parametrize('reader', READERS_OF_IMAGES)
def test_images(reader, mode, tmp_path):
    expected = (GREYS > 99) * np.uint8(255) if mode == '1' else GREYS
    found = READERS_OF_IMAGES[reader](Folder(tmp_path, MASKS['L'], IMAGES[mode]))
    assert found.dtype == np.uint8 and np.array_equal(found, np.repeat(expected[..., None], 3, 2))


@pytest.mark.parametrize('reader', READERS_OF_IMAGES)
def test_turned_images(reader, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    found = READERS_OF_IMAGES[reader](Folder(tmp_path, MASKS['L'], png_bytes(GREYS, exif=tags.tobytes())))
    assert np.array_equal(found[..., 0], np.rot90(GREYS, -1))


def test_a_mask_with_transparent_pixels_is_refused_everywhere(tmp_path):
    values = with_alpha(np.repeat(LABELS[..., None], 3, 2))
    values[0, 0, 3] = 0
    folder = Folder(tmp_path, png_bytes(values), IMAGES['RGB'])
    for name, read in READERS_OF_MASKS.items():
        if name in ('check', 'before_training', 'chest_xray'):  # two list the problem, one has no alpha channel
            continue
        with pytest.raises(InputError, match='transparent pixels'):
            read(folder)
    assert 'transparent pixels' in str(check_annotated_latents(tmp_path / 'set').problems)
    assert 'transparent pixels' in str(labels_of([dict(seg_map_path=str(tmp_path / 'masks/disc/x.png'))], (), 2, 255).problems)
