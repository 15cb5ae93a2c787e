"""Metrics for mmengine's evaluator."""

from mmbdg.evaluation.attribute_answers import AttributeAnswers
from mmbdg.evaluation.codebook_use import CodebookUse
from mmbdg.evaluation.early_recall import EarlyRecall
from mmbdg.evaluation.ensemble_quality import EnsembleQuality
from mmbdg.evaluation.kid import KernelDistance
from mmbdg.evaluation.labeller_iou import LabellerIoU
from mmbdg.evaluation.recognised import RecognisedSamples
from mmbdg.evaluation.reconstruction_psnr import ReconstructionPSNR
from mmbdg.evaluation.streaming_iou import StreamingIoU
from mmbdg.evaluation.subset_accuracy import SubsetAccuracy

__all__ = [
    'AttributeAnswers',
    'EarlyRecall',
    'CodebookUse',
    'EnsembleQuality',
    'KernelDistance',
    'LabellerIoU',
    'RecognisedSamples',
    'ReconstructionPSNR',
    'StreamingIoU',
    'SubsetAccuracy',
]
