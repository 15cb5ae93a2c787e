"""Models for mmengine's Runner: GAN training, interpreter training, joint pre-training."""

from mmbdg.models.conditional_gan import ConditionalGAN
from mmbdg.models.gan_distributed import GANDistributed
from mmbdg.models.interpreter_training import InterpreterTraining
from mmbdg.models.joint_data_preprocessor import JointDataPreprocessor
from mmbdg.models.joint_densecl import JointDenseCL
from mmbdg.models.online_data_preprocessor import OnlineDataPreprocessor
from mmbdg.models.projection_discriminator import ProjectionDiscriminator

__all__ = [
    'ConditionalGAN',
    'GANDistributed',
    'InterpreterTraining',
    'JointDataPreprocessor',
    'JointDenseCL',
    'OnlineDataPreprocessor',
    'ProjectionDiscriminator',
]
