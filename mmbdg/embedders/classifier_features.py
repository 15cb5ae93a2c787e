"""Features of a trained classifier as an embedding: networks of timm, mmpretrain and torchvision."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbdg.classifiers import build_classifier, classifier_files, classifier_identity
from mmbdg.embedders.base import Embedder
from mmbdg.files import sha256
from mmbdg.registry import EMBEDDERS


@EMBEDDERS.register_module()
class ClassifierFeatures(Embedder):
    """Pooled features of a classifier, the input of its last linear layer.

    Args:
        classifier: Config for :func:`mmbdg.classifiers.build_classifier`: ``dict(type='timm', model=..., weights=PATH)``, a model of
            mmpretrain or of torchvision.
        size: Height and width in pixels to which images are resized. Default None: the evaluation preprocessing of the library.

    Raises:
        InputError: The weights are missing or do not fit, or the library is not installed.
    """

    def __init__(self, classifier: Mapping[str, Any], size: int | None = None) -> None:
        super().__init__()
        self.config, self.size = dict(classifier), size
        self.network = build_classifier(self.config, size)
        self.dim = self.images([np.zeros((64, 64, 3), np.uint8)]).shape[1]

    def _images(self, images: Sequence[np.ndarray]) -> Tensor:
        # All images of a batch have the same size, so images are grouped by size.
        shapes = [image.shape for image in images]
        found: list[Tensor] = [torch.empty(0)] * len(images)
        for shape in dict.fromkeys(shapes):
            places = [i for i, other in enumerate(shapes) if other == shape]
            batch = torch.from_numpy(np.stack([images[i] for i in places])).permute(0, 3, 1, 2).to(self.device)
            for place, vector in zip(places, self.network.features(batch), strict=True):
                found[place] = vector
        return torch.stack(found)

    def identity(self) -> dict[str, dict[str, Any]]:
        packages = dict(timm='timm', torchvision='torchvision', mmpretrain='onedl-mmpretrain')
        kind = str(self.config['type']).split('.')[0]
        return dict(
            config=dict(type='mmbdg.ClassifierFeatures', classifier=classifier_identity(self.config), size=self.size),
            checksums={path.name: sha256(path) for path in classifier_files(self.config)},
            versions={packages[kind]: _version(packages[kind])} if kind in packages else {},
        )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ModuleNotFoundError:  # the upstream release of mmpretrain has another name
        return None
