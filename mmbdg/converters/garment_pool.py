"""A pool of garments with generated captions, a known part of which is wrong, to measure the precision of a retrieval."""

import csv
import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.datasets.colour_scenes import ColourComposer
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.files import whole_folder, write_png
from mmbdg.pools.captioned_folder import TABLE

TRUTH = 'truth.csv'
FORMS = (
    'a photo of a {}',
    'this {} on a black background',
    '{}, grey, one size',
    'buy a new {} online',
    'my favourite {}',
    'picture of a {} from the shop',
    'second-hand {} for sale',
    'item {number}: {}',
)
"""Forms of a caption; ``{number}`` is the entry's own number."""
COLOUR_FORMS = (*FORMS[:1], 'this {} between other things', '{}, in colour, one size', *FORMS[3:])
"""Forms of a caption of an image in colour."""


class GarmentCaption(NamedTuple):
    """Caption of one garment.

    Attributes:
        text: The caption.
        class_id: Class that the text names; it differs from the garment's class if the caption is wrong.
    """

    text: str
    class_id: int


def garment_caption(
    index: int, class_id: int, names: tuple[str, ...], wrong: float, seed: int, forms: Sequence[str] = FORMS
) -> GarmentCaption:
    """Make the caption of a garment, drawn at its address (seed, index).

    Args:
        index: Index of the garment.
        class_id: Its class.
        names: Names of all classes.
        wrong: Probability that the caption names another class, each of them equally probable.
        seed: Seed of the captions.
        forms: Forms of a caption, all equally probable.
    """
    rng = generator_at('garment pool', seed, index)
    is_wrong, step, form = rng.random() < wrong, int(rng.integers(1, len(names))), forms[rng.integers(len(forms))]
    named = (class_id + step) % len(names) if is_wrong else class_id
    return GarmentCaption(form.replace('{number}', str(index)).replace('{}', names[named]), named)


def write_garment_pool(out: str | os.PathLike, source: str = 'embedded', wrong: float = 0.2, seed: int = 0, colour: bool = False) -> int:
    """Write the training images of Fashion-MNIST as a folder of images with ``captions.csv``, and the truth as ``truth.csv``.

    Args:
        out: Path of the folder, which must not exist.
        source: "embedded" (10,000 images), "full" or a folder, see :func:`mmbdg.datasets.fashion_files.load_fashion`.
        wrong: Part of the captions that name another class, 0 to 1.
        seed: Seed of the captions.
        colour: Whether the images are the garments in colour, see :class:`~mmbdg.datasets.ColourGarments`.

    Returns:
        Number of images.

    Raises:
        InputError: The folder exists, or the full set is missing.
    """
    from tqdm import tqdm

    images, labels = _garments(source, colour)
    forms = COLOUR_FORMS if colour else FORMS
    names, folders = class_names('fashion32'), folder_names('fashion32')
    with whole_folder(out) as part:
        with (
            open(part / TABLE, 'w', newline='', encoding='utf-8') as table,
            open(part / TRUTH, 'w', newline='', encoding='utf-8') as truth,
        ):
            captions, classes = csv.writer(table), csv.writer(truth)
            captions.writerow(['file', 'caption', 'licence', 'nsfw'])
            classes.writerow(['file', 'class', 'caption_class'])
            pairs = zip(images, labels.tolist(), strict=True)
            for index, (image, class_id) in enumerate(tqdm(pairs, 'garments', len(labels), unit='img', dynamic_ncols=True)):
                name = f'images/{index // 1000:03d}/{index:06d}.png'
                caption = garment_caption(index, class_id, names, wrong, seed, forms)
                captions.writerow([name, caption.text, 'MIT', 'UNLIKELY'])
                classes.writerow([name, folders[class_id], folders[caption.class_id]])
                write_png(part / name, image)
    return len(labels)


def _garments(source: str, colour: bool) -> tuple[Iterable[np.ndarray], np.ndarray]:
    """Images, uint8 (H,W) or RGB (H,W,3), and classes of the training garments."""
    if not colour:
        return load_fashion('train', source)
    composer = ColourComposer('train', source)
    return (composer.compose(index).image for index in range(len(composer.labels))), composer.labels
