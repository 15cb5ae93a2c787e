"""Labelled generators and offline synthesis. Imports with torch, numpy and mmengine (and small libraries these bring along)."""

from mmbdg.synthesis.labelled_generator import LabelledBatch, LabelledGenerator
from mmbdg.synthesis.latents import generator_inputs, latent, latents
from mmbdg.synthesis.pipeline import synthesize
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.stored import StoredDataset
from mmbdg.synthesis.truncation import Truncation, select_statistics

__all__ = [
    'LabelledBatch',
    'LabelledGenerator',
    'StoredDataset',
    'Synthesis',
    'Truncation',
    'generator_inputs',
    'latent',
    'latents',
    'select_statistics',
    'synthesize',
]
