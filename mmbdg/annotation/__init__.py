"""Samples out to the annotator, masks back in. Imports with torch, numpy, Pillow and mmengine only."""

from mmbdg.annotation.annotated_latents import AnnotatedLatent, read_annotated_latents, slugify, write_samples

__all__ = ['AnnotatedLatent', 'read_annotated_latents', 'slugify', 'write_samples']
