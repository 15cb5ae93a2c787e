"""What is in a folder of images with a folder for each class, and whether it is fit for configs/own."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.errors import InputError
from mmbdg.image_files import header
from mmbdg.images import image_size, open_image
from mmbdg.listing import list_files, list_folders
from mmbdg.own_images.duplicates import NEAR, equal_groups, fingerprint, near_pairs, thumbnail
from mmbdg.own_images.layouts import BUDGETS, RESOLUTIONS, suits

FEW, TOO_FEW = 50, 10
"""Images of a class below which the class is called small, and too small: a tenth of ten images is one held-out image, and one image says
nothing about the classifier. 50 is where docs/diffusion.md begins to recommend LoRA."""
FEW_IMAGES = 1000
"""Images in all below which adapters of an existing diffusion model are suggested instead of a GAN: docs/diffusion.md, 50 to 1,000."""
UNEVEN = 10
"""Ratio of the largest to the smallest class from which classes are called uneven: the GAN's batches then show the small class rarely."""
BLANK = 2.0
"""Standard deviation of the pixels, in grey levels, below which an image is called blank."""
GREY = 2
"""Largest difference of the channels of a pixel, in grey levels, up to which an image is called grey: JPEG rounds by about that."""
LONG = 2.0
"""Ratio of the longer to the shorter side above which the centre square shows less than half of an image."""
SHOWN = 5


@dataclass
class Fault:
    """One kind of fault.

    Attributes:
        name: Short name.
        stops: Whether the trainings would end with an error.
        what: What it means, and what to do.
        items: The files or classes.
    """

    name: str
    stops: bool
    what: str
    items: list[str]


