"""Checks of detection annotations as mmdet reads them (VOC's XML, COCO's JSON): complete, with known classes and existing images."""

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
    """Image entry with the id that pycocotools needs."""

    id: int


class Boxed(Annotation):
    """Instance entry with the fields that mmdet reads."""

    id: int
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    area: float
    segmentation: list | dict | None = None


def voc_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Check that each listed image has an image file and an XML file, and that each object's name is a class.

    Args:
        dataset: ``mmdet.XMLDataset`` whose files are not read yet.
        chosen: Whether the config itself sets the classes; then objects of other classes are no error.

    Returns:
        Sentences for the log about skipped images and objects.
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
    """Class names of the objects in a VOC XML file.

    Raises:
        InputError: The file is truncated or not VOC XML: the image size is invalid, or an object has no name or no box of four numbers.
    """
    root = read_xml(path)
    sizes = [root.findtext(f'size/{key}') for key in ('width', 'height')] if root.find('size') is not None else []
    if not all((text or '').strip().isdecimal() for text in sizes):
        raise InputError(f'{path} has an invalid size: {sizes}; width and height must be whole numbers')
    names = []
    for number, entry in enumerate(root.iter('object'), start=1):
        texts = [entry.findtext(f'bndbox/{key}') for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        difficult = entry.find('difficult')
        if not entry.findtext('name') or not all(map(_is_number, texts)):
            raise InputError(f'{path}, object {number}, has no name or no box of four numbers: {entry.findtext("name")}, {texts}')
        if difficult is not None and (difficult.text or '').strip() not in ('0', '1'):
            raise InputError(f'{path}, object {number}, has difficult={difficult.text!r}; it must be 0 or 1')
        names.append(entry.findtext('name'))
    return names


def _is_number(text: str | None) -> bool:
    try:
        return abs(float(text or '')) < 1e9
    except ValueError:
        return False


def coco_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Check that each listed image exists, that annotations refer to listed images and classes, and that outlines are valid.

    Args:
        dataset: ``mmdet.CocoDataset`` whose files are not read yet.
        chosen: Whether the config itself sets the classes; then objects of other classes are no error.

    Returns:
        Sentences for the log about skipped images and objects.
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
    refuse([text for entry in annotations if (text := _outline_problem(entry, images))], f'invalid outlines in {path}')
    foreign = Counter(names.get(entry['category_id'], entry['category_id']) for entry in annotations)
    foreign = {name: count for name, count in foreign.items() if name not in classes}
    if not chosen:
        refuse(
            [f'"{name}" ({count} annotations)' for name, count in foreign.items()],
            f'{path} has annotations of categories that are not among the classes',
        )
    empty = len(images.keys() - {entry['image_id'] for entry in annotations})
    notes = left_out(dataset, path, len(images), empty, sum(foreign.values()))
    if dataset.test_mode and any(entry['id'] == 0 for entry in annotations):  # mmdet's Cityscapes converter starts at 0
        notes.append(f'{path}: one annotation has id 0, which pycocotools never counts as found; number them from 1')
    return notes


def _outline_problem(entry: dict, images: dict[int, dict]) -> str:
    """Problem of an outline on which pycocotools would crash or read uninitialised memory; '' if it is valid or missing."""
    outline, image = entry.get('segmentation'), images[entry['image_id']]
    try:
        if isinstance(outline, dict):
            area_of(outline, image['height'], image['width'])
        elif outline:
            polygons_of(outline, image['height'], image['width'])
    except InputError as error:
        return f'annotation {entry["id"]} {error}'
    return ''
