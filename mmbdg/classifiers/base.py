"""Interface of all classifiers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmbdg.assets.class_lists import class_names
from mmbdg.classifiers.view import View
from mmbdg.errors import InputError
from mmbdg.generators.frozen import Frozen


class Classifier(ABC):
    """Base class of trained, frozen classifiers; :func:`mmbdg.classifiers.build_classifier` builds one from a config.

    Args:
        model: Network with its weights.
        view: Geometric preprocessing of the images.
        num_classes: Number of classes K.
        classes: Names of the classes, or ``'in1k'``; default None: not known.

    Raises:
        InputError: The number of names is not ``num_classes``, or the network does not accept images of the size of ``view``.
    """

    def __init__(self, model: nn.Module, view: View, num_classes: int, classes: Sequence[str] | str | None = None) -> None:
        self._model, self.view, self.num_classes = Frozen(model), view, num_classes
        self.classes = classes if classes is None or isinstance(classes, str) else tuple(classes)
        if classes is not None and (stated := len(class_names(classes))) != num_classes:
            raise InputError(f'the classifier has {num_classes} classes, its config states {stated} names')
        if view.size:
            try:
                self.probabilities(torch.zeros(1, 3, view.size, view.size, dtype=torch.uint8))
            except (RuntimeError, AssertionError) as error:
                name = type(model).__name__
                raise InputError(f'the classifier {name} does not take images of {view.size} px ({str(error).splitlines()[0]})') from error

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """RGB uint8 (N,3,H,W) -> pooled features, the input of the last linear layer, float32 (N,D)."""
        model = self._model.on(images.device)
        return self._features(model, self._normalised(model, self.view(images))).float().flatten(1)

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """RGB uint8 (N,3,H,W) -> class probabilities float32 (N,K)."""
        model = self._model.on(images.device)
        return self._logits(model, self._normalised(model, self.view(images))).float().softmax(1)

    @abstractmethod
    def _normalised(self, model: nn.Module, images: Tensor) -> Tensor:
        """RGB uint8 (N,3,S,S) -> normalised input of the network."""

    @abstractmethod
    def _logits(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Network inputs -> logits float (N,K)."""

    @abstractmethod
    def _features(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Network inputs -> features float (N,D) or (N,D,1,1)."""
