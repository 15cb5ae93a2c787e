"""A Cityscapes folder of composed scenes.

The polygons are drawn here. Cityscapes' own scripts make the other files of gtFine from them.
"""

import json

import numpy as np
from composed_scenes import compose, polygons_of, save

from mmbdg.files import write_png
from mmbdg.images import read_mask

THINGS = ('person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle')
"""Cityscapes class of a garment, by its label modulo 8."""
THINGS_IDS = dict(zip(THINGS, (24, 25, 26, 27, 28, 31, 32, 33), strict=True))
"""Cityscapes' ids."""


def write_frame(root, part, city, number, index):
    from cityscapesscripts.helpers.annotation import Annotation
    from cityscapesscripts.preparation.json2instanceImg import createInstanceImage
    from cityscapesscripts.preparation.json2labelImg import json2labelImg

    scene = compose(index, 64, 128, split=dict(val='test').get(part, part))
    name = f'{city}_{number:06}_000019'
    save(root / 'leftImg8bit' / part / city / f'{name}_leftImg8bit.png', scene.image)
    height, width = scene.image.shape[:2]
    half = height // 2
    ground = dict(
        sky=[[0, 0], [width, 0], [width, half], [0, half]], road=[[0, half], [width, half], [width, height - 4], [0, height - 4]]
    )  # the strip below is in no polygon, so it is unlabelled
    objects = [dict(label=label, polygon=polygon) for label, polygon in ground.items()]
    for mask, label in zip(scene.masks, scene.labels, strict=True):
        objects.append(dict(label=THINGS[label % 8], polygon=max(polygons_of(mask), key=len)))
    stem = root / 'gtFine' / part / city / f'{name}_gtFine'
    stem.parent.mkdir(parents=True, exist_ok=True)
    polygons = f'{stem}_polygons.json'
    with open(polygons, 'w') as file:
        json.dump(dict(imgHeight=height, imgWidth=width, objects=objects), file)
    for kind, encoding in dict(labelIds='ids', labelTrainIds='trainIds', color='color').items():
        json2labelImg(polygons, f'{stem}_{kind}.png', encoding)
    train_ids = read_mask(f'{stem}_labelTrainIds.png').copy()
    train_ids[0, :19] = range(19)  # a pixel of each label
    write_png(f'{stem}_labelTrainIds.png', train_ids)
    drawn = Annotation()
    drawn.fromJsonFile(polygons)
    # json2instanceImg saves 32 bits, which pillow no longer supports; the published files have 16.
    write_png(f'{stem}_instanceIds.png', np.asarray(createInstanceImage(drawn, 'ids')).astype(np.uint16))
    return name


def instances(path):
    """Category name and mask of each countable object in an ``instanceIds`` image."""
    from cityscapesscripts.helpers.labels import id2label
    from PIL import Image

    ids = np.asarray(Image.open(path)).astype(int)
    for value in np.unique(ids[ids >= 1000]):
        if id2label[int(value) // 1000].name in THINGS:
            yield id2label[int(value) // 1000].name, ids == value


def write_cityscapes(root):
    """Write leftImg8bit, gtFine, and the instances as COCO files like mmdet's converter. Two training cities, one test city."""
    index = 0
    for part, cities in dict(train=('aachen', 'bochum'), val=('frankfurt',)).items():
        images, annotations = [], []
        for city in cities:
            for number in range(2):
                name, index = write_frame(root, part, city, number, index), index + 1
                ids_file = f'{city}/{name}_gtFine_instanceIds.png'
                images.append(dict(id=len(images), file_name=f'{city}/{name}_leftImg8bit.png', height=64, width=128, segm_file=ids_file))
                for category, mask in instances(root / 'gtFine' / part / ids_file):
                    annotations.append(annotation(len(annotations) + 1, len(images) - 1, THINGS_IDS[category], mask))
        content = dict(images=images, annotations=annotations, categories=[dict(id=i, name=name) for name, i in THINGS_IDS.items()])
        path = root / 'annotations' / f'instancesonly_filtered_gtFine_{part}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return root


def annotation(number, image, category, mask):
    """An annotation with compressed run lengths, as written by mmdet's converter."""
    from pycocotools import mask as coco

    lengths = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(
        id=number,
        image_id=image,
        category_id=category,
        iscrowd=0,
        area=int(mask.sum()),
        bbox=coco.toBbox(lengths).tolist(),
        segmentation=dict(size=lengths['size'], counts=lengths['counts'].decode()),
    )
