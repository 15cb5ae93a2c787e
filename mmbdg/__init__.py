"""Labelled data for vision pre-training that nobody had to label: BigDatasetGAN for OpenMMLab."""

from mmbdg import compat
from mmbdg.version import __version__

compat.install()

__all__ = ['__version__']
