"""Features to labels. Imports with torch, numpy and mmengine only."""

from mmbdg.interpreter.ensemble import InterpreterEnsemble
from mmbdg.interpreter.feature_interpreter import FeatureInterpreter
from mmbdg.interpreter.labels import ignore_label, image_uncertainty, jensen_shannon, segmentation_loss, vote

__all__ = ['FeatureInterpreter', 'InterpreterEnsemble', 'ignore_label', 'image_uncertainty', 'jensen_shannon', 'segmentation_loss', 'vote']
