"""Hooks, samplers and constructors for mmengine's Runner."""

from mmbdg.engine.hooks.average_statistics_hook import AverageStatisticsHook
from mmbdg.engine.hooks.channels_last_hook import ChannelsLastHook
from mmbdg.engine.hooks.correspondence_hook import CorrespondenceHook
from mmbdg.engine.hooks.diffusion_hooks import (
    DiffusionSamplesHook,
    ExportAdapterHook,
    ExportDiffusionGeneratorHook,
    ExportPretrainedHook,
)
from mmbdg.engine.hooks.embedding_hook import EmbeddingHook
from mmbdg.engine.hooks.export_clip_hook import ExportCLIPHook
from mmbdg.engine.hooks.export_hook import ExportLabelledGeneratorHook, ExportWeightsHook
from mmbdg.engine.hooks.export_judge_hook import ExportJudgeHook
from mmbdg.engine.hooks.gan_hooks import GeneratedSamplesHook, RefreshAverageHook
from mmbdg.engine.hooks.momentum_encoder_hook import MomentumEncoderHook
from mmbdg.engine.hooks.precise_bn_hook import PreciseBNHook
from mmbdg.engine.hooks.queue_report_hook import QueueReportHook
from mmbdg.engine.hooks.random_state_hook import RandomStateHook
from mmbdg.engine.hooks.rank_agreement_hook import RankAgreementHook
from mmbdg.engine.hooks.safe_checkpoint_hook import SafeCheckpointHook
from mmbdg.engine.hooks.sample_predictions_hook import SamplePredictionsHook
from mmbdg.engine.hooks.steering_hook import SteeringHook
from mmbdg.engine.hooks.stop_on_nan_hook import StopOnNaNHook
from mmbdg.engine.hooks.total_batch_hook import TotalBatchHook
from mmbdg.engine.hooks.training_set_hook import TrainingSetHook
from mmbdg.engine.hooks.verdict_hook import VerdictHook
from mmbdg.engine.optimizers.autocast_optim_wrapper import AutocastOptimWrapper
from mmbdg.engine.optimizers.continued_cosine_lr import ContinuedCosineLR
from mmbdg.engine.optimizers.gan_optim_wrapper_constructor import GANOptimWrapperConstructor
from mmbdg.engine.optimizers.warmup_cosine_lr import WarmupCosineLR
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.engine.samplers.aspect_ratio_sampler import AspectRatioSampler
from mmbdg.engine.samplers.ensemble_sampler import EnsembleSampler
from mmbdg.engine.samplers.source_ratio_sampler import SourceRatioSampler

__all__ = [
    'AddressedSampler',
    'AspectRatioSampler',
    'AverageStatisticsHook',
    'AutocastOptimWrapper',
    'ContinuedCosineLR',
    'ChannelsLastHook',
    'CorrespondenceHook',
    'DiffusionSamplesHook',
    'EmbeddingHook',
    'EnsembleSampler',
    'ExportCLIPHook',
    'ExportJudgeHook',
    'ExportLabelledGeneratorHook',
    'ExportAdapterHook',
    'ExportDiffusionGeneratorHook',
    'ExportPretrainedHook',
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
    'SourceRatioSampler',
    'SteeringHook',
    'StopOnNaNHook',
    'TotalBatchHook',
    'TrainingSetHook',
    'VerdictHook',
    'WarmupCosineLR',
]
