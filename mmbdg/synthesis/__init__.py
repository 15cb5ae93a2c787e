"""Labelled generators and offline synthesis. Imports with torch, numpy and mmengine (and small libraries these bring along)."""

from mmbdg.synthesis.labelled_generator import LabelledBatch, LabelledGenerator
from mmbdg.synthesis.latents import latent, latents
from mmbdg.synthesis.pipeline import Synthesis, synthesize

__all__ = ['LabelledBatch', 'LabelledGenerator', 'Synthesis', 'latent', 'latents', 'synthesize']
