"""Offline synthesis: a labelled dataset from a plan. Imports with torch, numpy and mmengine (and small libraries these bring along).

The names of :mod:`mmbdg.sources` and :mod:`mmbdg.storage` that were here before those rooms existed stay importable from here.
"""

from mmbdg.sources import (
    LabelledBatch,
    LabelledGenerator,
    Truncation,
    generator_inputs,
    latent,
    latents,
    select_statistics,
)
from mmbdg.storage import StoredDataset
from mmbdg.synthesis.pipeline import synthesize
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.selections import SelectionPlan, select

__all__ = [
    'LabelledBatch',
    'LabelledGenerator',
    'SelectionPlan',
    'StoredDataset',
    'Synthesis',
    'Truncation',
    'generator_inputs',
    'latent',
    'latents',
    'select',
    'select_statistics',
    'synthesize',
]
