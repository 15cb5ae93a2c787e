"""COCO's JSON: all images and annotations in one file. Annotations of an image are united; those with ``iscrowd`` do not count."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from mmbdg.annotation import run_lengths
from mmbdg.annotation.drawn import Drawn, Findings, Problem, role_of
from mmbdg.annotation.file_tree import FileTree, stem_of
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, compose
from mmbdg.annotation.outlines import fill_polygon
from mmbdg.annotation.sampled import Sampled
from mmbdg.errors import InputError

CATEGORIES = {1: 'foreground', 2: 'ignore'}
LARGEST_SIDE = 16384


def coco_json(images: Sequence[tuple[str, int, int, np.ndarray | None]]) -> bytes:
    """A file for many images.

    Args:
        images: Of each its path, height, width and an automatic mask uint8 (H,W), or None. Masks become compressed run lengths.
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
                        segmentation=dict(size=[height, width], counts=run_lengths.compress(run_lengths.encode(area))),
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
    """One finding for each image of each JSON file.

    Args:
        tree: Holds files of COCO, usually one.
        samples: For the classes of images.
        crowd: What ``iscrowd`` means: 'ignore', or 'foreground' for tools that set it on all masks of a brush.
    """
    for name in tree.ending_in('.json'):
        try:
            content = tree.read_json(name)
            if not isinstance(content, dict) or any(not isinstance(content.get(k), list) for k in ('images', 'categories', 'annotations')):
                raise InputError('is no file of COCO (no images, categories and annotations)')
        except InputError as error:
            yield Problem(tree.where(name), str(error))
            continue
        yield from _read_images(content, tree.where(name), samples, crowd)


def _read_images(content: dict, where: str, samples: dict[str, Sampled], crowd: str) -> Findings:
    listed = [c for c in content['categories'] if isinstance(c, dict) and isinstance(c.get('id'), int) and isinstance(c.get('name'), str)]
    categories = {category['id']: category['name'] for category in listed}
    images, bad = {}, set()
    for number, image in enumerate(content['images'], start=1):
        try:
            _check_image(image)
            if image['id'] in images:
                bad.add(image['id'])
                raise InputError(f'has the id {image["id"]} of another image')
            images[image['id']] = image
        except InputError as error:
            yield Problem(f'{where}, image {number}', str(error), stem_of(image['file_name']) if _named(image) else '')
    of_image: dict[int, list] = {key: [] for key in images}
    for number, annotation in enumerate(content['annotations'], start=1):
        image_id = annotation.get('image_id') if isinstance(annotation, dict) else None
        if not isinstance(image_id, int) or image_id not in images:
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


def _named(image: object) -> bool:
    return isinstance(image, dict) and isinstance(image.get('file_name'), str)


def _check_image(image: object) -> None:
    if not _named(image) or not isinstance(image.get('id'), int):
        raise InputError('has no id or no file_name')
    for key in ('height', 'width'):
        if not isinstance(image.get(key), int) or not 0 < image[key] <= LARGEST_SIDE:
            raise InputError(f'{image["file_name"]} has no usable {key}, got {image.get(key)!r}')


def _paint(image: dict, annotations: list, categories: dict, folder: str, crowd: str) -> np.ndarray | None:
    if not annotations:
        return None
    height, width = image['height'], image['width']
    foreground, ignored = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for number, annotation in annotations:
        try:
            category = annotation.get('category_id')
            if not isinstance(category, int) or category not in categories:
                raise InputError(f'has the unknown category {category!r}; the file lists {sorted(categories)}')
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
        raise InputError('has iscrowd on all of its foreground; if its tool sets that on every mask, as Datumaro does: --crowd foreground')
    return compose(foreground, ignored)


def _fill(segmentation: object, height: int, width: int) -> np.ndarray:
    if isinstance(segmentation, dict):
        counts = segmentation.get('counts')
        if segmentation.get('size') != [height, width]:
            raise InputError(f'has run lengths for {segmentation.get("size")} (height, width), the image is {[height, width]}')
        if isinstance(counts, str):
            counts = run_lengths.decompress(counts)
        if not isinstance(counts, list):
            raise InputError('has run lengths without counts')
        return run_lengths.decode(counts, height, width)
    if not isinstance(segmentation, list) or not segmentation:
        raise InputError('has a box or keypoints, but no mask')
    area = np.zeros((height, width), bool)
    for polygon in segmentation:
        area |= fill_polygon(_corners(polygon), height, width)
    return area


def _corners(polygon: object) -> np.ndarray:
    try:
        numbers = np.asarray(polygon, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or len(numbers) < 6 or len(numbers) % 2 or not np.isfinite(numbers).all():
        raise InputError(f'has the polygon {str(polygon)[:80]}; it takes x, y of three corners at least')
    return numbers.reshape(-1, 2)
