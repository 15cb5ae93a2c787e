"""ImageNet-V2, -Sketch, -R and -A: test sets of ImageNet's classes from other domains."""

import logging
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset

from mmbdg.assets.class_lists import IN1K, class_names, folder_names, imagenet_subsets
from mmbdg.errors import InputError, listed
from mmbdg.listing import list_files, list_folders
from mmbdg.registry import DATASETS

WNID = re.compile(r'n\d{8}')
WITHOUT_EFFECT = ('ann_file', 'data_prefix', 'extensions', 'metainfo', 'with_label')
"""Arguments of ``mmpretrain.CustomDataset`` that say what a published set says already."""


@dataclass(frozen=True)
class PublishedSet:
    """What a complete copy of a set contains.

    Attributes:
        title: Name of the set.
        folders: Class index by name of the class folder.
        images: Possible numbers of images.
        per_class: Number of images of each class; None if it differs between classes.
    """

    title: str
    folders: dict[str, int]
    images: tuple[int, ...]
    per_class: int | None = None


def published_set(name: str) -> PublishedSet:
    """The set with a name: 'v2', 'sketch', 'r' or 'a'.

    Sources of the counts: README of modestyachts/ImageNetV2 (three sets of 10,000; ten a class) and of hendrycks/imagenet-r (30,000 of 200
    classes). Not verified: 7,500 for ImageNet-A, and 50,889 for the copies of ImageNet-Sketch in use, whose README says 50,000; both
    are accepted.

    Raises:
        InputError: There is no such set.
    """
    indices = {wnid: index for index, wnid in enumerate(folder_names(IN1K))}
    if name == 'v2':  # folders are class indices, which as text would sort 0, 1, 10, 100, ...
        return PublishedSet('ImageNet-V2', {str(index): index for index in range(len(indices))}, (10_000,), per_class=10)
    if name == 'sketch':
        return PublishedSet('ImageNet-Sketch', indices, (50_889, 50_000))
    if name in ('r', 'a'):
        wnids = imagenet_subsets()[f'imagenet-{name}']
        return PublishedSet(f'ImageNet-{name.upper()}', {wnid: indices[wnid] for wnid in wnids}, (30_000,) if name == 'r' else (7_500,))
    raise InputError(f'shifted test sets of ImageNet are "v2", "sketch", "r" and "a"; got {name!r}')


@DATASETS.register_module()
class ShiftedImageNet(CustomDataset):
    """A test set with the classes of ImageNet and images from another domain (docs/out_of_domain.md).

    Labels are indices of the 1,000 classes, also for the sets with 200 classes: measure these with ``mmbdg.SubsetAccuracy``. The class of
    an image follows from the name of its folder only: the wnid, or for ImageNet-V2 the class index as a number.

    The pipeline begins with ``mmbdg.LoadImage`` and ends with ``mmpretrain.PackInputs``. The meta information has the names of the 1,000
    classes, in the order of their wnids.

    Args:
        data_root: Folder that contains the class folders.
        name: 'v2' (any of its three variants: give the folder of the variant), 'sketch', 'r' or 'a'.
        partial: If True, classes and images may be missing from the copy: for a quick look. Default False.
        **kwargs: Further arguments of ``mmpretrain.CustomDataset``, e.g. ``pipeline``, but none of :data:`WITHOUT_EFFECT`.

    Raises:
        InputError: The set is unknown, an argument has no effect, the folder is missing, a folder in it is not a class of the set, a class
            folder has no images, a file is empty; or, unless ``partial``, classes or images are missing, or there are too many.
    """

    def __init__(self, data_root: str, name: str, partial: bool = False, **kwargs: Any) -> None:
        self.published, self.partial = published_set(name), partial
        if unused := sorted(kwargs.keys() & set(WITHOUT_EFFECT)):
            raise InputError(f'mmbdg.ShiftedImageNet takes no {", ".join(unused)}: its images and classes are those of the published set')
        super().__init__(data_root=data_root, metainfo=dict(classes=class_names(IN1K)), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Paths and class indices of the images, in the order of the class indices."""
        folders = self._class_folders()
        items, problems = [], []
        for name, index in self.published.folders.items():
            if name not in folders:
                continue
            found = list_files(folders[name]).log()
            problems += [f'class folder {folders[name]} has no images'] if not found.files else []
            problems += [f'{path} is empty, or a link that leads nowhere' for path in found.empty()]
            items += [dict(img_path=str(path), gt_label=index) for path in found.files]
        if problems:
            raise InputError(f'{self.data_root} is no undamaged copy of {self.published.title}:\n  {listed(problems)}')
        if not self.partial and (problems := self._missing(folders, items)):
            raise InputError(
                f'{self.data_root} is no complete copy of {self.published.title}; complete it, or set partial=True (the figure is then not '
                f'comparable with published ones):\n  {listed(problems)}'
            )
        if loose := list_files(self.data_root, depth=0).files:
            print_log(f'{self.data_root}: {len(loose)} images in no class folder are left out, e.g. {loose[0]}', 'current', logging.WARNING)
        return items

    def _class_folders(self) -> dict[str, Path]:
        """Folders of the classes by name."""
        title, root = self.published.title, Path(self.data_root)
        if not root.is_dir():
            raise InputError(f'there is no folder {root}; get {title} as docs/out_of_domain.md says, and set data_root')
        found = {path.name: path for path in list_folders(root)}
        if unknown := [name for name in found if name not in self.published.folders]:
            example = next(iter(self.published.folders))
            if not found.keys() & self.published.folders.keys() and len(found) <= 3:
                raise InputError(
                    f'{root} has no class folders of {title} ({example}, ...) but {", ".join(unknown)}: set data_root to the folder that '
                    'has the class folders'
                )
            raise InputError(f'{root} has folders that are no classes of {title}:\n  {listed([_why(name, title) for name in unknown])}')
        if not found:
            raise InputError(f'{root} has no class folders of {title}')
        return found

    def _missing(self, folders: dict[str, Path], items: list[dict]) -> list[str]:
        """How a copy differs from the published set in its numbers."""
        published, counts = self.published, Counter(item['gt_label'] for item in items)
        absent = [name for name in published.folders if name not in folders]
        problems = [f'{len(absent)} of {len(published.folders)} class folders are missing, e.g. {absent[0]}'] if absent else []
        if published.per_class is not None:
            problems += [
                f'class folder {name} has {counts[index]} images instead of {published.per_class}'
                for name, index in published.folders.items()
                if name in folders and counts[index] != published.per_class
            ]
        if len(items) not in published.images:
            problems.append(f'there are {len(items):,} images; published are {" or ".join(f"{number:,}" for number in published.images)}')
        return problems


def _why(name: str, title: str) -> str:
    """Why a folder is not a class of a set."""
    if title == 'ImageNet-V2':
        return f'{name} is no class index from 0 to 999'
    if not WNID.fullmatch(name):
        return f'{name} is no wnid (n and eight digits)'
    if name in folder_names(IN1K):
        return f'{name} is a class of ImageNet, but not of {title}: is this another set?'
    return f'{name} is no class of ImageNet-1k'
