"""IoU over a test set of any size from one confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size
from mmseg.evaluation import IoUMetric

from mmbdg.errors import InputError
from mmbdg.registry import METRICS


@METRICS.register_module()
class StreamingIoU(IoUMetric):
    """``mmseg.IoUMetric`` that adds the pixels of each image to one confusion matrix.

    mmseg keeps four histograms for each image, in float32, and adds them in the end: with 992 labels this takes 127 MB for 8,000 images,
    and a sum above 2**24 pixels is rounded. Here a matrix of C x C whole numbers counts the pixels exactly: 7.9 MB for 992 labels, whatever
    the number of images. Labels that occur neither in the masks nor in the predictions do not count in the mean, as in mmseg.

    Args:
        per_class: Whether to report the IoU of every label that occurs, as ``IoU_<label>``. Default: False.
        **kwargs: Arguments of ``mmseg.IoUMetric``, e.g. ``ignore_index``.

    Raises:
        InputError: (when called) A label or a prediction is outside the label space.
    """

    def __init__(self, per_class: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.format_only or self.output_dir:
            raise InputError('mmbdg.StreamingIoU writes no predictions: remove format_only and output_dir, or use mmseg.IoUMetric')
        self.per_class = per_class
        self._start()

    def _start(self) -> None:
        self.matrix: np.ndarray | None = None
        self.number = 0  # images in the matrix
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch. ``pred_sem_seg`` and ``gt_sem_seg`` of each data sample hold labels, integer (1,H,W)."""
        labels = len(self.dataset_meta['classes'])
        for sample in data_samples:
            predicted, truth = (sample[key]['data'].squeeze(0).long() for key in ('pred_sem_seg', 'gt_sem_seg'))
            counted = truth.to(predicted.device) != self.ignore_index
            truth, predicted = truth.to(predicted.device)[counted], predicted[counted]
            for what, values in (('mask', truth), ('prediction', predicted)):
                if len(values) and not (int(values.min()) >= 0 and int(values.max()) < labels):
                    wrong = int(values[(values < 0) | (values >= labels)][0])
                    raise InputError(
                        f'the {what} of {sample.get("img_path", "an image")} holds the label {wrong}; the dataset has {labels} labels and '
                        f'{self.ignore_index} is ignored: is it of another label space?'
                    )
            pairs, counts = torch.unique(truth * labels + predicted, return_counts=True)
            self._add_last(labels)
            self._last = pairs.cpu().numpy(), counts.cpu().numpy()

    def _add_last(self, labels: int) -> None:
        if self.matrix is None:
            self.matrix = np.zeros(labels * labels, np.int64)
        if self._last is not None:
            self.matrix[self._last[0]] += self._last[1]
            self.number += 1
        self._last = None

    def evaluate(self, size: int) -> dict[str, float]:
        """Return the metrics over all processes.

        Args:
            size: Number of images of the dataset. mmengine's sampler repeats images so that all processes have equally many; at most the
                last image of a process is such a repetition, and it is not counted.
        """
        if self._last is not None and self.number * get_world_size() + get_rank() >= size:
            self._last = None
        self._add_last(len(self.dataset_meta['classes']))
        self.results = [self.matrix]
        self._start()
        return super().evaluate(get_world_size())

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Metrics of ``mmseg.IoUMetric`` from the confusion matrices of all processes."""
        names = self.dataset_meta['classes']
        matrix = np.sum(results, axis=0).reshape(len(names), len(names))
        intersect, truth, predicted = (
            torch.from_numpy(part.astype(np.float64)) for part in (matrix.diagonal(), matrix.sum(1), matrix.sum(0))
        )
        areas = intersect, truth + predicted - intersect, predicted, truth
        metrics = super().compute_metrics([areas])
        if self.per_class:
            iou = 100 * (areas[0] / areas[1]).numpy()
            metrics |= {f'IoU_{name}': round(float(value), 2) for name, value in zip(names, iou, strict=True) if not np.isnan(value)}
        return metrics
