"""Corrected masks as annotated latents, in the layout of :mod:`mmbdg.annotation.latent_files`."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mmbdg.annotation.mask_values import BACKGROUND, FOREGROUND, IGNORE, read_mask
from mmbdg.errors import InputError
from mmbdg.explorer.view import View, Where
from mmbdg.files import write_json, write_npy, write_png
from mmbdg.paths import inside
from mmbdg.reading import read_bytes, read_json
from mmbdg.schema import PlainName, Schema, validated

RECORD = 'explorer.json'
ANNOTATED, TO_ANNOTATE = 'annotated', 'to_annotate'
MOST_MARKED = 1000
"""Largest number of samples that are written by one request."""


class Record(Schema):
    """Schema of ``explorer.json``: what all samples of a folder have in common."""

    kind: Literal['generator', 'dataset']
    name: PlainName
    """Name of the set."""
    generator: str | None
    """SHA-256 of the weights of the generator of the latents. None if there are no latents."""
    statistics: Annotated[float, Field(gt=0)] | None
    """Truncation of the batch statistics. None for un-truncated ones."""


class AnnotationFolder:
    """A folder for corrected masks, and for samples that are to be annotated elsewhere.

    .. code-block:: none

        ROOT/annotated/annotations/NAME/<class>/<stem>.png    corrected masks: 0 background, 255 foreground, 128 ignored
        ROOT/annotated/latents/NAME/<class>/<stem>.npy        their latents; missing if the generator of a dataset is not known
        ROOT/annotated/images/NAME/<class>/<stem>.png         their images
        ROOT/to_annotate/                                     images and latents, as tools/annotate.py sample writes them

    A stem is ``<class>-s<seed>-t<truncation>_<class id>_<index>``, or ``<class>_<class id>_<index>`` without a latent.

    Args:
        root: Folder ROOT. It is created when something is written.
        name: Name of the set.
        view: View of the samples.

    Raises:
        InputError: The name is not a plain name, or the folder holds a set of another kind of samples.
    """

    def __init__(self, root: str | os.PathLike, name: str, view: View) -> None:
        validated(PlainName, name, 'the name of the set (--name)')
        self.root, self.name, self.view = Path(root), name, view
        self._lock = threading.Lock()
        for part in (ANNOTATED, TO_ANNOTATE):
            path = self.root / part / RECORD
            if path.is_file():
                self._check(path, dict(kind=view.kind, name=name))
            elif (self.root / part).exists():
                raise InputError(
                    f'{self.root / part} was not written by the explorer (it has no {RECORD}): choose another --out; sets of one generator '
                    'can be joined later by copying their files together'
                )

    def save(self, where: Where, index: int, mask: np.ndarray) -> Path:
        """Write a corrected mask with its image and its latent. A mask that was saved before is replaced.

        Args:
            where, index: The sample.
            mask: Mask, uint8 (R,R): 0 background, 128 ignored, 255 foreground.

        Returns:
            Path of the mask.

        Raises:
            InputError: The mask has another size or other values, or the folder holds samples of another generator.
        """
        size = self.view.catalogue.resolution
        if mask.shape != (size, size) or mask.dtype != np.uint8:
            raise InputError(f'a mask of these samples is uint8 ({size},{size}), got {mask.dtype} {mask.shape}')
        if wrong := sorted(set(np.unique(mask).tolist()) - {BACKGROUND, IGNORE, FOREGROUND}):
            raise InputError(f'a mask holds {BACKGROUND}, {IGNORE} and {FOREGROUND} (background, ignored, foreground), got {wrong[:5]}')
        path = self._path(ANNOTATED, 'annotations', where, index, 'png')
        with self._lock:
            self._write_sample(ANNOTATED, where, index)
            write_png(path, mask)  # last: a latent without a mask is found by tools/annotate.py check
        return path

    def saved(self, where: Where, index: int) -> np.ndarray | None:
        """Return the mask that was saved for a sample, uint8 (R,R). None if there is none."""
        path = self._path(ANNOTATED, 'annotations', where, index, 'png')
        return read_mask(read_bytes(path), IGNORE) if path.is_file() else None

    def has_saved(self, where: Where, indices: Sequence[int]) -> list[bool]:
        """Return whether a mask was saved for each sample."""
        return [self._path(ANNOTATED, 'annotations', where, index, 'png').is_file() for index in indices]

    def write_samples(self, where: Where, indices: Sequence[int]) -> Path:
        """Write images and latents of samples to ``ROOT/to_annotate``, as ``tools/annotate.py sample`` does; existing ones stay.

        Returns:
            Path of the folder.

        Raises:
            InputError: There are too many samples, the latents are not known, or the folder holds samples of another generator.
        """
        if len(indices) > MOST_MARKED:
            raise InputError(f'at most {MOST_MARKED} samples are written at once, got {len(indices)}')
        if self.view.origin(where) is None:
            raise InputError('the latents of this dataset are not known: start with --labelled-generator')
        with self._lock:
            for index in indices:
                self._write_sample(TO_ANNOTATE, where, index)
        return self.root / TO_ANNOTATE

    def _write_sample(self, part: str, where: Where, index: int) -> None:
        origin = self.view.origin(where)
        record = dict(kind=self.view.kind, name=self.name, generator=None, statistics=None)
        if origin:
            generator, there = origin
            truncation = generator.truncation_of(there)
            record |= dict(generator=generator.checksum, statistics=truncation.statistics_of if truncation else None)
        with self.view.lock:
            image = self.view.show(where, index).image
            latent = generator.latent(there, index) if origin else None
        path = inside(self.root, part, RECORD)
        if path.is_file():
            self._check(path, record)
        else:
            write_json(path, record)
        write_png(self._path(part, 'images', where, index, 'png'), image)
        if latent is not None:
            write_npy(self._path(part, 'latents', where, index, 'npy'), latent)

    def _check(self, path: Path, wanted: dict) -> None:
        found = read_json(path, Record)
        for key, value in wanted.items():
            if found[key] != value:
                raise InputError(
                    f'{path.parent} holds samples with {key} {found[key]!r}, these have {value!r}: they cannot be trained on together; '
                    'choose another --out'
                )

    def _path(self, part: str, kind: str, where: Where, index: int, suffix: str) -> Path:
        folder, origin = self.view.catalogue.folders[where.class_id], self.view.origin(where)
        prefix = folder
        if origin:
            _, there = origin
            prefix += f'-s{there.seed}-t{"none" if there.truncation is None else format(there.truncation, "g")}'
        return inside(self.root, part, kind, self.name, folder, f'{prefix}_{where.class_id}_{index}.{suffix}')
