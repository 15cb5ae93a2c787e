"""What fills a dataset: today the labelled generator. Imports with torch, numpy and mmengine only."""

from mmbdg.sources.labelled_generator import LabelledBatch, LabelledGenerator
from mmbdg.sources.latents import generator_inputs, latent, latents
from mmbdg.sources.truncation import Truncation, select_statistics

__all__ = [
    'LabelledBatch',
    'LabelledGenerator',
    'Truncation',
    'generator_inputs',
    'latent',
    'latents',
    'select_statistics',
]
