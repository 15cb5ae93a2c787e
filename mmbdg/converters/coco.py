"""Checks COCO 2017 instances."""

import os
from collections import Counter
from pathlib import Path

from mmbdg.coco_json import read_instances
from mmbdg.converters.checking import count_problems, files_in, missing_files, refuse
from mmbdg.errors import InputError

IMAGES = dict(train2017=118_287, val2017=5_000)
CATEGORIES = 80
HOW = (
    'cocodataset.org: train2017.zip, val2017.zip and annotations_trainval2017.zip from images.cocodataset.org, unpacked into one folder '
    '(annotations: CC BY 4.0; images: terms of Flickr)'
)


def check_coco(root: str | os.PathLike, images: dict[str, int] | None = None, categories: int = CATEGORIES) -> dict[str, dict[str, int]]:
    """Check that ``<split>/*.jpg`` and ``annotations/instances_<split>.json`` are complete.

    Args:
        root: Folder of the dataset.
        images: Number of images of each split. Default: :data:`IMAGES`.
        categories: Number of categories. Default: 80.

    Returns:
        Numbers for each split: ``images``, ``without_instances`` (images without instances), ``not_listed`` (image files that the
        annotations do not list), ``instances`` and ``crowds``. Images without instances and files that are not listed are no errors.

    Raises:
        InputError: Files are missing or wrong. The message lists the problems and says how to get the dataset.
    """
    root, problems, found = Path(root), [], {}
    for split, count in (images or IMAGES).items():
        path = root / 'annotations' / f'instances_{split}.json'
        try:
            annotations = _read(path)
        except InputError as error:
            problems.append(str(error))
            continue
        known = {category['id'] for category in annotations['categories']}
        listed_images = {image['id']: image['file_name'].removesuffix('.jpg') for image in annotations['images']}
        present = files_in(root / split, '.jpg')
        instances = Counter(annotation['image_id'] for annotation in annotations['annotations'])
        foreign = {annotation['category_id'] for annotation in annotations['annotations']} - known
        problems += count_problems(f'images listed in {path}', len(listed_images), count)
        problems += count_problems(f'categories in {path}', len(known), categories)
        problems += [f'{path} has instances of the unknown category {category}' for category in sorted(foreign, key=str)]
        problems += [
            f'{path} has instances of an image it does not list: {image}' for image in sorted(instances.keys() - listed_images, key=str)
        ]
        problems += missing_files(sorted(listed_images.values()), root / split, '.jpg', present)
        found[split] = dict(
            images=len(listed_images),
            without_instances=len(listed_images.keys() - instances),
            not_listed=len(present - set(listed_images.values())),
            instances=sum(instances.values()),
            crowds=sum(bool(annotation.get('iscrowd')) for annotation in annotations['annotations']),
        )
    refuse(root, problems, HOW)
    return found


def _read(path: Path) -> dict:
    if not path.is_file():
        raise InputError(f'{path} is missing')
    return read_instances(path)
