"""Reads instances of a COCO JSON file as labelled images."""

import os
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.coco_json import (
    Annotation,
    Id,
    SizedImage,
    area_of,
    by_id,
    check_size,
    polygons_of,
    read_instances,
)
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.outlines import fill_polygons
from mmbdg.paths import relative_path
from mmbdg.storage.masks import ignore_label
from mmbdg.storage.palette import palette


class Outlined(Annotation):
    """An annotation with an outline."""

    segmentation: list | dict


class CocoImages(LabelledImages):
    """Instances of a COCO JSON file as labelled images.

    The labels are the categories in the order of their ids. The first category has label 1. Smaller instances cover larger ones. Pixels
    of an ``iscrowd`` annotation are ignored, except where an instance covers them. An image has a class only if all its instances have
    the same category. Images are rotated by their EXIF orientation. Polygons and
    run lengths are read as in annotations, by :mod:`mmbdg.outlines` and :mod:`mmbdg.run_lengths`.

    Args:
        path: JSON file with ``images``, ``categories`` and ``annotations`` (polygons or run lengths).
        image_root: Folder that ``file_name`` is relative to. Default: the folder of the JSON file.

    Raises:
        InputError: The file is not a COCO JSON file, or an annotation refers to an unknown image or category.
    """

    def __init__(self, path: str | os.PathLike, image_root: str | os.PathLike | None = None) -> None:
        self.path, self.root = Path(path), Path(image_root or Path(path).parent)
        content = read_instances(self.path, SizedImage, Outlined)
        if not content['images'] or not content['categories']:
            raise InputError(f'{path} lists no images, or no categories')
        categories = sorted(content['categories'], key=by_id)
        self.label_of = {category['id']: label for label, category in enumerate(categories, start=1)}
        self.images = content['images']
        for image in self.images:
            check_size(image['height'], image['width'], f'{path}: {image["file_name"]}')
        self.instances: dict[Id, list[dict]] = {image['id']: [] for image in self.images}
        for annotation in content['annotations']:
            if annotation['image_id'] not in self.instances or annotation['category_id'] not in self.label_of:
                raise InputError(f'{path}: annotation {annotation.get("id")} belongs to an image or a category that is not listed')
            self.instances[annotation['image_id']].append(annotation)
        names = [category['name'] for category in categories]
        super().__init__(
            self.path.stem, ['background', *names], palette(len(names) + 1), ignore_label(len(names) + 1), names, dict(source=str(path))
        )
        found = Counter(self.class_of(i) for i in range(len(self)))
        self.facts['counts'] = {name: found[c] for c, name in enumerate(names)}
        if licences := [licence.get('name') for licence in content.get('licenses') or () if licence.get('name')]:
            self.facts['licence'] = ', '.join(licences)

    def __len__(self) -> int:
        return len(self.images)

    def image(self, i: int) -> np.ndarray:
        name = PurePosixPath(self.images[i]['file_name'].replace('\\', '/')).as_posix()
        path = self.root / relative_path(name, source=self.path)
        if not path.is_file():
            raise InputError(f'{path} is missing; name the folder of the images: {self.path}:FOLDER')
        image = open_image(path)
        if image.shape[:2] != self._size(i):
            raise InputError(
                f'{path} has {image.shape[1]}x{image.shape[0]} px, but {self.path} gives {self._size(i)[1]}x{self._size(i)[0]} px: '
                'check that they belong together'
            )
        return image

    def mask(self, i: int) -> np.ndarray:
        mask = np.zeros(self._size(i), np.uint8 if self.ignore == 255 else np.uint16)
        areas = [(annotation, self._area(i, annotation)) for annotation in self.instances[self.images[i]['id']]]
        # The sort is stable: annotations of equal size keep the order of the file.
        for annotation, area in sorted(areas, key=lambda pair: (not pair[0].get('iscrowd'), -np.count_nonzero(pair[1]))):
            mask[area] = self.ignore if annotation.get('iscrowd') else self.label_of[annotation['category_id']]
        return mask

    def class_of(self, i: int) -> int | None:
        found = {a['category_id'] for a in self.instances[self.images[i]['id']] if not a.get('iscrowd')}
        return self.label_of[found.pop()] - 1 if len(found) == 1 else None

    def title(self, i: int) -> str:
        return self.images[i]['file_name']

    def _size(self, i: int) -> tuple[int, int]:
        return self.images[i]['height'], self.images[i]['width']

    def _area(self, i: int, annotation: dict) -> np.ndarray:
        """Mask of one annotation, bool (H,W)."""
        outline, size = annotation['segmentation'], self._size(i)
        try:
            if isinstance(outline, dict):
                return area_of(outline, *size)
            return fill_polygons(polygons_of(outline, *size) if outline else [], *size)
        except InputError as error:
            raise InputError(f'{self.path}: annotation {annotation.get("id")} {error}') from error
