"""Makes the domain ``stamps64`` from Debian's packages: photographed objects, cut out, over photographs, in eight classes."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mmbdg.datasets.backgrounds import BackgroundImages
from mmbdg.datasets.blending import continued
from mmbdg.datasets.cluttered_objects import ClutteredObjects
from mmbdg.datasets.cutout_folder import OPAQUE, CutoutFolder
from mmbdg.datasets.label_fraction import stratified_order
from mmbdg.errors import InputError, listed
from mmbdg.files import sha256, whole_folder, write_json
from mmbdg.images import open_image, open_with_opacity
from mmbdg.paths import inside
from mmbdg.reading import read_json
from mmbdg.schema import PlainName, Schema

SELECTION = Path(__file__).parents[1] / 'assets' / 'stamps64' / 'selection.json'
CLUTTER, BACKGROUND = 'clutter', 'background'
SIZE = 64
"""Side of the images in pixels."""
OBJECT_SIDE, BACKGROUND_SIDE = 128, 384
"""Largest longer side of an object, and largest shorter side of a background, in pixels."""
CLOSEST = 0.25
"""Smallest side of a background's crop, in shares of its shorter side."""
PER_CLASS = dict(train=1000, test=125)
SUBSETS = (50, 500)
"""Numbers of training images in the lists ``train/subset_<number>.txt``."""
Split = Literal['train', 'test']


class Source(Schema):
    """A file of a package. ``what`` is a class, "clutter" or "background"; ``file`` is relative to the root of the file system."""

    package: PlainName
    file: str
    what: PlainName
    split: Split
    licence: str
    sha256: Annotated[str, Field(pattern='^[0-9a-f]{64}$')]


class Selection(Schema):
    """Which files are used: versions of the packages, names of the classes, and the files."""

    packages: dict[PlainName, str]
    classes: list[PlainName]
    files: list[Source]


def make_stamps(
    root: str | os.PathLike,
    out: str | os.PathLike,
    per_class: dict[str, int] | None = None,
    seed: int = 0,
    any_version: bool = False,
    selection: str | os.PathLike = SELECTION,
) -> dict:
    """Write objects, backgrounds and the images that are composed of them. The folder appears complete or not at all.

    ``objects/SPLIT/CLASS/*.png`` and ``clutter/SPLIT/clutter/*.png`` are RGBA, ``backgrounds/SPLIT/*.png`` RGB;
    ``SPLIT/images/CLASS/*.png`` RGB uint8 (64,64,3), ``SPLIT/masks/CLASS/*.png`` uint8 (64,64): 0 background, c the class c - 1, visible
    part only; ``train/subset_*.txt`` names of training images, stratified and nested; ``licences/PACKAGE.txt``; ``dataset.json``.

    Args:
        root: Folder into which the packages are unpacked, or "/" if they are installed.
        out: Folder to write, which must not exist.
        per_class: Number of images of each class in "train" and "test". Default: :data:`PER_CLASS`.
        seed: Seed of the images; objects and backgrounds of the splits do not depend on it.
        any_version: Whether files with other contents than in the selection are used. Default False.
        selection: JSON file with a :class:`Selection`. Default: the one of this package.

    Returns:
        Content of ``dataset.json``.

    Raises:
        InputError: A package is missing (the message has the command that gets it), a file differs or is damaged, or ``out`` exists.
    """
    per_class = per_class or PER_CLASS
    chosen = read_json(selection, Selection)
    check_packages(root, chosen, any_version)
    with whole_folder(out) as part:
        sources = [_write_source(Path(root), part, one) for one in chosen['files']]
        for name in chosen['packages']:
            copyright_file = inside(root, copyright_of(name))
            (part / 'licences').mkdir(exist_ok=True)
            copyfile(copyright_file, part / 'licences' / f'{name}.txt')
        digests = {split: _write_images(part, split, chosen['classes'], per_class[split], seed) for split in ('train', 'test')}
        _write_subsets(part / 'train', chosen['classes'], per_class['train'])
        card = dict(
            name='stamps64',
            classes=chosen['classes'],
            size=SIZE,
            seed=seed,
            images={split: len(chosen['classes']) * per_class[split] for split in digests},
            images_sha256=digests,
            packages=chosen['packages'],
            sources=sources,
        )
        write_json(part / 'dataset.json', card)
    return card


def copyright_of(package: str) -> str:
    """Path of the copyright file that each of Debian's packages has."""
    return f'usr/share/doc/{package}/copyright'


