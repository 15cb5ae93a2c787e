"""A backbone that passes features on, for heads that are trained on stored features."""

from mmengine.model import BaseModule
from torch import Tensor

from mmbdg.registry import MODELS


@MODELS.register_module()
class GivenFeatures(BaseModule):
    """Returns its input as the only feature; for data of :class:`~mmbdg.datasets.encoded_images.EncodedImages`."""

    def forward(self, features: Tensor) -> tuple[Tensor]:
        """Features float32 (N,D) -> a tuple with the same tensor."""
        return (features,)
