"""How well an interpreter labels, in both label spaces at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.evaluation import IoUMetric

from mmbdg.datasets.label_spaces import LabelSpace, label_space
from mmbdg.interpreter import ignore_label
from mmbdg.registry import METRICS


@METRICS.register_module()
class LabellerIoU(BaseMetric):
    """mIoU of predicted labels for FG/BG and for one label per class, as mmseg counts it (areas summed over all images).

    Keys: ``mIoU_fgbg``, ``mIoU_classes`` and, where the data samples hold ``rule_seg`` of several thresholds, the mIoU of the rule at each
    other threshold against the rule itself: ``rule_fgbg_t4`` ... A difference below that spread is none.

    Args:
        per_class: Also report the IoU of every label.
        ignore_index: Label of pixels that do not count; None: 255, or 65535 where the classes and the background are more than 254.
        collect_device, prefix: mmengine's.
    """

    default_prefix = ''

    def __init__(
        self, per_class: bool = False, ignore_index: int | None = None, collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device, prefix)
        self.per_class, self.ignore_index = per_class, ignore_index

    @property
    def _spaces(self) -> dict[str, LabelSpace]:
        return {name: label_space(name, self.dataset_meta['class_names']) for name in ('fgbg', 'classes')}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            truth = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
            predicted = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
            class_id = int(sample['gt_label'])
            areas = {name: self._areas(space, predicted, truth, class_id) for name, space in self._spaces.items()}
            for threshold, seg in zip(sample.get('thresholds', ())[1:], sample.get('rule_seg', ())[1:], strict=True):
                for name, space in self._spaces.items():
                    areas[f'rule_{name}_t{threshold}'] = self._areas(space, seg, truth, class_id)
            self.results.append(areas)

    def _areas(self, space: LabelSpace, predicted: np.ndarray, truth: np.ndarray, class_id: int) -> tuple[np.ndarray, ...]:
        own = label_space('classes', self.dataset_meta['class_names'])
        # A head with one label per class can name another class; an FG/BG head takes the class of the image.
        same_head = len(self.dataset_meta['classes']) == own.num_classes and space.num_classes == own.num_classes
        painted = predicted if same_head else space.paint(predicted > 0, class_id)
        ignore = ignore_label(own.num_classes) if self.ignore_index is None else self.ignore_index
        labels = np.where(truth == ignore, ignore, space.paint(truth > 0, class_id))
        areas = IoUMetric.intersect_and_union(torch.from_numpy(painted), torch.from_numpy(labels), space.num_classes, ignore)
        return tuple(area.numpy() for area in areas)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        metrics = {}
        for name in results[0]:
            totals = [torch.from_numpy(np.sum([result[name][i] for result in results], axis=0)) for i in range(4)]
            iou = IoUMetric.total_area_to_metrics(*totals, metrics=['mIoU'])['IoU']
            key = name if name.startswith('rule') else f'mIoU_{name}'
            metrics[key] = round(100 * float(np.nanmean(iou)), 2)
            if self.per_class and not name.startswith('rule'):
                labels = self._spaces[name].classes
                metrics |= {f'IoU_{name}_{label}': round(100 * float(value), 2) for label, value in zip(labels, iou, strict=True)}
        return metrics
