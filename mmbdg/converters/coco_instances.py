"""Converts a finished dataset to COCO instances: the connected components of its masks, in one JSON file."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mmbdg import run_lengths
from mmbdg.analysis.statistics.mask_columns import MIN_PIXELS, components
from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.layout import folder_of, sample_files
from mmbdg.storage.stored import StoredDataset


@dataclass
class CocoCounts:
    """Numbers of written and omitted images, instances and pixels."""

    images: int = 0
    empty_images: int = 0
    """Images without an instance."""
    instances: int = 0
    small: int = 0
    """Components below the minimum size, which are omitted."""
    ignored_pixels: int = 0
    """Ignored pixels, which belong to no instance."""
    by_category: dict[str, int] = field(default_factory=dict)
    """Number of instances of each category with instances."""


def boxed_components(area: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[slice, slice]]]:
    """Connected components (:func:`~mmbdg.analysis.statistics.mask_columns.components`, as in Table 1), each in its bounding box.

    Args:
        area: Mask, bool (H,W).

    Yields:
        Mask within the bounding box, bool (h,w), and the box as slices of rows and columns. Order: first pixels, row by row.
    """
    from scipy.ndimage import find_objects

    ids = components(area).ids
    for number, box in enumerate(find_objects(ids), start=1):
        yield ids[box] == number, box


def encode_component(part: np.ndarray, box: tuple[slice, slice], height: int, width: int) -> str:
    """Compressed run lengths (:mod:`mmbdg.run_lengths`) of a component in an image of height x width pixels."""
    area = np.zeros((height, width), bool)
    area[box] = part
    return run_lengths.encode(area)


def category_names(info: dict) -> list[str]:
    """Names of the categories, starting with id 1.

    If the masks have only foreground and background, the categories are the classes of the generator, and the foreground has the class of
    the image. Otherwise the categories are the labels of the masks.

    Args:
        info: Content of ``dataset.json``.
    """
    if not _is_foreground(info):
        return list(info['classes'][1:])
    return class_names(info)


def class_names(info: dict) -> list[str]:
    """Unique name of each image class: the names if no two are equal, else the folders.

    Args:
        info: Content of ``dataset.json``.
    """
    catalogue = catalogue_of(info)
    return list(catalogue.classes if len(set(catalogue.classes)) == len(catalogue.classes) else catalogue.folders)


def _is_foreground(info: dict) -> bool:
    return len(info['classes']) == 2 and info.get('label_space', 'fgbg') == 'fgbg'


def write_coco(dataset: StoredDataset, path: str | os.PathLike, min_pixels: int = MIN_PIXELS, progress: bool = False) -> CocoCounts:
    """Write the masks of a dataset as COCO instances.

    Each component of a label is an instance with a mask (compressed run lengths), a box and an area. Ignored pixels (the ignore label)
    belong to no instance: COCO can ignore only boxes, and the box of an uncertain boundary is the box of the whole object.
    Image files are named relative to the dataset, as in the folder format. So a dataset in shards gives the same file.
    Images and annotations are written one by one; memory does not grow with their number.

    Args:
        dataset: Dataset in folders or shards.
        path: JSON file to write.
        min_pixels: Minimum size of an instance in pixels; smaller components are omitted. Default: :data:`MIN_PIXELS`.
        progress: Whether to show a progress bar. Default: False.

    Raises:
        InputError: The file exists, or a mask is invalid (see :meth:`~mmbdg.storage.stored.StoredDataset.mask`).
    """
    if Path(path).exists():
        raise InputError(f'{path} exists and is not overwritten; choose another name, or remove it')
    if min_pixels < 1:
        raise InputError(f'instances have at least 1 pixel, got min_pixels={min_pixels}')
    counts = CocoCounts()

    def write(part: Path) -> None:
        with open(part, 'w', encoding='utf-8') as file:
            _write(file, dataset, min_pixels, progress, counts)

    write_atomically(path, write)
    return counts


def _write(file: TextIO, dataset: StoredDataset, min_pixels: int, progress: bool, counts: CocoCounts) -> None:
    from tqdm import tqdm

    info, size = dataset.info, dataset.info['resolution']
    suffix, licence = info.get('image_suffix', '.png'), info.get('licence')
    names = category_names(info)
    head = dict(
        info=dict(description=f'synthetic dataset; instances are connected components of at least {min_pixels} pixels'),
        licenses=[dict(id=1, name=licence, url='')] if licence else [],
        categories=[dict(id=i, name=name, supercategory='') for i, name in enumerate(names, start=1)],
    )
    file.write(_json(head)[:-1] + ',\n"images":[')
    for number, line in enumerate(dataset.lines, start=1):
        name = sample_files(folder_of(line), line['id'], suffix)['image']
        image = dict(id=number, file_name=name, height=size, width=size) | (dict(license=1) if licence else {})
        file.write(f'{"," if number > 1 else ""}\n{_json(image)}')
    file.write('\n],\n"annotations":[')
    for number, line in enumerate(tqdm(dataset.lines, unit='img', desc='instances', dynamic_ncols=True, disable=not progress), start=1):
        mask, before = dataset.mask(line), counts.instances
        for category, part, box in instances(mask, line, dataset, min_pixels, counts):
            instance = _annotation(part, box, *mask.shape)
            file.write(f'{"," if counts.instances else ""}\n')
            counts.instances += 1
            counts.by_category[names[category - 1]] = counts.by_category.get(names[category - 1], 0) + 1
            file.write(_json(dict(id=counts.instances, image_id=number, category_id=category, iscrowd=0, **instance)))
        counts.images += 1
        counts.empty_images += counts.instances == before
    file.write('\n]}\n')


def instances(
    mask: np.ndarray, line: dict, dataset: StoredDataset, min_pixels: int, counts: CocoCounts
) -> Iterator[tuple[int, np.ndarray, tuple[slice, slice]]]:
    """Instances of a sample: the connected components of each label that have at least ``min_pixels`` pixels.

    Args:
        mask: Mask of the sample, integer (H,W).
        line: Its manifest line.
        dataset: The dataset.
        min_pixels: Minimum size of an instance in pixels.
        counts: Its ``small`` and ``ignored_pixels`` grow.

    Yields:
        Category (from 1 on, see :func:`category_names`), and mask and box as in :func:`boxed_components`.
    """
    ignored = mask == dataset.ignore
    counts.ignored_pixels += int(ignored.sum())
    for label in np.unique(mask[~ignored & (mask > 0)]).tolist():
        for part, box in boxed_components(mask == label):
            if int(part.sum()) < min_pixels:
                counts.small += 1
                continue
            yield line['class'] + 1 if _is_foreground(dataset.info) else label, part, box


def _annotation(part: np.ndarray, box: tuple[slice, slice], height: int, width: int) -> dict[str, Any]:
    rows, columns = box
    return dict(
        area=int(part.sum()),
        bbox=[columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
        segmentation=dict(size=[height, width], counts=encode_component(part, box, height, width)),
    )


def _json(content: dict) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(',', ':'))
