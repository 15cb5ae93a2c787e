"""mIoU of an interpreter in several label spaces."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.evaluation import IoUMetric

from mmbdg.errors import InputError
from mmbdg.registry import METRICS
from mmbdg.storage.label_spaces import LabelSpace, label_space

IGNORE = 65535  # no label in any space


@METRICS.register_module()
class LabellerIoU(BaseMetric):
    """mIoU of predicted labels for FG/BG and for a label space with classes, as in mmseg (areas are summed over all images).

    Keys:

    - ``mIoU_fgbg``: mIoU of foreground and background;
    - ``mIoU_classes``: mIoU with one label per class. For a dataset in another label space the key is ``mIoU_<name>``, e.g. ``mIoU_mc16``;
    - ``rule_fgbg_t4``, ...: only if the data samples have ``rule_seg`` for several thresholds: mIoU of the rule at each other threshold
      against the rule itself. Differences of mIoU that are smaller than this variation have no meaning.

    A head with all labels of the dataset predicts their ids, so its class can be wrong. An FG/BG head (``num_outputs`` of the data samples
    is 1, or the dataset has two labels) predicts 0 and 1. Its foreground gets the class of the image.

    Args:
        per_class: Whether to report the IoU of every label. Default: False.
        ignore_index: Label of ignored pixels in the ground truth. Default: 65535 and the ignore label of the label space of the dataset.
        collect_device, prefix: Arguments of ``mmengine.evaluator.BaseMetric``.
    """

    default_prefix = ''

    def __init__(
        self, per_class: bool = False, ignore_index: int | None = None, collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device, prefix)
        self.per_class, self.ignore_index = per_class, ignore_index

    @property
    def _own(self) -> LabelSpace:
        """Label space of the dataset."""
        meta = self.dataset_meta
        if 'label_space' in meta:
            return LabelSpace(tuple(meta['classes']), **meta['label_space'])
        return label_space('fgbg' if len(meta['classes']) == 2 else 'classes', meta['class_names'])

    @property
    def _spaces(self) -> dict[str, LabelSpace]:
        """Label spaces of the reported metrics, by name."""
        spaces = [label_space('fgbg', self.dataset_meta['class_names']), self._own]
        if spaces[1].name == 'fgbg':
            spaces[1] = label_space('classes', self.dataset_meta['class_names'])
        return {space.name: space for space in spaces}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        spaces = self._spaces
        for sample in data_samples:
            truth, class_id = self._truth(sample), int(sample['gt_label'])
            areas = self._measured(sample, sample['pred_sem_seg']['data'].squeeze(0), truth)
            for threshold, seg in zip(sample.get('thresholds', ())[1:], sample.get('rule_seg', ())[1:], strict=True):
                for name, space in spaces.items():
                    areas[f'rule_{name}_t{threshold}'] = _areas(space, space.paint(seg, class_id), truth, class_id)
            self.results.append(areas)

    def _truth(self, sample: dict) -> np.ndarray:
        truth = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy().astype(np.int64)
        truth[np.isin(truth, self._ignored(self._own))] = IGNORE
        return truth

    def _measured(self, sample: dict, predicted: torch.Tensor, truth: np.ndarray) -> dict[str, tuple[np.ndarray, ...]]:
        """Areas of a prediction, integer (R,R), by label space."""
        own, class_id, predicted = self._own, int(sample['gt_label']), predicted.cpu().numpy().astype(np.int64)
        has_own_ids = _has_own_ids(sample.get('num_outputs', own.num_classes), own)
        return {
            name: _areas(space, predicted if has_own_ids and name == own.name else space.paint(predicted, class_id), truth, class_id)
            for name, space in self._spaces.items()
        }

    def _ignored(self, own: LabelSpace) -> list[int]:
        return [own.ignore, IGNORE] if self.ignore_index is None else [self.ignore_index]

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        metrics = {}
        for name in results[0]:
            totals = [torch.from_numpy(np.sum([result[name][i] for result in results], axis=0, dtype=np.float64)) for i in range(4)]
            iou = IoUMetric.total_area_to_metrics(*totals, metrics=['mIoU'])['IoU']
            key = name if name.startswith('rule') else f'mIoU_{name}'
            metrics[key] = round(100 * float(np.nanmean(iou)), 2)
            if self.per_class and not name.startswith('rule'):
                labels = self._spaces[name].classes
                metrics |= {f'IoU_{name}_{label}': round(100 * float(value), 2) for label, value in zip(labels, iou, strict=True)}
        return metrics


def _has_own_ids(num_outputs: int, own: LabelSpace) -> bool:
    if own.name == 'fgbg' or num_outputs <= 2:
        return False
    if num_outputs != own.num_classes:
        raise InputError(
            f'the head has {num_outputs} labels, the dataset "{own.name}" has {own.num_classes}: set the number of outputs of the head to '
            f'{own.num_classes}'
        )
    return True


def _areas(space: LabelSpace, predicted: np.ndarray, truth: np.ndarray, class_id: int) -> tuple[np.ndarray, ...]:
    labels = np.where(truth == IGNORE, IGNORE, space.paint(truth, class_id))
    areas = IoUMetric.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(labels), space.num_classes, IGNORE)
    return tuple(area.numpy() for area in areas)