def check_packages(root: str | os.PathLike, chosen: dict, any_version: bool = False) -> None:
    """Check that all files are there, with the expected contents.

    Raises:
        InputError: A package or a file is missing, or its content is another one.
    """
    if missing := [name for name in chosen['packages'] if not inside(root, copyright_of(name)).is_file()]:
        names = ' '.join(missing)
        raise InputError(
            f'{root} lacks the Debian packages {", ".join(missing)}: sudo apt-get install {names} (then the folder is /), or without '
            f'installing them: apt-get download {names} && for f in *.deb; do dpkg-deb -x "$f" {root}; done'
        )
    gone, other = [], []
    for one in chosen['files']:
        path = inside(root, one['file'], source=SELECTION)
        if not path.is_file():
            gone.append(f'{path} of {one["package"]}')
        elif not any_version and sha256(path) != one['sha256']:
            other.append(f'{path} of {one["package"]}')
    if gone:
        raise InputError(f'files are missing:\n  {listed(gone)}\nversions that have them: {_versions(chosen)}')
    if other:
        raise InputError(
            f'files are not those of the expected versions ({_versions(chosen)}):\n  {listed(other)}\n--any-version uses them; figures '
            'then do not compare exactly'
        )


def _versions(chosen: dict) -> str:
    return ', '.join(f'{name} {version}' for name, version in chosen['packages'].items())


def _write_source(root: Path, out: Path, one: dict) -> dict:
    """Write an object or a background at its working size; returns its entry for the manifest."""
    path = inside(root, one['file'], source=SELECTION)
    kind = {CLUTTER: 'clutter', BACKGROUND: 'backgrounds'}.get(one['what'], 'objects')
    folder = inside(out, kind, one['split'], *([] if kind == 'backgrounds' else [one['what']]))
    written = folder / f'{path.stem}.png'
    if written.exists():
        raise InputError(f'two files of the selection become {written.relative_to(out)}: {one["file"]} is one of them')
    _save(written, background(open_image(path)) if kind == 'backgrounds' else cut_out(open_with_opacity(path), str(path)))
    return one | dict(sha256=sha256(path), written=written.relative_to(out).as_posix(), written_sha256=sha256(written))


def cut_out(pixels: np.ndarray, name: str = 'the image') -> np.ndarray:
    """Crop an image with opacity, uint8 (H,W,4), to its object and shrink it to :data:`OBJECT_SIDE` px.

    Transparent pixels get the colour of the nearest pixel of the object, so that a later resize mixes no foreign colour into its border.

    Raises:
        InputError: No pixel has an opacity of 128 or more.
    """
    from PIL import Image

    rows, columns = np.nonzero(pixels[..., 3] >= OPAQUE)
    if not len(rows):
        raise InputError(f'{name} shows no object: all pixels are transparent')
    pixels = np.ascontiguousarray(pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    picture = Image.fromarray(pixels, 'RGBA')
    picture.thumbnail((OBJECT_SIDE, OBJECT_SIDE), Image.Resampling.BOX)  # Pillow weighs colours by opacity
    small = np.array(picture)
    mask = small[..., 3] >= OPAQUE
    if not mask.any():
        raise InputError(f'{name} has an object that is too thin: nothing is left of it at {OBJECT_SIDE} px')
    small[..., :3] = continued(small[..., :3], mask)
    return small


def background(pixels: np.ndarray) -> np.ndarray:
    """Shrink a photograph, uint8 (H,W,3), to a shorter side of at most :data:`BACKGROUND_SIDE` px."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = min(1.0, BACKGROUND_SIDE / min(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _write_images(root: Path, split: str, classes: Sequence[str], number: int, seed: int) -> str:
    """Write the images and masks of a split; returns the SHA-256 of all their pixels, in order."""
    from tqdm import tqdm

    composer = ClutteredObjects(
        CutoutFolder(str(root / 'objects' / split)),
        CutoutFolder(str(root / 'clutter' / split)),
        BackgroundImages(root / 'backgrounds' / split, CLOSEST),
        size=SIZE,
        seed=seed,
        stream=split,
    )
    if list(composer.classes) != list(classes):
        raise InputError(f'the objects of {split} have the classes {composer.classes}, not {tuple(classes)}')
    digest = hashlib.sha256()
    places = [(label, index) for label in range(len(classes)) for index in range(number)]
    for label, index in tqdm(places, desc=split, unit='image', disable=None):
        image, visible = composer.compose(label, index)
        mask = visible.astype(np.uint8) * np.uint8(label + 1)
        for kind, pixels in (('images', image), ('masks', mask)):
            _save(root / split / kind / classes[label] / f'{index:08d}.png', pixels)
            digest.update(pixels.tobytes())
    return digest.hexdigest()


def _write_subsets(root: Path, classes: Sequence[str], number: int) -> None:
    names = [f'{name}/{index:08d}' for name in classes for index in range(number)]
    order = stratified_order(np.repeat(np.arange(len(classes)), number), 'stamps64')
    for count in SUBSETS:
        if count < len(names):
            text = ''.join(f'{names[i]}\n' for i in sorted(order[:count].tolist()))
            (root / f'subset_{count}.txt').write_text(text, encoding='utf-8')


def _save(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format='PNG')


def counts_of(card: dict) -> dict[str, Counter]:
    """Number of source files of each kind in each split."""
    return {split: Counter(one['what'] for one in card['sources'] if one['split'] == split) for split in ('train', 'test')}
