"""Interface of all embedders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError


class Embedder(ABC):
    """Maps images to vectors of length 1; the inner product of two vectors is their cosine similarity.

    Subclasses are registered in ``EMBEDDERS``; a config has ``dict(type='mmbdg.NAME', ...)``. The constructor loads the weights.
    An embedder is frozen and computes in float32. Its result for an image does not depend on the other images of the batch, apart from
    floating-point rounding.

    Attributes:
        dim: Length D of the vectors.
        reads_text: Whether it also embeds texts into the same space.
        cut_texts, read_texts: Number of texts so far that were longer than the text encoder reads, and of all texts.
        device: Device of the computation.
    """

    dim: int
    reads_text: ClassVar[bool] = False

    def __init__(self) -> None:
        self.device = torch.device('cpu')
        self.cut_texts = self.read_texts = 0

    def to(self, device: torch.device | str) -> 'Embedder':
        """Move the embedder to a device."""
        self.device = torch.device(device)
        return self

    @torch.no_grad()
    def images(self, images: Sequence[np.ndarray]) -> Tensor:
        """Embed images.

        Args:
            images: N RGB images, uint8 (H,W,3); sizes may differ.

        Returns:
            Vectors of length 1, float32 (N,D) on the CPU.
        """
        return _unit(self._images(images)) if len(images) else torch.zeros(0, self.dim)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        The number of texts that the text encoder truncates is logged: for the first one, and again for ten times as many.

        Args:
            texts: N texts.

        Returns:
            Vectors of length 1, float32 (N,D) on the CPU.

        Raises:
            InputError: The embedder has no text encoder, or a text is empty.
        """
        if not self.reads_text:
            raise InputError(f'{type(self).__name__} embeds images only; use an embedder with a text encoder, such as mmbdg.OpenCLIP')
        if empty := [i for i, text in enumerate(texts) if not text.strip()]:
            raise InputError(f'text {empty[0]} of {len(texts)} is empty: nothing to embed')
        if not len(texts):
            return torch.zeros(0, self.dim)
        self._say_cut(texts)
        return _unit(self._texts(texts))

    def _say_cut(self, texts: Sequence[str]) -> None:
        from mmengine.logging import print_log

        cut, before = self._cut(texts), self.cut_texts
        self.read_texts, self.cut_texts = self.read_texts + len(texts), before + len(cut)
        if cut and (not before or len(str(self.cut_texts)) > len(str(before))):
            message = f'{self.cut_texts} of {self.read_texts} texts so far are longer than the text encoder reads; the rest is not read'
            print_log(f'{message}: "{cut[0]:.100}"', 'current', 30)

    @abstractmethod
    def _images(self, images: Sequence[np.ndarray]) -> Tensor:
        """At least one image -> vectors of any length, (N,D)."""

    def _cut(self, texts: Sequence[str]) -> list[str]:
        """Texts that the text encoder truncates."""
        return []

    def _texts(self, texts: Sequence[str]) -> Tensor:
        """At least one text -> vectors of any length, (N,D)."""
        raise NotImplementedError  # called only if reads_text is set, and such a subclass implements it

    @abstractmethod
    def identity(self) -> dict[str, dict[str, Any]]:
        """Config without paths, checksums and versions, on which the vectors depend; see :meth:`mmbdg.sources.base.Source.identity`."""


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.float(), dim=1).cpu()
