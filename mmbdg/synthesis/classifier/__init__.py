"""Trained classifiers as judges of images: for rejection sampling and as named feature spaces."""

from mmbdg.synthesis.classifier.base import Classifier
from mmbdg.synthesis.classifier.build import build_classifier, classifier_files, classifier_identity
from mmbdg.synthesis.classifier.class_map import class_map, confidence

__all__ = ['Classifier', 'build_classifier', 'class_map', 'classifier_files', 'classifier_identity', 'confidence']
