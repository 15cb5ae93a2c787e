"""Class-conditional generators with feature taps. This package needs only torch, numpy and mmengine."""

from mmbdg.generators.base import ClassConditionalGenerator, Coarse, FeatureInfo, to_pixels
from mmbdg.generators.biggan import BigGAN
from mmbdg.generators.biggan_deep import BigGANDeep
from mmbdg.generators.block_chain import BlockChain
from mmbdg.generators.dcgan import DCGAN
from mmbdg.generators.diffusion_generator import DiffusionGenerator
from mmbdg.generators.image_backbone import ImageBackbone
from mmbdg.generators.spectral_norm import fold_spectral_norm, largest_singular_values, reestimate_spectral_norm
from mmbdg.generators.vqgan import VQGAN

__all__ = [
    'BigGAN',
    'BigGANDeep',
    'BlockChain',
    'DCGAN',
    'ClassConditionalGenerator',
    'Coarse',
    'DiffusionGenerator',
    'FeatureInfo',
    'ImageBackbone',
    'VQGAN',
    'fold_spectral_norm',
    'largest_singular_values',
    'reestimate_spectral_norm',
    'to_pixels',
]
