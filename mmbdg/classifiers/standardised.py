"""Common base of the classifiers of torchvision and timm."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmbdg.classifiers.base import Classifier
from mmbdg.classifiers.view import standardised
from mmbdg.classifiers.weights import weights_file


class StandardisedClassifier(Classifier):
    """Classifier whose input is standardised by a mean and a standard deviation; ``weights`` in its config is the path of its weights."""

    _mean: tuple[float, ...]
    _std: tuple[float, ...]

    @staticmethod
    def files(config: dict) -> list[Path]:
        """See :func:`mmbdg.classifiers.classifier_files`."""
        return [weights_file(config, 'weights')]

    @staticmethod
    def identity(config: dict) -> dict[str, Any]:
        """See :func:`mmbdg.classifiers.classifier_identity`."""
        return {key: value for key, value in config.items() if key != 'weights'}

    def _normalised(self, model: nn.Module, images: Tensor) -> Tensor:
        return standardised(images, self._mean, self._std)

    def _logits(self, model: nn.Module, inputs: Tensor) -> Tensor:
        return model(inputs)
