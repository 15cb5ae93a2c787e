"""A VOC devkit of composed scenes: VOC2007 and VOC2012 with boxes, VOC2012 with label maps, and the label maps of SBD."""

from xml.etree import ElementTree

import numpy as np
from composed_scenes import compose, save

NAMES = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow')
"""VOC class of each of the ten garment classes. The label in a label map is one higher."""


def annotation_xml(name, scene, difficult):
    root = ElementTree.Element('annotation')
    ElementTree.SubElement(root, 'filename').text = f'{name}.jpg'
    size = ElementTree.SubElement(root, 'size')
    height, width = scene.image.shape[:2]
    for key, value in dict(width=width, height=height, depth=3).items():
        ElementTree.SubElement(size, key).text = str(value)
    for number, ((x1, y1, x2, y2), label) in enumerate(zip(scene.boxes(), scene.labels, strict=True)):
        entry = ElementTree.SubElement(root, 'object')
        for key, value in dict(name=NAMES[label], pose='Frontal', truncated=0, difficult=int(difficult and number == 0)).items():
            ElementTree.SubElement(entry, key).text = str(value)
        box = ElementTree.SubElement(entry, 'bndbox')
        for key, value in dict(xmin=x1 + 1, ymin=y1 + 1, xmax=x2, ymax=y2).items():  # coordinates start at 1 and include both ends
            ElementTree.SubElement(box, key).text = str(value)
    return root


def label_map(scene):
    """Label map uint8 (H,W): 0 is background, 255 a border around each object. The first row contains each label once."""
    from scipy.ndimage import binary_dilation

    labels = np.zeros(scene.image.shape[:2], np.uint8)
    labels[binary_dilation(scene.masks.any(0))] = 255
    for mask, label in zip(scene.masks, scene.labels, strict=True):
        labels[mask] = label + 1
    labels[0, :21] = range(21)
    return labels


def save_palette(path, labels):
    """Write a PNG with a palette like VOC's."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels, 'P')
    image.putpalette([value for label in range(256) for value in (label, 255 - label, label // 2)])
    image.save(path)


def write_lists(folder, lists):
    folder.mkdir(parents=True, exist_ok=True)
    for name, names in lists.items():
        (folder / f'{name}.txt').write_text('\n'.join(names) + '\n')


def write_voc(root):
    """Write root/VOC2007 and root/VOC2012. The first object of the first image of each list is ``difficult``."""
    lists = {
        'VOC2007': dict(trainval=['000001', '000002', '000003'], test=['000011', '000012']),
        'VOC2012': dict(trainval=['2008_000001', '2008_000002']),
    }
    segmentation = dict(train=['2008_000001', '2008_000002'], val=['2008_000011', '2008_000012'], aug=['2008_000021', '2008_000022'])
    index = 0
    for year, parts in lists.items():
        write_lists(root / year / 'ImageSets' / 'Main', parts)
        for names in parts.values():
            for position, name in enumerate(names):
                scene = compose(index, *((128, 96) if index % 3 == 2 else (96, 128)), garments=2 + index % 2)
                index += 1
                save(root / year / 'JPEGImages' / f'{name}.jpg', scene.image, quality=95)
                path = root / year / 'Annotations' / f'{name}.xml'
                path.parent.mkdir(exist_ok=True)
                ElementTree.ElementTree(annotation_xml(name, scene, position == 0)).write(path)
    write_lists(root / 'VOC2012' / 'ImageSets' / 'Segmentation', segmentation)
    for part, names in segmentation.items():
        for name in names:
            scene = compose(index, split='test' if part == 'val' else 'train')
            index += 1
            save(root / 'VOC2012' / 'JPEGImages' / f'{name}.jpg', scene.image, quality=95)
            if part == 'aug':  # SBD's label maps have no palette
                save(root / 'VOC2012' / 'SegmentationClassAug' / f'{name}.png', label_map(scene))
            else:
                save_palette(root / 'VOC2012' / 'SegmentationClass' / f'{name}.png', label_map(scene))
    return root
