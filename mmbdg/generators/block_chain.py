"""Generators that are a chain of blocks: they can stop after a block and continue later with some of the samples."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator, Coarse


class Step(NamedTuple):
    """A block of a chain, and what it needs besides the feature."""

    block: Callable[..., Tensor]
    arguments: tuple[Any, ...] = ()


class BlockChain(ClassConditionalGenerator):
    """A generator that is a chain: a first feature map, blocks with a feature tap after each of them, and the layers that make the image.

    A subclass writes :meth:`first`, :meth:`steps` and :meth:`last`. It can then stop after a block: with the same batch, the two parts of a
    pass compute exactly what a whole pass computes.
    """

    whole_because = ''

    @abstractmethod
    def first(self, z: Tensor, y: Tensor) -> Tensor:
        """z (N,latent_dim), y int64 (N,) -> input of the first block (N,C,r,r)."""

    @abstractmethod
    def steps(self, z: Tensor, y: Tensor) -> Sequence[Step]:
        """Return the blocks in the order of ``feature_info``. Called with the feature and its arguments, a block returns its tap."""

    @abstractmethod
    def last(self, h: Tensor) -> Tensor:
        """Output of the last block -> image float32 (N,3,R,R) in [-1,1]."""

    def generate(self, z: Tensor, y: Tensor, features: list[Tensor] | None = None) -> Tensor:
        h = self.first(z, y)
        for block, arguments in self.steps(z, y):
            h = block(h, *arguments)
            if features is not None:
                features.append(h)
        return self.last(h)

    def forward_coarse(self, z: Tensor, y: Tensor, block: str) -> Coarse:
        tap = self.tap_of(block)
        self.check_inputs(z, y)
        h = self.first(z, y)
        for step, arguments in self.steps(z, y)[: tap + 1]:
            h = step(h, *arguments)
        return Coarse(tap, h, z, y)

    def forward_fine(self, coarse: Coarse) -> Tensor:
        info = self.feature_info[coarse.tap] if 0 <= coarse.tap < len(self.feature_info) else None
        if info is None or coarse.feature.shape != (len(coarse.z), info.channels, info.resolution, info.resolution):
            raise InputError(
                f'the features {tuple(coarse.feature.shape)} after block {coarse.tap} are not those of this {type(self).__name__}: '
                'continue with the generator that computed them'
            )
        h = coarse.feature
        for step, arguments in self.steps(coarse.z, coarse.y)[coarse.tap + 1 :]:
            h = step(h, *arguments)
        return self.last(h)
