"""Annotations of objects as mmdet reads them, VOC's XML and COCO's JSON: whole, of known classes, and with images that are there."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

from mmengine.dataset import BaseDataset
from pydantic import Field

from mmbdg.coco_json import Annotation, SizedImage, area_of, polygons_of, read_instances
from mmbdg.datasets.looking_up import left_out, lines_of, missing, refuse, refuse_mark
from mmbdg.errors import InputError
from mmbdg.reading import read_xml


class Numbered(SizedImage):
    """An image as pycocotools can look it up."""

    id: int


class Boxed(Annotation):
    """An instance as mmdet reads it."""

    id: int
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    area: float
    segmentation: list | dict | None = None


def voc_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Each listed image has its picture and its XML; each object's name is a class.

    Args:
        dataset: ``mmdet.XMLDataset``, unread.
        chosen: The config itself names the classes.
    """
    root, classes = Path(dataset.sub_data_root), set(dataset.metainfo['classes'])
    names = lines_of(dataset.ann_file)
    pictures = missing(root / dataset.img_subdir / f'{name}.jpg' for name in names)
    refuse(pictures, f'images that {dataset.ann_file} lists are missing or empty')
    xml = [root / dataset.ann_subdir / f'{name}.xml' for name in names]
    refuse(missing(xml), f'annotations of images that {dataset.ann_file} lists are missing or empty')
    objects = [(path, name) for path in xml for name in names_of_objects(path)]
    foreign = [f'{path}: "{name}"' for path, name in objects if name not in classes]
    if not chosen:
        refuse(foreign, f'objects of classes that {type(dataset).__name__} does not have')
    empty = len(set(xml) - {path for path, _ in objects})
    return left_out(dataset, dataset.ann_file, len(names), empty, len(foreign))


def names_of_objects(path: str | os.PathLike) -> list[str]:
    """Classes of the objects in an XML file of VOC.

    Raises:
        InputError: It is cut off, or no such file: an object has no name or no box of four numbers, the size is none.
    """
    root = read_xml(path)
    sizes = [root.findtext(f'size/{key}') for key in ('width', 'height')] if root.find('size') is not None else []
    if not all((text or '').strip().isdecimal() for text in sizes):
        raise InputError(f'{path} has a size that is none: {sizes}')
    names = []
    for number, entry in enumerate(root.iter('object'), start=1):
        texts = [entry.findtext(f'bndbox/{key}') for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        difficult = entry.find('difficult')
        if not entry.findtext('name') or not all(map(_is_number, texts)):
            raise InputError(f'{path}, object {number}, has no name or no box of four numbers: {entry.findtext("name")}, {texts}')
        if difficult is not None and (difficult.text or '').strip() not in ('0', '1'):
            raise InputError(f'{path}, object {number}, is difficult={difficult.text!r}; that is 0 or 1')
        names.append(entry.findtext('name'))
    return names


def _is_number(text: str | None) -> bool:
    try:
        return abs(float(text or '')) < 1e9
    except ValueError:
        return False


def coco_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Each listed image is there, each annotation is of a listed image and of a class, and each class is a category; outlines are whole.

    Args:
        dataset: ``mmdet.CocoDataset``, unread.
        chosen: The config itself names the classes.
    """
    path, classes = Path(dataset.ann_file), dataset.metainfo['classes']
    if not path.is_file():
        raise InputError(f'the annotation file {path} is missing')
    refuse_mark(path)
    content = read_instances(path, Numbered, Boxed)
    images = {image['id']: image for image in content['images']}
    pictures = missing(Path(dataset.data_prefix['img']) / image['file_name'] for image in images.values())
    refuse(pictures, f'images that {path} lists are missing or empty')
    names = {category['id']: category['name'] for category in content['categories']}
    refuse([f'"{name}"' for name in classes if name not in names.values()], f'classes that {path} has no category for')
    annotations = content['annotations']
    stray = [f'annotation {entry["id"]}' for entry in annotations if entry['image_id'] not in images]
    refuse(stray, f'{path} has annotations of images that it does not list')
    refuse([text for entry in annotations if (text := _outline_problem(entry, images))], f'outlines in {path} are none')
    foreign = Counter(names.get(entry['category_id'], entry['category_id']) for entry in annotations)
    foreign = {name: count for name, count in foreign.items() if name not in classes}
    if not chosen:
        refuse(
            [f'"{name}" ({count} annotations)' for name, count in foreign.items()],
            f'{path} has annotations of categories that are none of the classes',
        )
    empty = len(images.keys() - {entry['image_id'] for entry in annotations})
    notes = left_out(dataset, path, len(images), empty, sum(foreign.values()))
    if dataset.test_mode and any(entry['id'] == 0 for entry in annotations):  # mmdet's converter of Cityscapes begins there
        notes.append(f'{path}: one annotation has id 0, which pycocotools never counts as found; number them from 1')
    return notes


def _outline_problem(entry: dict, images: dict[int, dict]) -> str:
    """What pycocotools would decode into memory that nobody wrote, or crash on; '' if nothing is wrong, or there is no outline."""
    outline, image = entry.get('segmentation'), images[entry['image_id']]
    try:
        if isinstance(outline, dict):
            area_of(outline, image['height'], image['width'])
        elif outline:
            polygons_of(outline, image['height'], image['width'])
    except InputError as error:
        return f'annotation {entry["id"]} {error}'
    return ''
