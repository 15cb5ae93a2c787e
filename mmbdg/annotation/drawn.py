"""What an annotation tool says about one sample, whatever the tool."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmbdg.errors import InputError


@dataclass(frozen=True)
class Drawn:
    """One sample's mask.

    Args:
        stem: Name of the sample.
        where: File, and place in it, for messages.
        mask: uint8 (H,W), see :mod:`mmbdg.annotation.mask_values`; None if the annotator drew nothing.
        folder: Class folder it lies in; empty if the source has none.
        note: What the user should know about it though it is no fault; equal notes are counted.
    """

    stem: str
    where: str
    mask: np.ndarray | None
    folder: str = ''
    note: str = ''


@dataclass(frozen=True)
class Problem:
    """Something that cannot be imported.

    Args:
        where: File, and place in it.
        what: What is wrong with it.
        stem: Of the sample that falls with it; empty if none is known.
    """

    where: str
    what: str
    stem: str = ''

    def __str__(self) -> str:
        return f'{self.where}: {self.what}'


Findings = Iterator[Drawn | Problem]

LABELS = ('foreground', 'ignore', 'background')


def role_of(label: str, folder: str) -> str:
    """What a label of the annotation tool means: one of LABELS. An image's own class counts as foreground.

    Raises:
        InputError: It is another label.
    """
    slug = slug_of(label)
    if slug in LABELS:
        return slug
    if slug and slug == folder:
        return 'foreground'
    own = f', or the class of its image, {folder}' if folder else ''
    raise InputError(f'has the unknown label "{label}"; labels are foreground, ignore{own}')


def slug_of(name: str) -> str:
    """A name as a folder's: small letters, digits and hyphens."""
    return '-'.join(''.join(c if c.isalnum() else ' ' for c in name.lower()).split())
