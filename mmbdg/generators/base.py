"""What every class-conditional generator answers."""

from abc import abstractmethod
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmbdg.compat.checkpoint import load_pretrained


class FeatureInfo(NamedTuple):
    """One feature tap of a generator."""

    channels: int
    resolution: int
    """Height and width in pixels."""
    name: str
    """Name of the submodule whose output it is."""


class ClassConditionalGenerator(BaseModule):
    """Base class of generators with feature taps.

    Attributes:
        num_classes: Number of classes.
        latent_dim: Size of z.
        embed_dim: Size E of the shared class embedding.
        resolution: Height and width of an image in pixels.
        feature_info: One :class:`FeatureInfo` per tap, coarse to fine, in the order of ``forward_features``.
    """

    num_classes: int
    latent_dim: int
    embed_dim: int
    resolution: int
    feature_info: tuple[FeatureInfo, ...]

    @abstractmethod
    def embed(self, y: Tensor) -> Tensor:
        """Class indices int64 (N,) -> shared class embedding float32 (N,E)."""

    @abstractmethod
    def forward_features(self, z: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """z float32 (N,latent_dim), y int64 (N,) -> image float32 (N,3,R,R) in [-1,1], features (N,C_i,R_i,R_i) coarse to fine."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Random weights to start a training from."""

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z float32 (N,latent_dim), y int64 (N,) -> image float32 (N,3,R,R) in [-1,1]."""
        return self.forward_features(z, y)[0]

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint, or start from random weights.

        Raises:
            ValueError: The checkpoint does not hold exactly the keys and shapes of this generator.
        """
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        elif not self.is_init:
            self.reset_parameters()
        self.is_init = True


def to_pixels(images: Tensor) -> Tensor:
    """Images of a generator, float (...) in [-1,1], as uint8 of the same shape: ((x + 1) * 127.5) rounded to even and clamped."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
