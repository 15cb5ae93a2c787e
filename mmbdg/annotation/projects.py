"""Projects for annotation tools, in the folder with the images and latents written by :func:`mmbdg.annotation.write_samples`.

.. code-block:: none

    OUT/project.json                           format, set, classes, checksums of the files written here
    OUT/auto/NAME/<class>/<stem>.png           automatic masks, if there are any: they are copied into the project
    OUT/labels.txt                             labelme: its labels
    OUT/images/NAME/<class>/<stem>.json        labelme: one file per image, empty or with the automatic mask
    OUT/coco/annotations.json                  coco
    OUT/cvat/{annotations.zip,labels.json}     cvat
    OUT/annotations/NAME/<class>/<stem>.png    png: drawn by a person; automatic masks are not copied there, as nobody has checked them
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmbdg.annotation.coco_file import coco_json
from mmbdg.annotation.cvat_zip import cvat_labels, cvat_zip
from mmbdg.annotation.drawn import LABELS
from mmbdg.annotation.labelme_files import labelme_json
from mmbdg.annotation.mask_values import IGNORE, read_mask
from mmbdg.annotation.sampled import class_id_of
from mmbdg.calling import as_called
from mmbdg.errors import InputError
from mmbdg.files import sha256, write_atomically, write_json
from mmbdg.images import image_size
from mmbdg.listing import list_files
from mmbdg.paths import inside
from mmbdg.reading import read_bytes, read_json
from mmbdg.schema import OpenSchema, PlainName

FORMATS = ('png', 'labelme', 'coco', 'cvat')
PROJECT = 'project.json'


class Project(OpenSchema):
    """Schema of ``project.json``."""

    format: Literal[FORMATS]
    name: PlainName
    class_folders: dict[str, PlainName] = {}
    samples: dict[str, int] = {}
    sampling: dict[str, Any] = {}
    written: dict[str, str] = {}


@dataclass(frozen=True)
class Image:
    """One image to annotate: its name, class folder, class id, size, and automatic mask uint8 (H,W) or None."""

    stem: str
    folder: str
    class_id: int
    height: int
    width: int
    mask: np.ndarray | None


def write_project(root: str | os.PathLike, name: str, format: str, sampling: dict | None = None) -> tuple[int, list[str]]:
    """Write or update the files of an annotation tool; call it again after automatic masks are made.

    A file that was changed after this function wrote it, or that it did not write, is somebody's work and is kept unchanged.

    Args:
        root: Folder with ``images/`` and ``latents/``.
        name: Name of the set.
        format: One of FORMATS.
        sampling: Settings of the latents (seed, truncation, ...) to record; None keeps the record of an earlier call.

    Returns:
        Number of files written, and the paths of the unchanged files, relative to ``root``.

    Raises:
        InputError: The format is unknown, there are no images, the project has another format, or an automatic mask has another size.
    """
    root = Path(root)
    if format not in FORMATS:
        raise InputError(f'annotation projects have one of the formats {", ".join(FORMATS)}, got {format!r}')
    before = read_project(root) if has_project(root) else {}
    if before and (before['format'], before['name']) != (format, name):
        raise InputError(f'{root} is a project of format {before["format"]} for the set "{before["name"]}"; choose another folder')
    images = _read_images(root, name)
    known, written, kept = dict(before.get('written', {})), 0, []
    for path, data in _files(name, format, images):
        target = root / path
        if target.exists() and sha256(target) != known.get(path):
            kept.append(path)
            continue
        known[path] = hashlib.sha256(data).hexdigest()
        if not target.exists() or read_bytes(target) != data:
            write_atomically(target, lambda part, data=data: part.write_bytes(data))
            written += 1
    folders = {image.class_id: image.folder for image in images}
    write_json(
        root / PROJECT,
        dict(
            format=format,
            name=name,
            class_folders={str(class_id): folders[class_id] for class_id in sorted(folders)},
            samples={image.stem: image.class_id for image in images},
            sampling=sampling if sampling is not None else before.get('sampling', {}),
            written=known,
        ),
    )
    return written, kept


def has_project(root: str | os.PathLike) -> bool:
    """Whether a folder has a file ``project.json``; :func:`read_project` checks its content."""
    return os.path.lexists(Path(root) / PROJECT)


def read_project(root: str | os.PathLike) -> dict:
    """Content of ``project.json``: format, name, class_folders, samples, sampling, written.

    Raises:
        InputError: The file is missing or invalid.
    """
    path = inside(root, PROJECT)
    try:
        return read_json(path, Project)
    except InputError as error:
        raise InputError(f'{path} is not a project of tools/annotate.py sample: {error}') from error


def how_to_annotate(root: str | os.PathLike, name: str, format: str) -> str:
    """Instructions for the annotator in one or two lines: how to open the project and how to import the result."""
    images, back = f'{root}/images/{name}', as_called('python tools/annotate.py import')
    return dict(
        png=f'draw masks into {root}/annotations/{name}/<class>/, 0 background, anything else foreground; then {back} {root} DST',
        labelme=f'labelme {images} --labels {root}/labels.txt --validate-label exact; then {back} {root} DST',
        coco=f'open {root}/coco/annotations.json with the images of {images}, save as COCO; then {back} FILE.json DST --latents {root}',
        cvat=f'in CVAT a task with the labels of {root}/cvat/labels.json and the images of {images}; upload {root}/cvat/annotations.zip '
        f'and export, both as "Segmentation mask 1.1"; then {back} FILE.zip DST --latents {root}',
    )[format]


def _read_images(root: Path, name: str) -> list[Image]:
    images = []
    folder = root / 'images' / name
    for path in list_files(folder, ('.png',), depth=1).log().files if folder.is_dir() else ():
        folder, stem = path.parent.name, path.stem
        height, width = image_size(path)
        try:
            class_id = class_id_of(stem)
        except InputError as error:
            raise InputError(f'{path} {error}') from error
        automatic = root / 'auto' / name / folder / path.name
        mask = _automatic(automatic, height, width) if os.path.lexists(automatic) else None
        images.append(Image(stem, folder, class_id, height, width, mask))
    if not images:
        raise InputError(f'{root}/images/{name} holds no images: python tools/annotate.py sample CONFIG {root}')
    return sorted(images, key=lambda image: (image.class_id, image.stem))


def _automatic(path: Path, height: int, width: int) -> np.ndarray | None:
    try:
        mask = read_mask(read_bytes(path), ignore_value=IGNORE)
    except InputError as error:
        raise InputError(f'{path} {error}') from error
    if mask.shape != (height, width):
        raise InputError(f'{path} is {mask.shape[1]}x{mask.shape[0]} px, its image {width}x{height}')
    return mask if mask.any() else None


def _files(name: str, format: str, images: list[Image]) -> Iterator[tuple[str, bytes]]:
    if format == 'labelme':
        yield 'labels.txt', ''.join(f'{label}\n' for label in LABELS).encode()
        for i in images:
            yield f'images/{name}/{i.folder}/{i.stem}.json', labelme_json(f'{i.stem}.png', i.height, i.width, i.mask)
    elif format == 'coco':
        yield 'coco/annotations.json', coco_json([(f'{i.folder}/{i.stem}.png', i.height, i.width, i.mask) for i in images])
    elif format == 'cvat':
        yield 'cvat/labels.json', cvat_labels()
        yield 'cvat/annotations.zip', cvat_zip([(i.stem, i.mask) for i in images])
