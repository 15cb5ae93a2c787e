"""Frozen networks that map images, and with CLIP also texts, to vectors whose inner product measures similarity."""

from mmbdg.embedders.base import Embedder
from mmbdg.embedders.build import build_embedder, embedder_class
from mmbdg.embedders.classifier_features import ClassifierFeatures
from mmbdg.embedders.open_clip_embedder import OpenCLIP

__all__ = ['ClassifierFeatures', 'Embedder', 'OpenCLIP', 'build_embedder', 'embedder_class']
