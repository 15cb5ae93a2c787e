"""Checks of a synthetic dataset's masks at loading time: without them a wrong mask would silently give wrong labels."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmbdg.errors import InputError
from mmbdg.storage.checksums import checksum
from mmbdg.storage.masks import check_mask_header


class CheckedLoading(BaseTransform):
    """Transform that loads ``gt_seg_map`` and checks the file before loading and the labels after.

    Expected values in each item: ``mask_size``, height and width in pixels; ``num_labels``, number of labels in the stored masks;
    ``mask_checksum``, checksum of the file or None if unknown; ``mask_labels``, labels that ``gt_seg_map`` may contain.

    Args:
        loader: ``mmseg.LoadAnnotations`` or a subclass.
    """

    def __init__(self, loader: BaseTransform) -> None:
        self.loader = loader

    def transform(self, results: dict) -> dict:
        """Load and check the mask.

        Raises:
            InputError: The file is not a mask of the dataset (see :func:`~mmbdg.storage.masks.check_mask_header`), has a wrong checksum,
                or contains a label that its class does not have.
        """
        name = results['seg_map_path']
        data = fileio.get(name, backend_args=getattr(self.loader, 'backend_args', None))
        check_mask_header(data, results['mask_size'], results['num_labels'], name)
        if results['mask_checksum'] not in (None, checksum(data)):
            raise InputError(f'{name} does not match its checksum; repair it with python tools/verify.py DATASET --repair')
        results = self.loader(results)
        check_labels(results['gt_seg_map'], results['mask_labels'], name)
        return results

    def __repr__(self) -> str:
        return f'checked {self.loader!r}'


def check_labels(labels: np.ndarray, allowed: Sequence[int], name: str) -> None:
    """Check that a label map contains only allowed labels.

    Args:
        labels: Label map, integer (H,W), 0..65535.
        allowed: Allowed labels.
        name: File name for the message.

    Raises:
        InputError: The map contains another label.
    """
    table = np.zeros(65536, bool)
    table[list(allowed)] = True
    if not (known := table[labels]).all():
        wrong = labels[~known]
        raise InputError(f'{name} holds a label that does not exist, in {wrong.size} pixels: {int(wrong[0])}, as it is read')
