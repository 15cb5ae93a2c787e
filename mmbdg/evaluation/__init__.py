"""Metrics for mmengine's evaluator."""

from mmbdg.evaluation.kid import KernelDistance
from mmbdg.evaluation.labeller_iou import LabellerIoU

__all__ = ['KernelDistance', 'LabellerIoU']
