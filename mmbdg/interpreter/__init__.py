"""Feature interpreters: modules that map generator features to labels. The package needs torch, numpy and mmengine only."""

from mmbdg.interpreter.coarse_judge import CoarseJudge
from mmbdg.interpreter.consensus import Consensus, ignore_uncertain, image_uncertainty, jensen_shannon, vote
from mmbdg.interpreter.ensemble import Ensemble, InterpreterEnsemble
from mmbdg.interpreter.feature_interpreter import FeatureInterpreter
from mmbdg.interpreter.labels import segmentation_loss
from mmbdg.interpreter.pixel_mlp import PixelMLP
from mmbdg.interpreter.published_order import PublishedOrderInterpreter
from mmbdg.interpreter.shared_trunk import SharedTrunkEnsemble

__all__ = [
    'CoarseJudge',
    'Consensus',
    'Ensemble',
    'FeatureInterpreter',
    'InterpreterEnsemble',
    'PixelMLP',
    'PublishedOrderInterpreter',
    'SharedTrunkEnsemble',
    'ignore_uncertain',
    'image_uncertainty',
    'jensen_shannon',
    'segmentation_loss',
    'vote',
]
