"""JSON files of labelme, one beside each image.

Shapes are painted in their order: ``foreground`` (or the image's class) adds to the mask, ``background`` removes from it (a hole, or a
correction of an automatic mask), and ``ignore`` marks ignored pixels with priority over both. An automatic mask is written as a shape of
labelme's type ``mask``, which is exact for each pixel; polygons would be rounded.
"""

import base64
import binascii
import json
from collections.abc import Callable
from functools import partial
from pathlib import PureWindowsPath
from typing import Annotated

import numpy as np
from pydantic import Field

from mmbdg.annotation.drawn import Drawn, Findings, Problem, role_of
from mmbdg.annotation.file_tree import FileTree, stem_of
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, compose, encode_png
from mmbdg.annotation.sampled import Sampled
from mmbdg.coco_json import check_size
from mmbdg.errors import InputError
from mmbdg.images import image_size
from mmbdg.images import read_mask as read_label_map
from mmbdg.outlines import FARTHEST, fill_circle, fill_polygon, fill_rectangle
from mmbdg.schema import OpenSchema, validated

VERSION = '6.3.1'  # version of labelme whose file format is written
LARGEST_SIDE = 16384
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]


class Shape(OpenSchema):
    """A drawn shape."""

    label: str
    points: list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]]
    shape_type: str | None = None
    mask: str | None = None


class LabelMe(OpenSchema):
    """Content of a labelme file; other tools that write this format omit the size and the image data."""

    shapes: list[Shape]
    imagePath: str
    imageHeight: Side | None = None
    imageWidth: Side | None = None
    imageData: str | None = None


CORNERS = dict(polygon=range(3, 2**31), oriented_rectangle=(4,), rectangle=(2, 4), circle=(2,), mask=(2,))


def labelme_json(image_name: str, height: int, width: int, mask: np.ndarray | None) -> bytes:
    """Content of the JSON file for one image.

    Args:
        image_name: Name of the image file beside it.
        height, width: Size of the image in pixels.
        mask: Automatic mask to start from, uint8 (H,W); None: no mask.
    """
    shapes = []
    for label, value in (('foreground', FOREGROUND), ('ignore', IGNORE)):
        if mask is not None and (mask == value).any():
            shapes.append(_mask_shape(label, mask == value))
    content = dict(
        version=VERSION, flags={}, shapes=shapes, imagePath=image_name, imageData=None, imageHeight=int(height), imageWidth=int(width)
    )
    return (json.dumps(content, indent=2, ensure_ascii=False) + '\n').encode()


def read_labelme(tree: FileTree, samples: dict[str, Sampled], images: FileTree | None = None) -> Findings:
    """Yield one finding for each JSON file.

    Args:
        tree: JSON files, with or without their images.
        samples: Samples by stem; their images are used if the image of a JSON file is missing.
        images: Images of the samples; None if there are none.
    """
    for name in tree.ending_in('.json'):
        stem = stem_of(name)
        try:
            content = tree.read_json(name)
            try:
                validated(LabelMe, content, 'it')
            except InputError as error:
                raise InputError(f'is not a labelme file ({error})') from error
            stem = stem_of(content['imagePath'])
            size = _size(content, partial(_image, tree, name, content, samples.get(stem), images))
            mask = _paint(content, size, samples[stem].folder if stem in samples else '')
            yield Drawn(stem, tree.where(name), mask, _folder(name))
        except InputError as error:
            yield Problem(tree.where(name), str(error), stem)


def _mask_shape(label: str, mask: np.ndarray) -> dict:
    ys, xs = np.nonzero(mask)
    y0, y1, x0, x1 = int(ys.min()), int(ys.max()), int(xs.min()), int(xs.max())
    text = base64.b64encode(encode_png(mask[y0 : y1 + 1, x0 : x1 + 1].astype(np.uint8))).decode()
    points = [[x0, y0], [x1, y1]]
    return dict(label=label, points=points, group_id=None, description='automatic', shape_type='mask', flags={}, mask=text)


def _folder(name: str) -> str:
    return name.split('/')[-2] if '/' in name else ''


def _size(content: dict, image: Callable[[], bytes]) -> tuple[int, int]:
    """Height and width from the file; if they are missing, those of its image."""
    data, size = image(), (content.get('imageHeight'), content.get('imageWidth'))
    height, width = image_size(data, f'its image {content["imagePath"]}') if None in size else size
    check_size(height, width)
    return height, width


def _image(tree: FileTree, name: str, content: dict, sample: Sampled | None, images: FileTree | None) -> bytes:
    """Bytes of the image: the file beside the JSON file, the data inside it, or the sample's image."""
    beside = '/'.join([*name.split('/')[:-1], PureWindowsPath(content['imagePath']).as_posix()])
    if beside in tree.names:
        return tree.read(beside)
    if content.get('imageData'):
        return _from_base64(content['imageData'], 'has an image')
    if sample and sample.image and images:
        return images.read(sample.image)
    raise InputError(f'its image {content["imagePath"]} is missing')


def _paint(content: dict, size: tuple[int, int], folder: str) -> np.ndarray | None:
    if not content['shapes']:
        return None
    foreground, ignored = np.zeros(size, bool), np.zeros(size, bool)
    for number, shape in enumerate(content['shapes'], start=1):
        try:
            role = role_of(shape['label'], folder)
            area = _fill(shape, *size)
        except InputError as error:
            raise InputError(f'shape {number} {error}') from error
        if role == 'ignore':
            ignored |= area
        else:
            foreground[area] = role == 'foreground'
    return compose(foreground, ignored)


def _fill(shape: dict, height: int, width: int) -> np.ndarray:
    kind = shape.get('shape_type') or 'polygon'
    if kind not in CORNERS:
        raise InputError(f'is a {kind}, which has no area; use a polygon, rectangle, circle or mask')
    points = np.array(shape['points'], np.float64).reshape(-1, 2)
    if len(points) not in CORNERS[kind]:
        raise InputError(f'is a {kind} with an invalid number of points: {str(shape["points"])[:80]}')
    if kind == 'mask':
        return _place(shape, points, height, width)
    if kind == 'rectangle' and len(points) == 4:
        return _fill_four(points, height, width)
    return dict(rectangle=fill_rectangle, circle=fill_circle).get(kind, fill_polygon)(points, height, width)


def _fill_four(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """A rectangle by its four corners; if its sides are parallel to the image's, the corners may be in any order."""
    if all(len(np.unique(column)) == 2 for column in points.T):
        return fill_rectangle(np.stack([points.min(axis=0), points.max(axis=0)]), height, width)
    return fill_polygon(points, height, width)


def _from_base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise InputError(f'{what} that is not valid base64 ({error})') from error


def _place(shape: dict, points: np.ndarray, height: int, width: int) -> np.ndarray:
    data = _from_base64(shape.get('mask') or '', 'is a mask')
    try:
        values = read_label_map(data, 'it')
    except InputError as error:
        raise InputError(f'is a mask of which {error}') from error
    (x0, y0), (x1, y1) = points.astype(int)
    rows, columns = values.shape[:2]
    if abs(x1 - x0 + 1 - columns) > 1 or abs(y1 - y0 + 1 - rows) > 1:
        raise InputError(f'is a mask of {columns}x{rows} px in a box of {x1 - x0 + 1}x{y1 - y0 + 1}')
    if x0 < 0 or y0 < 0 or x0 + columns > width or y0 + rows > height:
        raise InputError(f'is a mask that exceeds the image of {width}x{height} px')
    area = np.zeros((height, width), bool)
    area[y0 : y0 + rows, x0 : x0 + columns] = values != 0
    return area
