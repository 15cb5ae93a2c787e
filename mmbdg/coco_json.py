"""COCO instance annotation files: their schema, and masks from polygons and run lengths, validated before C code reads them.

Identifiers are integers; strings are accepted too where only this package reads the file.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mmbdg import run_lengths
from mmbdg.errors import InputError
from mmbdg.image_files import image_limits
from mmbdg.listing import natural_key
from mmbdg.outlines import FARTHEST, check_polygon
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, validated

Id = int | str
Side = Annotated[int, Field(ge=1, le=65_535)]


class Image(OpenSchema):
    """An image."""

    id: Id
    file_name: str


class SizedImage(Image):
    """An image that states its size."""

    height: Side
    width: Side


class Category(OpenSchema):
    """A category."""

    id: Id
    name: str


class Annotation(OpenSchema):
    """An instance; its mask is checked by :func:`polygons_of` and :func:`area_of`."""

    image_id: Id
    category_id: Id
    iscrowd: bool | int | None = 0


class Licence(OpenSchema):
    """A licence of images."""

    name: str | None = None


class Instances(OpenSchema):
    """Top level of the file; the entries of the lists are validated one by one, so that memory does not hold them twice."""

    images: list[Any]
    categories: list[Any]
    annotations: list[Any]
    licenses: list[Licence] | None = None


def read_instances(path: str | os.PathLike, image: type = Image, annotation: type = Annotation) -> dict:
    """Read an instance annotation file.

    Args:
        path: Path of the JSON file.
        image, annotation: Schemas of the entries.

    Returns:
        The content of the file.

    Raises:
        InputError: The file does not follow the schema, or two images or two categories have the same id.
    """
    content = read_json(path, Instances)
    for kind, schema in (('images', image), ('categories', Category), ('annotations', annotation)):
        for number, entry in enumerate(content[kind], start=1):
            validated(schema, entry, f'{path}: {kind}, entry {number},')
    for kind in ('images', 'categories'):
        ids = [entry['id'] for entry in content[kind]]
        if len(set(ids)) != len(ids):
            twice = next(one for place, one in enumerate(ids) if one in ids[:place])
            raise InputError(f'{path}: two {kind} have the id {twice!r}')
    return content


def by_id(entry: dict) -> tuple:
    """Sort key: integer ids first, then string ids in natural order."""
    key = entry['id']
    return (0, key) if isinstance(key, int) else (1, natural_key(key))


def check_size(height: int, width: int, name: str = 'its image') -> None:
    """Check an image size stated in a file before memory is allocated for it.

    Args:
        height, width: Size of the image in pixels.
        name: Name of the image in the message; default 'its image'.

    Raises:
        InputError: The image has more pixels than :func:`~mmbdg.image_files.image_limits` allows.
    """
    most, _ = image_limits()
    if height * width > most:
        raise InputError(f'{name} has {width}x{height} px; at most {most:,} pixels are read (image_limits.pixels of the config)')


def polygons_of(segmentation: Sequence, height: int, width: int) -> list[np.ndarray]:
    """Polygons of an instance.

    Args:
        segmentation: Polygons as COCO stores them: a list of lists [x0, y0, x1, y1, ...] in pixels.
        height, width: Size of the image in pixels.

    Returns:
        The corners of each polygon, float64 (N,2), x and y in pixels.

    Raises:
        InputError: There is no polygon, a polygon is not a list of at least six numbers (x and y of three corners), or
            :func:`~mmbdg.outlines.check_polygon` finds a fault.
    """
    check_size(height, width)
    if not isinstance(segmentation, list) or not segmentation:
        raise InputError('has a box or keypoints, but no mask')
    found = []
    for polygon in segmentation:
        whole = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        if not whole or not all(type(number) in (int, float) for number in polygon):
            raise InputError(f'has the polygon {str(polygon)[:80]}; it takes x, y of three corners at least')
        # Python's integers may be too large for a float.
        points = np.array([number if abs(number) <= FARTHEST else np.inf for number in polygon], np.float64).reshape(-1, 2)
        check_polygon(points, height, width)
        found.append(points)
    return found


def area_of(segmentation: dict, height: int, width: int) -> np.ndarray:
    """Decode run lengths, plain or compressed, into a mask, bool (height,width).

    Raises:
        InputError: The run lengths are missing or malformed, are for another image size, or do not add up to the image.
    """
    check_size(height, width)
    if segmentation.get('size') != [height, width]:
        raise InputError(f'has run lengths for {segmentation.get("size")} (height, width), the image is {[height, width]}')
    counts = segmentation.get('counts')
    if not isinstance(counts, str | list):
        raise InputError('has run lengths without counts')
    try:
        return run_lengths.decode(counts, height, width)
    except InputError as error:
        raise InputError(f'has no mask: {error}') from error
