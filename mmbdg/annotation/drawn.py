"""Findings of the readers of annotation files: the mask of a sample, or a problem. Common to all formats."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmbdg.errors import InputError
from mmbdg.paths import slug_of


@dataclass(frozen=True)
class Drawn:
    """The mask of one sample.

    Args:
        stem: Name of the sample.
        where: File, and place in the file, for messages.
        mask: Mask, uint8 (H,W), see :mod:`mmbdg.annotation.mask_values`; None if the annotator drew nothing.
        folder: Class folder of the file; empty if the format has none.
        note: Note for the user that is no error; equal notes are counted.
    """

    stem: str
    where: str
    mask: np.ndarray | None
    folder: str = ''
    note: str = ''


@dataclass(frozen=True)
class Problem:
    """An error that prevents the import of a sample or file.

    Args:
        where: File, and place in the file.
        what: Description of the error.
        stem: Name of the sample that cannot be imported; empty if unknown.
    """

    where: str
    what: str
    stem: str = ''

    def __str__(self) -> str:
        return f'{self.where}: {self.what}'


Findings = Iterator[Drawn | Problem]

LABELS = ('foreground', 'ignore', 'background')


def role_of(label: str, folder: str) -> str:
    """Meaning of a label of the annotation tool: one of LABELS. The class of the image itself means foreground.

    Raises:
        InputError: The label is unknown.
    """
    slug = slug_of(label)
    if slug in LABELS:
        return slug
    if slug and slug == folder:
        return 'foreground'
    own = f', or the class of its image, {folder}' if folder else ''
    raise InputError(f'has the unknown label "{label}"; labels are foreground, ignore{own}')
