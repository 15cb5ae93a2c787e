"""Hooks, samplers and constructors for mmengine's Runner."""

from mmbdg.engine.addressed_sampler import AddressedSampler
from mmbdg.engine.aspect_ratio_sampler import AspectRatioSampler
from mmbdg.engine.autocast_optim_wrapper import AutocastOptimWrapper
from mmbdg.engine.average_statistics_hook import AverageStatisticsHook
from mmbdg.engine.continued_cosine_lr import ContinuedCosineLR
from mmbdg.engine.correspondence_hook import CorrespondenceHook
from mmbdg.engine.embedding_hook import EmbeddingHook
from mmbdg.engine.ensemble_sampler import EnsembleSampler
from mmbdg.engine.export_hook import ExportLabelledGeneratorHook, ExportWeightsHook
from mmbdg.engine.gan_hooks import GeneratedSamplesHook, RefreshAverageHook
from mmbdg.engine.gan_optim_wrapper_constructor import GANOptimWrapperConstructor
from mmbdg.engine.momentum_encoder_hook import MomentumEncoderHook
from mmbdg.engine.precise_bn_hook import PreciseBNHook
from mmbdg.engine.queue_report_hook import QueueReportHook
from mmbdg.engine.random_state_hook import RandomStateHook
from mmbdg.engine.rank_agreement_hook import RankAgreementHook
from mmbdg.engine.safe_checkpoint_hook import SafeCheckpointHook
from mmbdg.engine.sample_predictions_hook import SamplePredictionsHook
from mmbdg.engine.stop_on_nan_hook import StopOnNaNHook
from mmbdg.engine.total_batch_hook import TotalBatchHook
from mmbdg.engine.verdict_hook import VerdictHook

__all__ = [
    'AddressedSampler',
    'AspectRatioSampler',
    'AverageStatisticsHook',
    'AutocastOptimWrapper',
    'ContinuedCosineLR',
    'CorrespondenceHook',
    'EmbeddingHook',
    'EnsembleSampler',
    'ExportLabelledGeneratorHook',
    'ExportWeightsHook',
    'GANOptimWrapperConstructor',
    'GeneratedSamplesHook',
    'MomentumEncoderHook',
    'PreciseBNHook',
    'QueueReportHook',
    'RandomStateHook',
    'RankAgreementHook',
    'RefreshAverageHook',
    'SafeCheckpointHook',
    'SamplePredictionsHook',
    'StopOnNaNHook',
    'TotalBatchHook',
    'VerdictHook',
]
