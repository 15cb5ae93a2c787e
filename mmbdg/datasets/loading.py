"""Pipeline transforms that load images and masks, see :mod:`mmbdg.images`."""

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
"""Maximum number of consecutive broken images; more indicate another problem."""
LOGGED = 1024
"""Maximum number of broken images that are logged."""


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Loads ``img_path`` with :func:`mmbdg.images.open_image`: any format and bit depth, EXIF orientation applied, size limits checked.

    Replaces ``LoadImageFromFile``: sets ``img`` BGR uint8 (H,W,3), ``img_shape`` and ``ori_shape`` (H,W).

    Args:
        skip_broken: Whether a damaged or truncated image is replaced by another one; default False: it raises. The dataset draws the
            replacement with numpy's global generator, so for samples with an address (:class:`~mmbdg.datasets.JointDataset`) it depends
            only on the address. Each broken file is logged once, with the number of broken files so far. Not allowed for tests.
        grey: Whether colours are converted to grey, three equal channels; default False.
        backend_args: Arguments of ``mmengine.fileio``.

    Raises:
        InputError: (when called) see :func:`mmbdg.images.open_image`. Missing and too large files always raise, and so do more than 100
            broken files in a row.
    """

    def __init__(self, skip_broken: bool = False, backend_args: dict | None = None, grey: bool = False) -> None:
        self.skip_broken, self.backend_args, self.grey = skip_broken, backend_args, grey
        self._in_a_row = 0
        self._named = torch.zeros(LOGGED, dtype=torch.int64).share_memory_() if skip_broken else None  # shared by all workers

    def transform(self, results: dict) -> dict | None:
        """Add the image to the results; None for a broken image that is skipped."""
        path = results['img_path']
        try:
            image = open_image(source_of(path, self.backend_args), str(path))
        except DamagedImageError as error:
            if not self.skip_broken:
                raise InputError(f"{error}; dict(type='mmbdg.LoadImage', skip_broken=True) takes another image in its place") from error
            self._skip(str(path), error)
            return None
        self._in_a_row = 0
        if self.grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
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
            # Level ERROR, because ranks other than 0 do not show lower levels.
            print_log(f'{error}; another image is taken in its place ({count + 1} broken so far)', 'current', logging.ERROR)


@TRANSFORMS.register_module()
class LoadMask(LoadAnnotations):
    """Loads ``seg_map_path`` with :func:`mmbdg.images.read_mask`: the stored values of 1, 8 or 16 bit grey or palette images.

    Replaces ``mmseg.LoadAnnotations``, which casts to uint8, so that label 300 becomes 44. Sets ``gt_seg_map`` int32 (H,W). An item may
    have the expected values ``mask_size``, the side of its square mask in px, and ``mask_labels``, the allowed labels of ``gt_seg_map``.

    Args:
        label_map: ``{value in the file: label}``, e.g. ``{255: 1}``; other values are unchanged. The dataset's label map is applied after.
        reduce_zero_label: Whether 0 is ignored and labels start at 1; default: the dataset's setting.
        ignore_index: Ignore label for ``reduce_zero_label``; default: the dataset's, else 255 for 8 bit and 65535 for 16 bit masks.
        backend_args: Arguments of ``mmengine.fileio``.

    Raises:
        InputError: The label map is invalid; (when called) see :func:`mmbdg.images.read_mask`; mask and image differ in size, or the mask
            does not have the expected values of its item.
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
        """Values stored in the file, uint8 or uint16 (H,W)."""
        path = results['seg_map_path']
        return read_mask(source_of(path, self.backend_args), str(path))

    def table(self, dtype: np.dtype, results: dict) -> np.ndarray:
        """Lookup table from stored value to label for uint8 or uint16 files: int32 (256,) or (65536,)."""
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
        unchanged = len(table) == 256 and (table == np.arange(256)).all()  # 20 times faster than the lookup
        results['gt_seg_map'] = stored.astype(np.int32) if unchanged else np.take(table, stored)
        results.setdefault('seg_fields', []).append('gt_seg_map')

    def __repr__(self) -> str:
        return f'LoadMask(label_map={self.label_map}, reduce_zero_label={self.reduce_zero_label}, ignore_index={self.ignore_index})'


def source_of(path: str | os.PathLike, backend_args: dict | None) -> str | os.PathLike | bytes:
    """A local path unchanged; for other paths (``tar://`` of shards, ``s3://``, ...) the bytes read by ``mmengine.fileio``."""
    return fileio.get(path, backend_args=backend_args) if backend_args or '://' in str(path) else path


def whole_label_map(label_map: Mapping | None) -> dict[int, int]:
    """Convert the label map of a config to integers: in JSON and on the command line, keys are strings.

    Raises:
        InputError: A key or a value is not a whole number from 0 to 65535.
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
    """Apply a label map to all labels at once, so that {1: 2, 2: 1} swaps two labels."""
    mapped = table.copy()
    for old, new in label_map.items():
        mapped[table == old] = new
    return mapped


def step_of(pipeline: Any, *names: str) -> Any:
    """The first step of a pipeline whose type (without scope) is one of ``names``; None if there is none."""
    for step in pipeline or ():
        kind = step.get('type', '') if isinstance(step, Mapping) else type(step)
        if (kind if isinstance(kind, str) else kind.__name__).rpartition('.')[2] in names:
            return step
    return None
