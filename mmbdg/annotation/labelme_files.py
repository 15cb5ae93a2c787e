"""JSON files of labelme, one beside each image.

Shapes are painted in their order: ``foreground`` (or the image's class) adds, ``background`` takes away again, as a hole or a correction of
an automatic mask, and ``ignore`` marks pixels that do not count, whatever else lies there. An automatic mask is written as a shape of
labelme's type ``mask``, which keeps every pixel; polygons would round them.
"""

import base64
import binascii
import json
import math
from pathlib import PureWindowsPath

import numpy as np

from mmbdg.annotation.drawn import LABELS, Drawn, Findings, Problem, role_of
from mmbdg.annotation.file_tree import FileTree, stem_of
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, compose, decode_png, encode_png
from mmbdg.annotation.outlines import fill_circle, fill_polygon, fill_rectangle
from mmbdg.annotation.sampled import Sampled
from mmbdg.errors import InputError

VERSION = '6.3.1'  # of labelme, whose files these are like
LARGEST_SIDE = 16384
CORNERS = dict(polygon=(3, math.inf), oriented_rectangle=(4, 4), rectangle=(2, 2), circle=(2, 2), mask=(2, 2))


def labelme_json(image_name: str, height: int, width: int, mask: np.ndarray | None) -> bytes:
    """A file for one image.

    Args:
        image_name: The image beside it.
        height, width: Of the image.
        mask: uint8 (H,W), an automatic mask to begin with; None for none.
    """
    shapes = []
    for label, value in (('foreground', FOREGROUND), ('ignore', IGNORE)):
        if mask is not None and (mask == value).any():
            shapes.append(_mask_shape(label, mask == value))
    content = dict(
        version=VERSION, flags={}, shapes=shapes, imagePath=image_name, imageData=None, imageHeight=int(height), imageWidth=int(width)
    )
    return (json.dumps(content, indent=2, ensure_ascii=False) + '\n').encode()


def read_labelme(tree: FileTree, samples: dict[str, Sampled]) -> Findings:
    """One finding for each JSON file.

    Args:
        tree: Holds JSON files, with or without their images.
        samples: Their images count where a JSON file's own is missing.
    """
    for name in tree.ending_in('.json'):
        stem = stem_of(name)
        try:
            content = tree.read_json(name)
            _check_keys(content)
            stem = stem_of(content['imagePath'])
            _check_image(tree, name, content, samples.get(stem))
            mask = _paint(content, samples[stem].folder if stem in samples else '')
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


def _check_keys(content: object) -> None:
    if not isinstance(content, dict) or not isinstance(content.get('shapes'), list) or not isinstance(content.get('imagePath'), str):
        raise InputError('is no file of labelme (no shapes, or no imagePath)')
    for key in ('imageHeight', 'imageWidth'):
        side = content.get(key)
        if not isinstance(side, int) or isinstance(side, bool) or not 0 < side <= LARGEST_SIDE:
            raise InputError(f'has no usable {key}, got {side!r}')


def _check_image(tree: FileTree, name: str, content: dict, sample: Sampled | None) -> None:
    image = PureWindowsPath(content['imagePath']).as_posix()
    beside = '/'.join([*name.split('/')[:-1], image])
    if not (content.get('imageData') or beside in tree.names or (sample and sample.image)):
        raise InputError(f'its image {content["imagePath"]} is missing')


def _paint(content: dict, folder: str) -> np.ndarray | None:
    if not content['shapes']:
        return None
    height, width = content['imageHeight'], content['imageWidth']
    foreground, ignored = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for number, shape in enumerate(content['shapes'], start=1):
        try:
            if not isinstance(shape, dict) or not isinstance(shape.get('label'), str):
                raise InputError(f'has no label; labels are {", ".join(LABELS)}')
            role = role_of(shape['label'], folder)
            area = _fill(shape, height, width)
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
        raise InputError(f'is a {kind}, which has no area; draw a polygon, rectangle, circle or mask')
    try:
        points = np.asarray(shape.get('points'), np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    low, high = CORNERS[kind]
    if points.ndim != 2 or points.shape[1] != 2 or not low <= len(points) <= high or not np.isfinite(points).all():
        raise InputError(f'is a {kind} with the points {str(shape.get("points"))[:80]}, which make none')
    if kind == 'mask':
        return _place(shape, points, height, width)
    return dict(rectangle=fill_rectangle, circle=fill_circle).get(kind, fill_polygon)(points, height, width)


def _place(shape: dict, points: np.ndarray, height: int, width: int) -> np.ndarray:
    try:
        data = base64.b64decode(shape.get('mask') or '', validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InputError(f'is a mask that is not in base64 ({error})') from error
    try:
        values = decode_png(data)[1]
    except InputError as error:
        raise InputError(f'is a mask that {error}') from error
    (x0, y0), (x1, y1) = points.astype(int)
    rows, columns = values.shape[:2]
    if values.ndim != 2 or abs(x1 - x0 + 1 - columns) > 1 or abs(y1 - y0 + 1 - rows) > 1:
        raise InputError(f'is a mask of {columns}x{rows} px in a box of {x1 - x0 + 1}x{y1 - y0 + 1}')
    if x0 < 0 or y0 < 0 or x0 + columns > width or y0 + rows > height:
        raise InputError(f'is a mask that leaves the image of {width}x{height} px')
    area = np.zeros((height, width), bool)
    area[y0 : y0 + rows, x0 : x0 + columns] = values != 0
    return area
