"""The interface of class-conditional generators."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmbdg.compat.checkpoint import load_pretrained
from mmbdg.errors import InputError


class FeatureInfo(NamedTuple):
    """Description of one feature tap of a generator."""

    channels: int
    resolution: int
    """Height and width in pixels."""
    name: str
    """Name of the submodule that outputs the feature."""
    stride: int
    """Number of image pixels per feature pixel along each side."""


class Coarse(NamedTuple):
    """A pass of a generator that stopped after a block.

    Attributes:
        tap: Position of the block in ``feature_info``.
        feature: Output of the block, float (N,C,r,r).
        z: Latents (N,latent_dim).
        y: Class indices int64 (N,).
    """

    tap: int
    feature: Tensor
    z: Tensor
    y: Tensor

    def rows(self, chosen: Sequence[int]) -> 'Coarse':
        """Return the pass of some of the N samples. Nothing of the others is kept."""
        places = torch.as_tensor(chosen, dtype=torch.int64, device=self.feature.device)
        return Coarse(self.tap, *(_rows(part, places) for part in self[1:]))

    @staticmethod
    def joined(passes: 'Sequence[Coarse]') -> 'Coarse':
        """Join passes that stopped after the same block."""
        return Coarse(passes[0].tap, *(torch.cat(parts) for parts in list(zip(*passes, strict=True))[1:]))


def _rows(values: Tensor, places: Tensor) -> Tensor:
    """Copy of some rows, in the memory format of all, in which the next layers are fast and round as before."""
    rows = values.index_select(0, places.to(values.device))
    is_last = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last) and not values.is_contiguous()
    return rows.contiguous(memory_format=torch.channels_last) if is_last else rows


class ClassConditionalGenerator(BaseModule):
    """Base class of generators with feature taps. A subclass sets the attributes and writes :meth:`generate`.

    Attributes:
        num_classes: Number of classes; 1 for an unconditional generator.
        latent_dim: Size of z.
        latent_distribution: Distribution of z: 'normal' for N(0, 1), 'uniform' for [0, 1), 'noise' for N(0, 1) that may not be truncated.
        embed_dim: Size E of the shared class embedding. 0 if the generator has none; modules that need one then learn it
            from y.
        resolution: Height and width of an image in pixels.
        feature_info: One :class:`FeatureInfo` per tap, coarse to fine, in the order of ``forward_features``.
        whole_because: Why a pass cannot stop after a block, for messages. '' if it can, see
            :class:`~mmbdg.generators.block_chain.BlockChain`.
        compilable: Whether ``torch.compile`` can compile :meth:`generate`.
        part_types: Types that nested configs of this class may have in a data file, besides registered ones; the class builds them from a
            closed list.
    """

    num_classes: int
    latent_dim: int
    latent_distribution: str = 'normal'
    embed_dim: int
    resolution: int
    feature_info: tuple[FeatureInfo, ...]
    whole_because: str = 'its passes cannot be divided'
    compilable: bool = True
    part_types: tuple[str, ...] = ()

    def interpreter_sizes(self) -> dict[str, Any]:
        """Return the arguments of a feature interpreter that depend on this generator."""
        sizes = dict(feature_info=self.feature_info, embed_dim=self.embed_dim, resolution=self.resolution)
        return sizes if self.embed_dim else sizes | dict(num_classes=self.num_classes)

    @abstractmethod
    def generate(self, z: Tensor, y: Tensor, features: list[Tensor] | None = None) -> Tensor:
        """Compute the forward pass. The inputs are already checked.

        Args:
            z: Latents (N,latent_dim).
            y: Class indices int64 (N,).
            features: List to which the features (N,C_i,R_i,R_i) of ``feature_info`` are appended, coarse to fine. Default:
                None, to keep no features.

        Returns:
            Image float32 (N,3,R,R) in [-1,1].
        """

    def reset_parameters(self) -> None:
        """Set the random initial weights of a training. By default the layers' own initialisation is kept."""

    def embed(self, y: Tensor) -> Tensor:
        """Class indices int64 (N,) -> shared class embedding float32 (N,E). Returns y if ``embed_dim`` is 0."""
        return y

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z (N,latent_dim), y int64 (N,) -> image float32 (N,3,R,R) in [-1,1].

        Raises:
            InputError: See :meth:`check_inputs`.
        """
        self.check_inputs(z, y)
        return self.generate(z, y)

    def forward_features(self, z: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """z (N,latent_dim), y int64 (N,) -> image float32 (N,3,R,R) in [-1,1], features (N,C_i,R_i,R_i) coarse to fine.

        Raises:
            InputError: See :meth:`check_inputs`.
        """
        self.check_inputs(z, y)
        features: list[Tensor] = []
        image = self.generate(z, y, features)
        return image, features

    def forward_coarse(self, z: Tensor, y: Tensor, block: str) -> Coarse:
        """Compute the blocks up to a named one, without the image. :meth:`forward_fine` continues, for all or some of the samples.

        Args:
            z: Latents (N,latent_dim).
            y: Class indices int64 (N,).
            block: Name of the block, one of ``feature_info``.

        Raises:
            InputError: This generator cannot stop, or it has no such block. Or see :meth:`check_inputs`.
        """
        raise InputError(f'{type(self).__name__} cannot stop after a block: {self.whole_because}')

    def forward_fine(self, coarse: Coarse) -> Tensor:
        """Continue a pass -> image float32 (N,3,R,R) in [-1,1]. Another batch than in :meth:`forward_coarse` only changes the rounding.

        Raises:
            InputError: This generator cannot stop, or the pass is one of another generator.
        """
        raise InputError(f'{type(self).__name__} cannot continue after a block: {self.whole_because}')

    def tap_of(self, block: str) -> int:
        """Return the position of a block in ``feature_info``.

        Raises:
            InputError: This generator has no block of this name.
        """
        names = [info.name for info in self.feature_info]
        if block not in names:
            raise InputError(f'this {type(self).__name__} has no block "{block}"; its blocks are {", ".join(names)}')
        return names.index(block)

    def check_inputs(self, z: Tensor, y: Tensor) -> None:
        """Raise InputError unless z has the shape (N,latent_dim) and y holds N class indices."""
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise InputError(
                f'z must be (N, {self.latent_dim}) for this {type(self).__name__}, got {tuple(z.shape)}; it may belong to another generator'
            )
        if y.ndim != 1 or len(y) != len(z) or y.dtype != torch.int64:
            raise InputError(f'y must be {len(z)} class indices, int64, one for each z; got {y.dtype} of shape {tuple(y.shape)}')
        # On an accelerator this check would synchronise the device in each call. The device has its own bounds check.
        if y.device.type == 'cpu' and len(y) and not torch.compiler.is_compiling():
            low, high = int(y.min()), int(y.max())
            if low < 0 or high >= self.num_classes:
                raise InputError(f'class indices must lie in 0..{self.num_classes - 1}, got {low}..{high}')

    def use_statistics(self, truncation: float | None) -> None:
        """Select the batch statistics of a truncation for eval mode. None selects the un-truncated statistics.

        Raises:
            InputError: This generator has no statistics for this truncation.
        """
        if truncation is not None:
            raise InputError(f'{type(self).__name__} has no batch statistics per truncation; use a definition of truncation without them')

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg`` strictly, or set random weights.

        ``init_cfg=dict(type='Pretrained', checkpoint=PATH)`` loads a file with the key names of this package.
        ``dict(type='mmbdg.PublishedWeights', checkpoint=PATH, source='ajbrock')`` loads a published file of another project,
        see :class:`mmbdg.published_weights.PublishedWeights`. ``dict(type='mmbdg.PipelineWeights', checkpoint=FOLDER, ...)`` loads the
        folder of a diffusers pipeline, see :class:`mmbdg.pipeline_weights.PipelineWeights`.

        Raises:
            InputError: The keys or shapes of the checkpoint do not match this generator.
        """
        if self.init_cfg:
            load_pretrained(self, self.init_cfg)
        elif not self.is_init:
            self.reset_parameters()
        self.is_init = True


def to_pixels(images: Tensor) -> Tensor:
    """Convert images of a generator, float (...) in [-1,1], to uint8: ((x + 1) * 127.5), rounded half to even and clamped."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
