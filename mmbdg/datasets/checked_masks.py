"""Masks of a synthetic dataset, checked when they are loaded: a wrong one would train to wrong labels without a word."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmbdg.errors import InputError
from mmbdg.storage.checksums import checksum
from mmbdg.storage.masks import check_mask_header


class CheckedLoading(BaseTransform):
    """A transform that loads ``gt_seg_map``, with a look at the file before and at the labels after.

    Items say what must be: ``mask_size``, height and width in pixels; ``num_labels``, of the masks as they are stored; ``mask_checksum``,
    of the file, None where none is known; ``mask_labels``, what ``gt_seg_map`` may hold.

    Args:
        loader: ``mmseg.LoadAnnotations`` or one that derives from it.
    """

    def __init__(self, loader: BaseTransform) -> None:
        self.loader = loader

    def transform(self, results: dict) -> dict:
        """What the loader gives.

        Raises:
            InputError: The mask is no mask of the dataset, see :func:`~mmbdg.storage.masks.check_mask_header`, is not of its
                checksum, or holds a label that its class does not have.
        """
        name = results['seg_map_path']
        data = fileio.get(name, backend_args=getattr(self.loader, 'backend_args', None))
        check_mask_header(data, results['mask_size'], results['num_labels'], name)
        if results['mask_checksum'] not in (None, checksum(data)):
            raise InputError(f'{name} is not of its checksum; python tools/verify.py DATASET --repair mends it')
        results = self.loader(results)
        check_labels(results['gt_seg_map'], results['mask_labels'], name)
        return results

    def __repr__(self) -> str:
        return f'checked {self.loader!r}'


def check_labels(labels: np.ndarray, allowed: Sequence[int], name: str) -> None:
    """See that a map holds no other labels than these.

    Args:
        labels: Integer (H,W), 0..65535.
        allowed: Labels.
        name: Of the file, for messages.

    Raises:
        InputError: It does.
    """
    table = np.zeros(65536, bool)
    table[list(allowed)] = True
    if not (known := table[labels]).all():
        wrong = labels[~known]
        raise InputError(f'{name} holds a label that does not exist, in {wrong.size} pixels: {int(wrong[0])}, as it is read')
