"""COCO's files of instances: their schema, and the outlines in them, checked before any code in C sees them.

Identifiers are whole numbers; text is taken too where nothing but this package reads the file.
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
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, validated

FARTHEST = 10**6
"""A corner of an outline lies at most so many pixels outside its image."""

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
    """An instance; its outline is checked by :func:`polygons_of` and :func:`area_of`."""

    image_id: Id
    category_id: Id
    iscrowd: bool | int | None = 0


class Licence(OpenSchema):
    """A licence of images."""

    name: str | None = None


class Instances(OpenSchema):
    """The parts of a file; what is in the lists is checked one by one, so that memory does not hold it twice."""

    images: list[Any]
    categories: list[Any]
    annotations: list[Any]
    licenses: list[Licence] | None = None


def read_instances(path: str | os.PathLike, image: type = Image, annotation: type = Annotation) -> dict:
    """A file of instances.

    Args:
        path: JSON.
        image, annotation: Schemas of the entries.

    Raises:
        InputError: It is no such file; two images or two categories have one id; an annotation belongs to no image or category.
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
    """For sorting: whole numbers first, then text, in which numbers count as numbers."""
    key = entry['id']
    return (0, key) if isinstance(key, int) else (1, natural_key(key))


def check_size(height: int, width: int, name: str = 'its image') -> None:
    """Refuse a size that only a file claims, before memory is taken for it.

    Args:
        height, width: Of an image.
        name: What the message calls it.

    Raises:
        InputError: It has more pixels than images may have.
    """
    most, _ = image_limits()
    if height * width > most:
        raise InputError(f'{name} has {width}x{height} px; at most {most:,} pixels are read (image_limits.pixels of the config)')


def polygons_of(segmentation: Sequence, height: int, width: int) -> list[np.ndarray]:
    """Outlines as corners, float64 (N,2) each, x and y.

    Raises:
        InputError: There is none; one is no list of finite numbers, two for each of three corners at least; it reaches very far outside the
            image of this size, or is longer than any outline in it can be.
    """
    check_size(height, width)
    if not isinstance(segmentation, list) or not segmentation:
        raise InputError('has a box or keypoints, but no mask')
    found = []
    for polygon in segmentation:
        whole = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        if not whole or not all(type(number) in (int, float) for number in polygon):
            raise InputError(f'has the polygon {str(polygon)[:80]}; it takes x, y of three corners at least')
        if not all(-FARTHEST <= number <= FARTHEST for number in polygon):  # nan is none of them
            raise InputError(f'has the polygon {str(polygon)[:80]}; its numbers must lie within {FARTHEST:,} pixels of the image')
        points = np.array(polygon, np.float64).reshape(-1, 2)
        if np.abs(points - np.roll(points, -1, axis=0)).max(axis=1).sum() > 4 * (height * width + FARTHEST):
            raise InputError(f'has the polygon {str(polygon)[:80]}, which is longer than any in an image of {width}x{height} px')
        found.append(points)
    return found


def area_of(segmentation: dict, height: int, width: int) -> np.ndarray:
    """Run lengths, plain or compressed, as bool (height,width).

    Raises:
        InputError: They are none, are of another size, or do not fill the image.
    """
    check_size(height, width)
    if segmentation.get('size') != [height, width]:
        raise InputError(f'has run lengths for {segmentation.get("size")} (height, width), the image is {[height, width]}')
    counts = segmentation.get('counts')
    if not isinstance(counts, str | list):
        raise InputError('has run lengths without counts')
    try:
        return run_lengths.decode(run_lengths.decompress(counts) if isinstance(counts, str) else counts, height, width)
    except InputError as error:
        raise InputError(f'has no mask: {error}') from error
