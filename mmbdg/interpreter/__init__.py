"""Features to labels. Imports with torch, numpy and mmengine only."""

from mmbdg.interpreter.ensemble import InterpreterEnsemble
from mmbdg.interpreter.feature_interpreter import FeatureInterpreter
from mmbdg.interpreter.labels import IGNORE, image_uncertainty, jensen_shannon, segmentation_loss, vote

__all__ = ['IGNORE', 'FeatureInterpreter', 'InterpreterEnsemble', 'image_uncertainty', 'jensen_shannon', 'segmentation_loss', 'vote']
