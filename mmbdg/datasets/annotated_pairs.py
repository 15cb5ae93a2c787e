"""Images with masks by annotators on disk: the released data of BigDatasetGAN, and ImageNet-S."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mmbdg.annotation import read_annotated_latents
from mmbdg.annotation.mask_values import IGNORE, read_mask
from mmbdg.errors import InputError, listed
from mmbdg.images import read_stored
from mmbdg.listing import list_files, list_folders
from mmbdg.reading import read_bytes, read_lines
from mmbdg.storage.label_spaces import LabelSpace

IGNORED_ID = 1000
"""Value of ignored pixels in the masks of ImageNet-S; 0 is the background."""
LOOKED_AT = 50
"""Number of masks of ImageNet-S that are read to check the order of its classes."""


@dataclass(frozen=True)
class Pair:
    """An image with its mask and its class."""

    class_id: int
    image_path: Path
    mask_path: Path


@dataclass(frozen=True)
class Pairs:
    """Pairs of a set, and how their masks are read.

    Attributes:
        pairs: Pairs, sorted by class and name.
        labels: Function of a mask file, the class of its image and a label space; returns the labels, int32 (H,W).
        classes: Indices of the classes of the set in its own order; None: the set has no classes of its own.
    """

    pairs: list[Pair]
    labels: Callable[[Path, int, LabelSpace], np.ndarray]
    classes: tuple[int, ...] | None = None


def pairs_with_latents(root: Path, name: str, folders: Sequence[str], ignore_value: int | None, allow_missing_classes: bool) -> Pairs:
    """Annotated generated images with their latents, see :func:`mmbdg.annotation.read_annotated_latents`.

    Raises:
        InputError: See :func:`~mmbdg.annotation.read_annotated_latents`.
    """
    found = read_annotated_latents(root, name, len(folders), allow_missing_classes)
    pairs = [
        Pair(pair.class_id, root / 'images' / name / pair.mask_path.parent.name / f'{pair.stem}.png', pair.mask_path) for pair in found
    ]
    return Pairs(pairs, partial(_foreground, ignore_value=ignore_value))


def pairs_of_images(root: Path, name: str, folders: Sequence[str], ignore_value: int | None, allow_missing_classes: bool) -> Pairs:
    """Annotated images ``images/NAME/<class>/STEM.*`` with masks ``annotations/NAME/<class>/STEM.png``, for example Real-annotated.

    If ``annotations/NAME-list.txt`` exists, it lists the images, ``<class>/STEM`` in each line, and all of them must be there.

    Raises:
        InputError: A folder is missing, a file has no partner, a listed image is missing, a folder is not that of a class, or a class has
            no pair. All problems are listed at once.
    """
    pairs, problems = _paired(root / 'images' / name, root / 'annotations' / name, folders)
    listing = root / 'annotations' / f'{name}-list.txt'
    if listing.is_file():
        problems += [f'{root}/images/{name}/{stem}.* is listed in {listing}' for stem in read_lines(listing) if stem not in pairs]
    if missing := sorted(set(range(len(folders))) - {pair.class_id for pair in pairs.values()}) if not allow_missing_classes else []:
        shown = ', '.join(folders[class_id] for class_id in missing[:20]) + (', ...' if len(missing) > 20 else '')
        problems.append(f'{len(missing)} of {len(folders)} classes have no pairs: {shown} (allow_missing_classes=True if that is meant)')
    _refuse(problems, root, f'images/{name}/<class>/STEM.jpg with annotations/{name}/<class>/STEM.png')
    return Pairs(list(pairs.values()), partial(_foreground, ignore_value=ignore_value))


def pairs_of_imagenet_s(root: Path, name: str, folders: Sequence[str], ignore_value: int | None, *_: object) -> Pairs:
    """ImageNet-S: images ``NAME/<wnid>/*.JPEG`` and masks ``NAME-segmentation/<wnid>/*.png``, RGB with R + 256 G = id.

    The ids count the classes from 1, in the order of their wnids. The classes are those of the folders, so that any of the sets of 50, 300
    and 919 classes is read; the first masks of some folders are read to check that they hold the id of their folder.

    Raises:
        InputError: See :func:`pairs_of_images`; or the split has no masks, or the ids are not in the order of the folders, or
            ``ignore_value`` is given.
    """
    if ignore_value is not None:
        raise InputError(f'ignore_value is a grey value; masks of ImageNet-S hold ids, of which {IGNORED_ID} is ignored: remove it')
    if not (root / f'{name}-segmentation').is_dir() and (root / name).is_dir():
        raise InputError(
            f'{root} has no folder {name}-segmentation with the masks of {name}: the sets with masks are validation and train-semi (those '
            'of test are not public)'
        )
    pairs, problems = _paired(root / name, root / f'{name}-segmentation', folders)
    wnids = sorted(folder.name for folder in list_folders(root / name))
    problems += [f'{root / name / wnid} is not the folder of a class of ImageNet' for wnid in wnids if wnid not in folders]
    _refuse(problems, root, f'{name}/<wnid>/STEM.JPEG with {name}-segmentation/<wnid>/STEM.png')
    classes = tuple(folders.index(wnid) for wnid in wnids)
    _check_ids(list(pairs.values()), classes, root / f'{name}-segmentation')
    return Pairs(list(pairs.values()), partial(_of_ids, classes=classes), classes)


LAYOUTS = {'latents': pairs_with_latents, 'images': pairs_of_images, 'imagenet-s': pairs_of_imagenet_s}
"""Functions that find the pairs, by the name of the layout."""


def read_ids(path: Path) -> np.ndarray:
    """Ids of a mask of ImageNet-S, int64 (H,W): 0 background, 1000 ignored.

    Raises:
        InputError: The file is not a lossless image with colours.
    """
    stored, palette = read_stored(read_bytes(path), str(path))
    if stored.ndim != 3 or palette is not None:
        raise InputError(f'{path} has one channel; masks of ImageNet-S have colours, and R + 256 G is the id of the class')
    return stored[..., 0] + 256 * stored[..., 1].astype(np.int64)


def _of_ids(path: Path, class_id: int, space: LabelSpace, classes: tuple[int, ...]) -> np.ndarray:
    """Labels of a mask of ImageNet-S, int32 (H,W). A pixel has the label of its own class, which need not be that of the image."""
    ids = read_ids(path)
    table = np.full(1 << 16, -1, np.int32)
    table[0], table[IGNORED_ID] = 0, space.ignore
    table[1 : len(classes) + 1] = [space.foreground_ids[own] or 0 for own in classes]
    labels = table[ids]
    if (wrong := labels < 0).any():
        raise InputError(
            f'{path} holds the id {ids[wrong][0]} in {wrong.sum()} pixels; the set has {len(classes)} classes, and {IGNORED_ID} is '
            'ignored: is it a mask of another of the sets (50, 300, 919)?'
        )
    return labels


def _foreground(path: Path, class_id: int, space: LabelSpace, ignore_value: int | None) -> np.ndarray:
    try:
        mask = read_mask(read_bytes(path), ignore_value)
    except InputError as error:
        raise InputError(f'{path}: {error}') from error
    return space.paint(mask, class_id, ignore=IGNORE).astype(np.int32)


def _paired(images: Path, masks: Path, folders: Sequence[str]) -> tuple[dict[str, Pair], list[str]]:
    """Pairs by class folder and name, and problems in words."""
    known = {folder: class_id for class_id, folder in enumerate(folders)}
    pictures, drawn = list_files(images).log().by_stem(), list_files(masks, ('.png',)).log().by_stem()
    problems = [f'{pictures[stem]} has no mask {masks}/{stem}.png' for stem in sorted(pictures.keys() - drawn.keys())]
    problems += [f'{drawn[stem]} has no image {images}/{stem}.*' for stem in sorted(drawn.keys() - pictures.keys())]
    pairs = {}
    for stem in pictures.keys() & drawn.keys():
        folder, slash, _ = stem.partition('/')
        if not slash or folder not in known:
            problems.append(f'{pictures[stem]} does not lie in the folder of a class, e.g. {folders[0]}')
        else:
            pairs[stem] = Pair(known[folder], pictures[stem], drawn[stem])
    return dict(sorted(pairs.items(), key=lambda item: (item[1].class_id, item[0]))), problems


def _refuse(problems: list[str], root: Path, layout: str) -> None:
    if problems:
        raise InputError(f'{root} is no consistent set of {layout}; nothing was read:\n  {listed(problems)}\nAdd what is missing.')


def _check_ids(pairs: list[Pair], classes: tuple[int, ...], masks: Path) -> None:
    """Check on some masks that the ids count the folders in their order."""
    first = {pair.class_id: pair.mask_path for pair in reversed(pairs)}
    looked_at = [(number, first[own]) for number, own in enumerate(classes, 1) if own in first][:: max(1, len(classes) // LOOKED_AT)]
    found = [(path, number, _most_frequent(read_ids(path))) for number, path in looked_at]
    others = [f'{path} holds mostly {most}, its folder is number {number}' for path, number, most in found if most not in (number, None)]
    if 2 * len(others) > len(looked_at):
        raise InputError(
            f'the ids in {masks} are not those of its {len(classes)} class folders in their order; an incomplete copy lacks folders:\n  '
            f'{listed(others, 5)}'
        )


def _most_frequent(ids: np.ndarray) -> int | None:
    """The id of the most pixels; None if all are background or ignored."""
    counts = np.bincount(ids[(ids > 0) & (ids != IGNORED_ID)])
    return int(counts.argmax()) if len(counts) else None
