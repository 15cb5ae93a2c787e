"""Models for mmengine's Runner: training of GANs, VQGANs, diffusion models, CLIP and interpreters, joint pre-training, auxiliary norms."""

from mmbdg.models.autoencoder_training import AutoencoderTraining
from mmbdg.models.aux_norm import AuxNorm
from mmbdg.models.aux_norm_classifier import AuxNormClassifier
from mmbdg.models.aux_norm_segmentor import AuxNormSegmentor
from mmbdg.models.chunked_cross_entropy import ChunkedCrossEntropy
from mmbdg.models.class_diffusion_training import ClassDiffusionTraining
from mmbdg.models.clip_training import CLIPTraining
from mmbdg.models.conditional_gan import ConditionalGAN
from mmbdg.models.consistency_segmentor import ConsistencySegmentor
from mmbdg.models.densecl import DenseCL
from mmbdg.models.diffusion_training import DiffusionTraining
from mmbdg.models.domain_losses import DomainLosses
from mmbdg.models.fpn_head import FPNHead
from mmbdg.models.gan_distributed import GANDistributed
from mmbdg.models.given_features import GivenFeatures
from mmbdg.models.interpreter_training import InterpreterTraining
from mmbdg.models.joint_data_preprocessor import JointDataPreprocessor
from mmbdg.models.joint_diffusion_training import JointDiffusionTraining
from mmbdg.models.joint_pretraining import (
    JointBarlowTwins,
    JointBYOL,
    JointDenseCL,
    JointMoCo,
    JointMoCoV3,
    JointSimCLR,
    JointSimSiam,
)
from mmbdg.models.judge_training import JudgeTraining
from mmbdg.models.lora_training import LoRATraining
from mmbdg.models.loss_stride import ASPPHead, FCNHead
from mmbdg.models.many_label_segmentor import ManyLabelSegmentor
from mmbdg.models.online_data_preprocessor import OnlineDataPreprocessor
from mmbdg.models.open_clip_backbone import OpenCLIPBackbone
from mmbdg.models.projection_discriminator import ProjectionDiscriminator
from mmbdg.models.steered_sampler import SteeredSampler
from mmbdg.models.vqgan_autoencoder_training import VQGANAutoencoderTraining
from mmbdg.models.vqgan_transformer_training import VQGANTransformerTraining
from mmbdg.models.zero_shot_head import ZeroShotHead

__all__ = [
    'ASPPHead',
    'AutoencoderTraining',
    'AuxNorm',
    'AuxNormClassifier',
    'AuxNormSegmentor',
    'ChunkedCrossEntropy',
    'ClassDiffusionTraining',
    'CLIPTraining',
    'ConditionalGAN',
    'ConsistencySegmentor',
    'DenseCL',
    'DiffusionTraining',
    'DomainLosses',
    'FCNHead',
    'FPNHead',
    'GANDistributed',
    'GivenFeatures',
    'InterpreterTraining',
    'JointDataPreprocessor',
    'JointDiffusionTraining',
    'JointBarlowTwins',
    'JointBYOL',
    'JointDenseCL',
    'JointMoCo',
    'JointMoCoV3',
    'JointSimCLR',
    'JointSimSiam',
    'JudgeTraining',
    'LoRATraining',
    'ManyLabelSegmentor',
    'OnlineDataPreprocessor',
    'OpenCLIPBackbone',
    'ProjectionDiscriminator',
    'SteeredSampler',
    'VQGANAutoencoderTraining',
    'VQGANTransformerTraining',
    'ZeroShotHead',
]
