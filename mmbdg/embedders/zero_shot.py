"""Zero-shot classification by the similarity of images with the classes' names."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.assets import resolve
from mmbdg.embedders.base import Embedder
from mmbdg.errors import InputError
from mmbdg.reading import read_lines


def class_vectors(texts: Tensor) -> Tensor:
    """One vector for each class: the mean of its texts' vectors, scaled to length 1, as in ``open_clip.build_zero_shot_classifier``.

    Args:
        texts: Vectors of length 1 of T texts of each of K classes, float32 (K,T,D).

    Returns:
        float32 (K,D).
    """
    return F.normalize(texts.mean(1), dim=1)


class ZeroShotClassifier:
    """Classifies images by the similarity of their vectors with those of the classes' names.

    Args:
        embedder: Embedder of images and texts.
        classes: Texts for K classes, such as names with their senses.
        templates: Texts with one ``{}`` each, which is replaced by the class; or a file of them, see :func:`read_templates`.

    Attributes:
        weights: Vectors of the classes, float32 (K,D) of length 1.

    Raises:
        InputError: There is no class or no template, a template does not have exactly one ``{}``, or the embedder does not embed texts.
    """

    def __init__(self, embedder: Embedder, classes: Sequence[str], templates: Sequence[str] | str = ('a photo of a {}',)) -> None:
        templates = read_templates(templates) if isinstance(templates, str) else templates
        if not classes or not templates:
            raise InputError(f'a zero-shot classifier needs classes and templates, got {len(classes)} and {len(templates)}')
        self.embedder = embedder
        texts = [filled(template, name) for name in classes for template in templates]
        self.weights = class_vectors(embedder.texts(texts).view(len(classes), len(templates), -1))

    def scores(self, images: Sequence[np.ndarray]) -> Tensor:
        """Cosine similarities with the classes.

        Args:
            images: N RGB images, uint8 (H,W,3).

        Returns:
            float32 (N,K), -1 to 1.
        """
        return self.embedder.images(images) @ self.weights.T

    def classify(self, images: Sequence[np.ndarray]) -> Tensor:
        """Class of each image, int64 (N,)."""
        return self.scores(images).argmax(1) if len(images) else torch.zeros(0, dtype=torch.int64)


def read_templates(templates: Sequence[str] | str) -> list[str]:
    """Templates of a list, or of a text file with one in each line.

    Args:
        templates: Texts with one ``{}`` each, or the path of a file, such as ``mmbdg://clip/dtd/templates.txt``.

    Raises:
        InputError: The file does not exist, there is no template, or a template does not have exactly one ``{}``.
    """
    where = f'{templates}: ' if isinstance(templates, str) else ''
    texts = read_lines(resolve(templates)) if isinstance(templates, str) else list(templates)
    if not texts:
        raise InputError(f'{where}there is no template')
    for text in texts:
        try:
            filled(text, '')
        except InputError as error:
            raise InputError(f'{where}{error}') from error
    return texts


def filled(template: str, name: str) -> str:
    """Put a class into a template.

    Raises:
        InputError: The template does not have exactly one ``{}``.
    """
    if template.count('{}') != 1:
        raise InputError(f'a template has exactly one {{}} for the class, got "{template}"')
    return template.replace('{}', name)
