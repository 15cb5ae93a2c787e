"""Offline synthesis: it makes a labelled dataset from a plan.

The package needs torch, numpy and mmengine only (and the small libraries that they depend on). Some names of
:mod:`mmbdg.sources` and :mod:`mmbdg.storage` are re-exported for compatibility with earlier versions.
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