@dataclass
class FolderReport:
    """What :func:`check_folder` found.

    Attributes:
        root: The folder.
        classes: Number of readable images of each class.
        sizes: Smallest, median and largest short side in pixels; empty without images.
        modes: Number of images by the mode of the file in Pillow's words, such as RGB, L or P.
        grey: Number of images without colours.
        faults: In the order of their weight.
        settings: Suggested lines for dataset.py; empty without images.
        budgets: For each budget the largest resolution that suits it and these images, or None.
    """

    root: Path
    classes: dict[str, int]
    sizes: dict[str, int]
    modes: dict[str, int]
    grey: int
    faults: list[Fault] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    budgets: dict[str, int | None] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """Number of readable images."""
        return sum(self.classes.values())

    @property
    def stops(self) -> bool:
        """Whether a training on this folder would end with an error."""
        return any(fault.stops for fault in self.faults)

    def record(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return dict(
            folder=str(self.root),
            images=self.images,
            classes=self.classes,
            short_side=self.sizes,
            modes=self.modes,
            grey=self.grey,
            faults=[vars(fault) for fault in self.faults],
            budgets=self.budgets,
            settings=self.settings,
        )


def check_folder(
    root: str, near: float | None = NEAR, budget: str = 'cpu-hour', after_image: Callable[[int], Any] = lambda _: None
) -> FolderReport:
    """Read all images of a folder and describe them.

    Args:
        root: Folder with a folder for each class.
        near: See :func:`~mmbdg.own_images.duplicates.near_pairs`; None: near duplicates are not searched.
        budget: Budget of the suggested settings.
        after_image: Function called with 1 after each image, for a progress bar.

    Raises:
        InputError: The folder does not exist.
    """
    path = Path(root)
    faults: dict[str, list[str]] = {name: [] for name in FAULTS}
    read, sides, modes, grey = list[tuple[str, str]](), list[tuple[int, int]](), Counter[str](), 0
    prints, thumbnails, counts = list[str](), list[np.ndarray](), dict[str, int]()
    beside = list_files(path, depth=0)
    faults['loose'] = [file.name for file in beside.files]
    for folder in list_folders(path):
        listing = list_files(folder)
        faults['other files'] += [_within(path, file) for file in listing.left_out]
        counts[folder.name] = 0
        for file in listing.files:
            name = _within(path, file)
            after_image(1)
            try:
                image = open_image(file, name)
                with header(file, name) as picture:
                    mode = picture.mode
            except InputError as error:
                faults['broken'].append(str(error))
                continue
            counts[folder.name] += 1
            modes[mode] += 1
            grey += int(np.ptp(image, axis=2).max()) <= GREY
            side = image_size(file, name)
            read.append((folder.name, name))
            sides.append(side)
            prints.append(fingerprint(image))
            thumbnails.append(thumbnail(image))
            if image.std() < BLANK:
                faults['blank'].append(name)
            if max(side) > LONG * min(side):
                faults['long'].append(f'{name} ({side[1]}x{side[0]} px)')
    _find_duplicates(faults, read, prints, thumbnails, near)
    _find_classes(faults, counts)
    short = [min(side) for side in sides]
    sizes = dict(smallest=min(short), median=int(np.median(short)), largest=max(short)) if short else {}
    if short and 0 < grey < len(read):
        faults['mixed colours'] = [f'{grey} of {len(read)} images are grey']
    found = [Fault(name, stops, what, faults[name]) for name, (stops, what) in FAULTS.items() if faults[name]]
    report = FolderReport(path, counts, sizes, dict(sorted(modes.items())), grey, found)
    if short:
        _suggest(report, short, budget)
        if sizes['smallest'] < report.settings['resolution']:
            small = sum(side < report.settings['resolution'] for side in short)
            what = 'images whose shorter side is below the suggested resolution are enlarged, so they are blurred'
            report.faults.append(Fault('small', False, what, [f'{small} images']))
    return report


FAULTS = {
    'no class folders': (True, 'there is no folder of a class: put the images into FOLDER/<class>/'),
    'broken': (True, 'files that cannot be read: remove or repair them'),
    'empty class': (True, 'classes without an image: fill or remove their folders'),
    'class too small': (False, f'classes with fewer than {TOO_FEW} images: their results cannot be measured; join classes or add images'),
    'small class': (False, f'classes with fewer than {FEW} images: the GAN will repeat them; add images, or use "diffusion-lora"'),
    'uneven classes': (False, f'the largest class has more than {UNEVEN} times the images of the smallest'),
    'in two classes': (False, 'the same picture in two classes: the classifier learns a contradiction; remove one of them'),
    'equal': (False, 'the same picture twice in a class: the held-out images are then no test; remove one of them'),
    'nearly equal': (False, 'nearly the same picture twice: look at them, and remove one of them if they are copies'),
    'blank': (False, 'images of one colour'),
    'long': (False, f'one side is more than {LONG:g} times the other: only the square in the centre is used'),
    'mixed colours': (False, "grey and colour images are mixed: the generator learns both; colours = 'grey' makes all of them grey"),
    'loose': (False, 'images beside the folders of the classes are not used'),
    'other files': (False, 'files with other suffixes, or hidden ones, are not used'),
}  # fmt: skip
"""Faults by name: whether they stop a training, and what to do."""


def _find_duplicates(
    faults: dict[str, list[str]],
    read: Sequence[tuple[str, str]],
    prints: Sequence[str],
    thumbnails: Sequence[np.ndarray],
    near: float | None,
) -> None:
    copies: set[int] = set()
    for group in equal_groups(prints):
        copies |= set(group[1:])
        for i, j in pairwise(group):
            faults['equal' if read[i][0] == read[j][0] else 'in two classes'].append(f'{read[j][1]} = {read[i][1]}')
    blank = set(faults['blank'])
    kept = [i for i in range(len(read)) if i not in copies and read[i][1] not in blank]
    if near is None or not kept:
        return
    for j, i, difference in near_pairs(np.stack([thumbnails[k] for k in kept]), near):
        faults['nearly equal'].append(f'{read[kept[j]][1]} ~ {read[kept[i]][1]} ({difference:.1f} grey levels)')


def _find_classes(faults: dict[str, list[str]], counts: dict[str, int]) -> None:
    if not counts:
        faults['no class folders'].append('.')
    for name, count in counts.items():
        key = 'empty class' if not count else 'class too small' if count < TOO_FEW else 'small class' if count < FEW else None
        if key:
            faults[key].append(f'{name}: {count}')
    if counts and max(counts.values()) > UNEVEN * max(1, min(counts.values())):
        ends = [pick(counts.items(), key=lambda item: item[1]) for pick in (max, min)]
        faults['uneven classes'].append(', '.join(f'{name}: {count}' for name, count in ends))


def _suggest(report: FolderReport, short: Sequence[int], budget: str) -> None:
    """Fill in settings and budgets: the largest resolution that the median image has and the budget pays."""
    native = [r for r in RESOLUTIONS if r <= max(RESOLUTIONS[0], np.median(short))]
    report.budgets = {name: max((r for r in native if suits(r, name, report.images)), default=None) for name in BUDGETS}
    few = report.images < FEW_IMAGES
    report.settings = dict(
        class_names=tuple(name for name, count in report.classes.items() if count),
        resolution=report.budgets[budget] or RESOLUTIONS[0],
        colours='grey' if report.grey == report.images else 'rgb',
        num_images=report.images,
        budget=budget,
        generator_type='diffusion-lora' if few else 'biggan',
    )


def _within(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()
