"""The feature interpreter with the order of operations of the released code, as a reference for tests and measurements."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmbdg.interpreter.feature_interpreter import FeatureInterpreter, Last
from mmbdg.interpreter.rows import resize
from mmbdg.registry import MODELS


@MODELS.register_module()
class PublishedOrderInterpreter(FeatureInterpreter):
    """A :class:`FeatureInterpreter` with the order of operations of BigDatasetGAN's released code.

    Weights and results are the same. All features are resized and concatenated first and reduced afterwards. Each layer
    computes the whole image at once.
    """

    def interpret(self, features: Sequence[Tensor], embedding: Tensor, last: Last) -> Tensor:
        if self.embedding is not None:
            embedding = self.embedding(embedding)
        groups = [torch.cat([resize(features[i], resolution) for i in taps], dim=1) for resolution, taps in self.groups]
        x = self.reduce[0](groups[0])
        for i in range(1, len(groups)):
            x = torch.cat([resize(x, self.groups[i][0]), self.reduce[i](groups[i])], dim=1)
            x = self.mix[i - 1](x, embedding) if i < len(groups) - 1 else x
        return resize(last(x, embedding), self.resolution)
