"""Sources of the images, and optionally masks, of a synthetic dataset. The package needs torch, numpy and mmengine only."""

from mmbdg.sources.base import Drawn, LabelledBatch, Source
from mmbdg.sources.diffusion_source import DiffusionSource
from mmbdg.sources.joint_diffusion_source import JointDiffusionSource
from mmbdg.sources.labelled_generator import LabelledGenerator
from mmbdg.sources.labelled_generator_source import LabelledGeneratorSource
from mmbdg.sources.latents import generator_inputs, latent, latents
from mmbdg.sources.pseudo_label_source import PseudoLabelSource
from mmbdg.sources.real_image_source import RealImageSource
from mmbdg.sources.retrieval_source import RetrievalSource
from mmbdg.sources.truncation import Truncation, select_statistics

__all__ = [
    'DiffusionSource',
    'Drawn',
    'JointDiffusionSource',
    'LabelledBatch',
    'LabelledGenerator',
    'LabelledGeneratorSource',
    'PseudoLabelSource',
    'RetrievalSource',
    'RealImageSource',
    'Source',
    'Truncation',
    'generator_inputs',
    'latent',
    'latents',
    'select_statistics',
]
