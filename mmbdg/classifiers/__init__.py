"""Trained image classifiers, used for rejection sampling and as feature spaces."""

from mmbdg.classifiers.base import Classifier
from mmbdg.classifiers.build import build_classifier, classifier_files, classifier_identity
from mmbdg.classifiers.class_map import class_map, confidence

__all__ = ['Classifier', 'build_classifier', 'class_map', 'classifier_files', 'classifier_identity', 'confidence']
