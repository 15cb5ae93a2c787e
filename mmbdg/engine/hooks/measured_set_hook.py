"""Records which test set a test measured, so that figures of different test sets are not compared."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import collect_results
from mmengine.hooks import Hook
from mmengine.runner import Runner


class MeasuredSetHook(Hook):
    """Records the labels of a segmentation test set.

    Attributes:
        measured: None before the end of a test, in all processes but the first, and if an image had no true mask. Otherwise ``images``
            (their number), ``labels`` (their names, background first) and ``sha256``, the checksum of the true masks as the metric got
            them: it depends on the images, on the label space and on the size of the masks, not on the order or the number of processes.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.measured: dict[str, Any] | None = None
        self._digests: list[str] = []

    def before_test_epoch(self, runner: Runner) -> None:
        self.measured, self._digests = None, []

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None) -> None:
        for sample in outputs if isinstance(outputs, Sequence) else ():  # other models return a tensor or a dict
            truth = getattr(sample, 'gt_sem_seg', None)
            self._digests.append('' if truth is None else mask_digest(truth.data.cpu().numpy()))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        dataset = runner.test_dataloader.dataset
        digests = collect_results(self._digests, len(dataset), device='cpu')  # without those that fill the last batch
        labels = (getattr(dataset, 'metainfo', None) or {}).get('classes')
        if not digests or not all(digests) or not labels:
            return
        self.measured = dict(images=len(digests), labels=list(labels), sha256=set_digest(digests))


def set_digest(digests: Sequence[str]) -> str:
    """Checksum of a set of masks from the checksums of all masks, in any order."""
    return hashlib.sha256('\n'.join(sorted(digests)).encode()).hexdigest()


def mask_digest(mask: np.ndarray) -> str:
    """Checksum of a mask, any integer type, (H,W) or (1,H,W)."""
    height, width = mask.shape[-2:]
    values = np.ascontiguousarray(mask.reshape(height, width), '<i4')
    return hashlib.sha256(f'{height} {width} '.encode() + values.tobytes()).hexdigest()
