"""Instances as COCO's JSON has them, as labelled images."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np

from mmbdg.analysis.labelled_images import LabelledImages
from mmbdg.errors import InputError
from mmbdg.interpreter import ignore_label
from mmbdg.synthesis.palette import palette


class CocoImages(LabelledImages):
    """Labels are the categories in the order of their ids, 1 for the first; smaller instances lie over larger ones.

    What is marked ``iscrowd`` does not count, where no instance lies over it. An image whose instances are all of one category has that
    one's class, others have none.

    Args:
        path: JSON with ``images``, ``categories`` and ``annotations``; polygons or run lengths.
        image_root: Folder that ``file_name`` is relative to; None: that of the JSON.

    Raises:
        InputError: The file is no such JSON, an annotation belongs to no image or no category, or pycocotools is not installed.
    """

    def __init__(self, path: str | os.PathLike, image_root: str | os.PathLike | None = None) -> None:
        try:
            from pycocotools import mask
        except ModuleNotFoundError as error:
            raise InputError("COCO's masks need pycocotools, which is not installed: pip install pycocotools") from error
        self.coder = mask
        self.path, self.root = Path(path), Path(image_root or Path(path).parent)
        content = _read(self.path)
        categories = sorted(content['categories'], key=lambda category: category['id'])
        self.label_of = {category['id']: label for label, category in enumerate(categories, start=1)}
        self.images = content['images']
        self.instances: dict[int, list[dict]] = {image['id']: [] for image in self.images}
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
        from PIL import Image

        path = self.root / self.images[i]['file_name']
        try:
            with Image.open(path) as picture:
                image = np.asarray(picture.convert('RGB'))
        except OSError as error:
            raise InputError(f'{path} is missing or no picture ({error}); name the folder of the images: {self.path}:FOLDER') from error
        if image.shape[:2] != self._size(i):
            raise InputError(f'{path} is {image.shape[1]}x{image.shape[0]} px, {self.path} says {self._size(i)[1]}x{self._size(i)[0]}')
        return image

    def mask(self, i: int) -> np.ndarray:
        mask = np.zeros(self._size(i), np.uint8 if self.ignore == 255 else np.uint16)
        areas = [(annotation, self._area(i, annotation)) for annotation in self.instances[self.images[i]['id']]]
        # Python's sort is stable, so equal ones stay in the file's order.
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
        """bool (H,W)."""
        outline, size = annotation.get('segmentation'), list(self._size(i))
        try:
            if isinstance(outline, list):  # polygons
                runs = self.coder.merge(self.coder.frPyObjects(outline, *size)) if outline else None
            elif isinstance(outline['counts'], list):  # plain run lengths
                runs = self.coder.frPyObjects(outline, *size)
            else:
                runs = dict(size=outline['size'], counts=outline['counts'])
            area = np.zeros(size, bool) if runs is None else self.coder.decode(runs).astype(bool)
        except Exception as error:  # pycocotools raises bare Exceptions, and what its C code meets
            raise InputError(f'{self.path}: the outline of annotation {annotation.get("id")} cannot be read ({error})') from error
        if area.shape != tuple(size):
            raise InputError(f'{self.path}: annotation {annotation.get("id")} has another size than its image, {size[1]}x{size[0]} px')
        return area


def _read(path: Path) -> dict:
    needed = dict(
        images=('id', 'file_name', 'height', 'width'), categories=('id', 'name'), annotations=('image_id', 'category_id', 'segmentation')
    )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise InputError(f'{path} cannot be read ({error.strerror})') from error
    except ValueError as error:
        raise InputError(f'{path} is no JSON, or is cut off ({error})') from error
    for kind, keys in needed.items():
        entries = content.get(kind) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise InputError(f'{path} has no list of {kind}; it takes a file of instances, as COCO has them')
        for number, entry in enumerate(entries, start=1):
            if not isinstance(entry, dict) or (missing := [key for key in keys if key not in entry]):
                raise InputError(f'{path}: {kind}, entry {number}, has no {", ".join(missing) if isinstance(entry, dict) else "keys"}')
    if not content['images'] or not content['categories']:
        raise InputError(f'{path} lists no images, or no categories')
    return content
