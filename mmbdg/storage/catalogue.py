"""The catalogue of a dataset or of a source: image classes, mask labels, resolution and licence."""

from collections.abc import Mapping
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.storage.masks import ignore_label


class Catalogue(NamedTuple):
    """Classes and labels of a source or of a dataset.

    Attributes:
        classes: Name of each image class.
        folders: Folder name of each image class: its wnid if it has one, else a slug.
        labels: Names of the mask labels, background first. Empty if there are no masks.
        ignore: Value of ignored mask pixels: 255, or 65535 in masks of more than 254 labels.
        resolution: Height and width of images and masks in pixels.
        licence: Licence of the images. Default: ''.
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
        """Return the index of a class that is given by index, name or folder.

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
    """Return the catalogue of a finished dataset.

    Args:
        info: Content of ``dataset.json``. In versions up to 0.5.0 the key of the image classes is ``generator_classes``.
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
