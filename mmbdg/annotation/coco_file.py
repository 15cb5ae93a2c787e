"""COCO's JSON format: one file for all images. An image's mask is the union of its annotations; areas with ``iscrowd`` are ignored."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from mmbdg import run_lengths
from mmbdg.annotation.drawn import Drawn, Findings, Problem, role_of
from mmbdg.annotation.file_tree import FileTree, stem_of
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, compose
from mmbdg.annotation.sampled import Sampled
from mmbdg.coco_json import Annotation, Category, Id, Image, Instances, area_of, check_size, polygons_of
from mmbdg.errors import InputError
from mmbdg.outlines import fill_polygons
from mmbdg.schema import validated

CATEGORIES = {1: 'foreground', 2: 'ignore'}
LARGEST_SIDE = 16384


def coco_json(images: Sequence[tuple[str, int, int, np.ndarray | None]]) -> bytes:
    """Content of a JSON file for many images.

    Args:
        images: Path, height, width and automatic mask uint8 (H,W) or None of each image. Masks are stored as compressed run lengths.
    """
    annotations = []
    for image_id, (_, height, width, mask) in enumerate(images, start=1):
        for category, value in ((1, FOREGROUND), (2, IGNORE)):
            if mask is not None and (area := mask == value).any():
                ys, xs = np.nonzero(area)
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=image_id,
                        category_id=category,
                        segmentation=dict(size=[height, width], counts=run_lengths.encode(area)),
                        area=int(area.sum()),
                        bbox=[int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1],
                        iscrowd=0,
                    )
                )
    content = dict(
        info=dict(description='generated images to annotate'),
        licenses=[],
        images=[dict(id=i, file_name=path, height=h, width=w) for i, (path, h, w, _) in enumerate(images, start=1)],
        categories=[dict(id=i, name=name, supercategory='') for i, name in CATEGORIES.items()],
        annotations=annotations,
    )
    return (json.dumps(content, ensure_ascii=False, indent=1) + '\n').encode()


def read_coco(tree: FileTree, samples: dict[str, Sampled], crowd: str = 'ignore') -> Findings:
    """Yield one finding for each image of each JSON file.

    Args:
        tree: COCO files, usually one.
        samples: Samples by stem, for the classes of the images.
        crowd: Meaning of ``iscrowd``: 'ignore' (default), or 'foreground' for tools that set it on all brush masks.
    """
    for name in tree.ending_in('.json'):
        try:
            content = validated(Instances, tree.read_json(name), '')
        except InputError as error:
            yield Problem(tree.where(name), f'is not a COCO file ({str(error).strip()})')
            continue
        yield from _read_images(content, tree.where(name), samples, crowd)


def _read_images(content: dict, where: str, samples: dict[str, Sampled], crowd: str) -> Findings:
    categories = {entry['id']: entry['name'] for entry in content['categories'] if not _fault(Category, entry)}
    images, bad = {}, set()
    for number, image in enumerate(content['images'], start=1):
        try:
            _check_image(image)
            if image['id'] in images:
                bad.add(image['id'])
                raise InputError(f'has the id {image["id"]} of another image')
            images[image['id']] = image
        except InputError as error:
            yield Problem(f'{where}, image {number}', str(error), '' if _fault(Image, image) else stem_of(image['file_name']))
    of_image: dict[Id, list] = {key: [] for key in images}
    for number, annotation in enumerate(content['annotations'], start=1):
        image_id = annotation.get('image_id') if isinstance(annotation, dict) else None
        if isinstance(image_id, bool) or not isinstance(image_id, int | str) or image_id not in images:
            yield Problem(f'{where}, annotation {number}', f'belongs to the image {image_id!r}, which is not listed')
            continue
        of_image[image_id].append((number, annotation))
    for image_id, image in images.items():
        stem = stem_of(image['file_name'])
        if image_id in bad:
            yield Problem(f'{where}, {image["file_name"]}', 'shares its id with another image', stem)
            continue
        try:
            mask = _paint(image, of_image[image_id], categories, samples[stem].folder if stem in samples else '', crowd)
            yield Drawn(stem, f'{where}, {image["file_name"]}', mask, PurePosixPath(image['file_name'].replace('\\', '/')).parent.name)
        except InputError as error:
            yield Problem(f'{where}, {image["file_name"]}', str(error), stem)


def _fault(schema: type, entry: object) -> str:
    """Error message for an entry; '' if it is valid."""
    try:
        validated(schema, entry, '')
    except InputError as error:
        return str(error).strip()
    return ''


def _check_image(image: object) -> None:
    if _fault(Image, image):
        raise InputError(f'has no id or no file_name ({_fault(Image, image)})')
    for key in ('height', 'width'):
        if type(image.get(key)) is not int or not 0 < image[key] <= LARGEST_SIDE:
            raise InputError(f'{image["file_name"]} has no usable {key}, got {image.get(key)!r}')
    check_size(image['height'], image['width'], image['file_name'])


def _paint(image: dict, annotations: list, categories: dict, folder: str, crowd: str) -> np.ndarray | None:
    if not annotations:
        return None
    height, width = image['height'], image['width']
    foreground, ignored = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for number, annotation in annotations:
        try:
            category = annotation.get('category_id')
            if isinstance(category, bool) or not isinstance(category, int | str) or category not in categories:
                raise InputError(f'has the unknown category {category!r}; the file lists {sorted(categories, key=str)[:20]}')
            if fault := _fault(Annotation, annotation):
                raise InputError(fault)
            role = role_of(categories[category], folder)
            area = _fill(annotation.get('segmentation'), height, width)
        except InputError as error:
            raise InputError(f'annotation {number} {error}') from error
        if role == 'background':
            continue
        if role == 'ignore' or (annotation.get('iscrowd') and crowd == 'ignore'):
            ignored |= area
        else:
            foreground |= area
    if not foreground.any() and any(annotation.get('iscrowd') for _, annotation in annotations) and crowd == 'ignore':
        raise InputError(
            'has iscrowd on all of its foreground; if the tool sets it on every mask, as Datumaro does, use --crowd foreground'
        )
    return compose(foreground, ignored)


def _fill(segmentation: object, height: int, width: int) -> np.ndarray:
    if isinstance(segmentation, dict):
        return area_of(segmentation, height, width)
    return fill_polygons(polygons_of(segmentation, height, width), height, width)
