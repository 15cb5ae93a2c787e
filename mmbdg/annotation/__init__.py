"""Samples out to the annotator, masks back in. Imports with torch, numpy, Pillow and mmengine only."""

from mmbdg.annotation.annotated_latents import AnnotatedLatent, check_free, class_folders, read_annotated_latents, write_samples

__all__ = ['AnnotatedLatent', 'check_free', 'class_folders', 'read_annotated_latents', 'write_samples']
