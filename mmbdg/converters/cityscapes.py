"""Checks and prepares Cityscapes with fine annotations."""

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mmbdg.converters.checking import count_problems, refuse
from mmbdg.converters.mm_converters import mm_converter
from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.images import image_size
from mmbdg.listing import list_files
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema

IMAGES = dict(train=2_975, val=500)
HOW = (
    'cityscapes-dataset.com, after registration: leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, unpacked into one folder '
    '(non-commercial use; no redistribution)'
)
IMAGE = '_leftImg8bit.png'
ANNOTATIONS = ('_gtFine_polygons.json', '_gtFine_instanceIds.png', '_gtFine_labelIds.png')
TRAIN_IDS = '_gtFine_labelTrainIds.png'
MOST_PIXELS = 8192
"""Maximum side of an image in pixels. The images of Cityscapes have 2048 x 1024 pixels."""


class Polygon(OpenSchema):
    """An object: its label and its polygon, points (x, y) in pixels."""

    label: str
    polygon: list[Annotated[list[Annotated[float, Field(ge=-MOST_PIXELS, le=2 * MOST_PIXELS)]], Field(min_length=2, max_length=2)]]


class Polygons(OpenSchema):
    """Content of ``*_gtFine_polygons.json``."""

    imgHeight: Annotated[int, Field(gt=0, le=MOST_PIXELS)]
    imgWidth: Annotated[int, Field(gt=0, le=MOST_PIXELS)]
    objects: list[Polygon]


def prepare_cityscapes(root: str | os.PathLike, images: dict[str, int] | None = None) -> dict[str, dict[str, int]]:
    """Check the archives and write the additional files that mmseg and mmdet need.

    mmseg needs ``*_labelTrainIds.png``, written with cityscapesscripts. mmdet needs
    ``annotations/instancesonly_filtered_gtFine_<split>.json``, written with mmdet's converter. Existing files are not written again. Files
    are written atomically.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.
        images: Number of images of each split. Default: :data:`IMAGES`.

    Returns:
        Number of images (``images``) and of newly written masks (``made_now``) of each split.

    Raises:
        InputError: Files are missing or wrong, or cityscapesscripts or mmdet is not installed.
    """
    root, images = Path(root), images or IMAGES
    names = check_cityscapes(root, images)
    made = {split: _write_train_ids(root, split, names[split]) for split in images}
    for split in images:
        _write_instances(root, split, names[split])
    return {split: dict(images=len(names[split]), made_now=made[split]) for split in images}


def check_cityscapes(root: Path, images: dict[str, int]) -> dict[str, list[str]]:
    """Names of the images of each split, e.g. ``city/city_000000_000019``.

    Raises:
        InputError: An image has no annotation, an annotation has no image, or the number of images is wrong.
    """
    problems, names = [], {}
    for split, count in images.items():
        pictures = _names(root / 'leftImg8bit' / split, IMAGE)
        problems += count_problems(f'images in {root / "leftImg8bit" / split}', len(pictures), count)
        for suffix in ANNOTATIONS:
            annotated = _names(root / 'gtFine' / split, suffix)
            problems += [f'{root / "gtFine" / split / name}{suffix} is missing or empty' for name in sorted(pictures - annotated)]
            problems += [f'{root / "gtFine" / split / name}{suffix} has no image' for name in sorted(annotated - pictures)]
        names[split] = sorted(pictures)
    refuse(root, problems, HOW)
    return names


def _names(folder: Path, suffix: str) -> set[str]:
    if not folder.is_dir():
        return set()
    found = list_files(folder, (Path(suffix).suffix,), depth=1)
    names = {path.relative_to(folder).as_posix() for path in set(found.files) - set(found.empty())}
    return {name.removesuffix(suffix) for name in names if name.endswith(suffix) and '/' in name}


def _write_train_ids(root: Path, split: str, names: list[str]) -> int:
    from tqdm import tqdm

    try:
        from cityscapesscripts.helpers.annotation import Annotation
        from cityscapesscripts.preparation.json2labelImg import createLabelImage
    except ModuleNotFoundError as error:
        raise InputError(f'the masks of Cityscapes need cityscapesscripts ({error}): pip install cityscapesscripts') from error
    folder = root / 'gtFine' / split
    missing = [name for name in names if not (folder / f'{name}{TRAIN_IDS}').is_file()]
    for name in tqdm(missing, desc=f'{split} masks', unit='mask', disable=None):
        path, annotation = folder / f'{name}{ANNOTATIONS[0]}', Annotation()
        read_json(path, Polygons)
        try:
            annotation.fromJsonFile(str(path))
            picture = createLabelImage(annotation, 'trainIds')
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f'{path} is no annotation of Cityscapes ({error}): unpack it again') from error
        write_atomically(folder / f'{name}{TRAIN_IDS}', lambda part, picture=picture: picture.save(part, format='PNG'))
    return len(missing)


def _write_instances(root: Path, split: str, names: list[str]) -> None:
    from tqdm import tqdm

    out = root / 'annotations' / f'instancesonly_filtered_gtFine_{split}.json'
    if out.is_file():
        return
    converter = mm_converter('mmdet', 'cityscapes')
    suffixes = dict(leftImg8bit=[IMAGE], gtFine=ANNOTATIONS[1:])
    files = [[f'{root / kind / split / name}{suffix}' for kind in suffixes for suffix in suffixes[kind]] for name in names]
    for paths in files:
        for path in paths:
            image_size(path)  # raises an error for a broken image or one that is too large for memory
    infos = [converter.load_img_info(paths) for paths in tqdm(files, desc=f'{split} instances', unit='image', disable=None)]
    out.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as part:
        converter.cvt_annotations(infos, str(Path(part) / out.name))
        content = read_json(Path(part) / out.name)
    for entry in content['annotations']:
        entry['id'] += 1  # the converter begins with 0, but pycocotools uses 0 for "not found"
    write_atomically(out, lambda path: path.write_text(json.dumps(content)))
