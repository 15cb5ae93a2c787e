"""What a dataset, or a source of one, is about: classes of images, labels of masks, size, licence."""

from collections.abc import Mapping
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.storage.masks import ignore_label


class Catalogue(NamedTuple):
    """Classes and labels of a source or of a dataset.

    Attributes:
        classes: Name of each class of images.
        folders: Name of each class's folder: its wnid, else a slug.
        labels: Names of the labels in the masks, background first; empty where there are no masks.
        ignore: Value of mask pixels that do not count: 255, or 65535 in masks of more than 254 labels.
        resolution: Height and width of images and masks in pixels.
        licence: Licence of the images.
    """

    classes: tuple[str, ...]
    folders: tuple[str, ...]
    labels: tuple[str, ...]
    ignore: int
    resolution: int
    licence: str = ''

    @property
    def has_masks(self) -> bool:
        """Whether there are masks."""
        return bool(self.labels)

    def class_id(self, cls: int | str) -> int:
        """Index of a class given by index, name or folder.

        Raises:
            InputError: There is no such class.
        """
        for names in (self.classes, self.folders, range(len(self.classes))):
            if cls in names:
                return names.index(cls)
        raise InputError(
            f'there is no class {cls!r}; classes are 0 to {len(self.classes) - 1}: {", ".join(self.classes[:20])}'
            + (', ...' if len(self.classes) > 20 else '')
        )


def catalogue_of(info: Mapping) -> Catalogue:
    """The catalogue of a finished dataset.

    Args:
        info: Content of ``dataset.json``. Versions up to 0.5.0 call the classes of images ``generator_classes``.
    """
    entries = info.get('image_classes') or info['generator_classes']
    return Catalogue(
        classes=tuple(entry['name'] for entry in entries),
        folders=tuple(entry['folder'] for entry in entries),
        labels=tuple(info['classes']),
        ignore=ignore_label(len(info['classes'])),
        resolution=info['resolution'],
        licence=info.get('licence', ''),
    )
