"""Images and masks of a pipeline: the steps that read them, see :mod:`mmbdg.images`."""

import logging
import os
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadAnnotations

from mmbdg.errors import InputError
from mmbdg.image_files import DamagedImageError
from mmbdg.images import open_image, read_mask
from mmbdg.registry import TRANSFORMS

MOST_IN_A_ROW = 100
"""Broken images after which it is not the images that are broken."""
LOGGED = 1024
"""Broken images of which the log tells."""


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Reads ``img_path`` by :func:`mmbdg.images.open_image`: turned as EXIF says, of any format and depth, within the bounds.

    In the place of ``LoadImageFromFile``: gives ``img`` BGR uint8 (H,W,3), ``img_shape`` and ``ori_shape`` (H,W).

    Args:
        skip_broken: Whether another image is taken where one is cut off or damaged; by default that ends the training. Which one is drawn
            by the dataset from numpy's generator, so it is a function of the address where samples have one
            (:class:`~mmbdg.datasets.JointDataset`). Each such file is named in the log once, with their number so far. Not for tests.
        backend_args: Of ``mmengine.fileio``.

    Raises:
        InputError: (when called) see :func:`mmbdg.images.open_image`; a file that is missing or too large is never skipped, nor are more
            than 100 in a row.
    """

    def __init__(self, skip_broken: bool = False, backend_args: dict | None = None) -> None:
        self.skip_broken, self.backend_args = skip_broken, backend_args
        self._in_a_row = 0
        self._named = torch.zeros(LOGGED, dtype=torch.int64).share_memory_() if skip_broken else None  # by all workers of a data loader

    def transform(self, results: dict) -> dict | None:
        """The results with the image; None for a broken one that is skipped."""
        path = results['img_path']
        try:
            image = open_image(source_of(path, self.backend_args), str(path))
        except DamagedImageError as error:
            if not self.skip_broken:
                raise InputError(f"{error}; dict(type='mmbdg.LoadImage', skip_broken=True) takes another image in its place") from error
            self._skip(str(path), error)
            return None
        self._in_a_row = 0
        results['img'] = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _skip(self, path: str, error: DamagedImageError) -> None:
        self._in_a_row += 1
        if self._in_a_row > MOST_IN_A_ROW:
            raise InputError(f'more than {MOST_IN_A_ROW} images in a row are broken, the last one: {error}') from error
        key = int.from_bytes(blake2b(path.encode(errors='surrogatepass'), digest_size=7).digest(), 'big') + 1
        count = int((self._named != 0).sum())
        if count < LOGGED and not (self._named == key).any():
            self._named[count] = key
            # An error: of several processes the others than the first show nothing less.
            print_log(f'{error}; another image is taken in its place ({count + 1} broken so far)', 'current', logging.ERROR)


@TRANSFORMS.register_module()
class LoadMask(LoadAnnotations):
    """Reads ``seg_map_path`` by :func:`mmbdg.images.read_mask`: the values that are stored, of 1, 8 and 16 bits, greys or a palette.

    In the place of ``mmseg.LoadAnnotations``, which casts to uint8, so that label 300 becomes 44: gives ``gt_seg_map`` int32 (H,W). An item
    may say what its mask must be: ``mask_size``, its height and width in pixels, and ``mask_labels``, what ``gt_seg_map`` may hold.

    Args:
        label_map: ``{value in the file: label}``, e.g. ``{255: 1}``; other values stay. The dataset's own label map comes after it.
        reduce_zero_label: Whether 0 does not count and labels begin with 1; default: as the dataset says.
        ignore_index: Label that does not count, where ``reduce_zero_label`` needs it; default: the dataset's, else 255, in masks of 16 bits
            65535.
        backend_args: Of ``mmengine.fileio``.

    Raises:
        InputError: The label map is none; (when called) see :func:`mmbdg.images.read_mask`; mask and image differ in size, or the mask is
            not what its item says.
    """

    def __init__(
        self,
        label_map: Mapping | None = None,
        reduce_zero_label: bool | None = None,
        ignore_index: int | None = None,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(backend_args=backend_args)
        self.label_map, self.reduce_zero_label, self.ignore_index = whole_label_map(label_map), reduce_zero_label, ignore_index

    def stored(self, results: dict) -> np.ndarray:
        """The values in the file, uint8 or uint16 (H,W)."""
        path = results['seg_map_path']
        return read_mask(source_of(path, self.backend_args), str(path))

    def table(self, dtype: np.dtype, results: dict) -> np.ndarray:
        """The label of each value that a file of uint8 or uint16 can have: int32 (256,) or (65536,)."""
        table = _mapped(np.arange(np.iinfo(dtype).max + 1, dtype=np.int32), self.label_map)
        of_dataset = results.get('reduce_zero_label')
        reduce = of_dataset if self.reduce_zero_label is None else self.reduce_zero_label
        if of_dataset is not None and bool(reduce) != bool(of_dataset):
            raise InputError(
                f'reduce_zero_label is {of_dataset} in the dataset and {reduce} in mmbdg.LoadMask: give it to the dataset alone'
            )
        if reduce:
            ignore = next((value for value in (self.ignore_index, results.get('ignore_index')) if value is not None), np.iinfo(dtype).max)
            table = np.where((table == 0) | (table == ignore), ignore, table - 1).astype(np.int32)
        return _mapped(table, results.get('label_map') or {})

    def _load_seg_map(self, results: dict) -> None:
        stored, name = self.stored(results), results['seg_map_path']
        (height, width), image, side = stored.shape, results.get('ori_shape'), results.get('mask_size')
        if image is not None and tuple(image[:2]) != (height, width):
            raise InputError(
                f'{name} is {width}x{height} px, its image {results.get("img_path", "")} {image[1]}x{image[0]}: are they of one sample?'
            )
        if side is not None and (height, width) != (side, side):
            raise InputError(f'{name} is {width}x{height} px, its dataset says {side}x{side}')
        table, allowed = self.table(stored.dtype, results), results.get('mask_labels')
        if allowed is not None and (wrong := ~np.isin(table, allowed)[stored]).any():
            first = table[stored[wrong][0]]
            raise InputError(f'{name} holds a label that does not exist, in {wrong.sum()} pixels: {first}, as it is read')
        unchanged = len(table) == 256 and (table == np.arange(256)).all()  # a twentieth of the time
        results['gt_seg_map'] = stored.astype(np.int32) if unchanged else np.take(table, stored)
        results.setdefault('seg_fields', []).append('gt_seg_map')

    def __repr__(self) -> str:
        return f'LoadMask(label_map={self.label_map}, reduce_zero_label={self.reduce_zero_label}, ignore_index={self.ignore_index})'


def source_of(path: str | os.PathLike, backend_args: dict | None) -> str | os.PathLike | bytes:
    """A path of this machine as it is, else the bytes that ``mmengine.fileio`` finds there (``tar://`` of shards, ``s3://``, ...)."""
    return fileio.get(path, backend_args=backend_args) if backend_args or '://' in str(path) else path


def whole_label_map(label_map: Mapping | None) -> dict[int, int]:
    """A label map from a config: JSON and the command line write numbers of keys as text.

    Raises:
        InputError: A key or a value is no whole number from 0 to 65535.
    """
    if not isinstance(label_map or {}, Mapping):
        raise InputError(f'label_map is {{value in the mask: label}}, e.g. {{255: 1}}; got {label_map!r}')
    found = {}
    for key, label in (label_map or {}).items():
        value = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
        if any(type(number) is not int or not 0 <= number <= 65535 for number in (value, label)):
            raise InputError(f'label_map is {{value in the mask: label}}, whole numbers from 0 to 65535; got {key!r}: {label!r}')
        found[value] = label
    return found


def _mapped(table: np.ndarray, label_map: Mapping[int, int]) -> np.ndarray:
    """Each label through the map; all at once, so that {1: 2, 2: 1} exchanges two."""
    mapped = table.copy()
    for old, new in label_map.items():
        mapped[table == old] = new
    return mapped


def step_of(pipeline: Any, *names: str) -> Any:
    """The first step of a pipeline whose type is one of these, without its scope; None if there is none."""
    for step in pipeline or ():
        kind = step.get('type', '') if isinstance(step, Mapping) else type(step)
        if (kind if isinstance(kind, str) else kind.__name__).rpartition('.')[2] in names:
            return step
    return None
