"""The interface of a source: what fills a dataset with images, and with masks where it has some."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from mmbdg.storage.catalogue import Catalogue


class Drawn(NamedTuple):
    """What a source draws for N addresses.

    Attributes:
        images: RGB images, uint8 (N,3,R,R).
        state: What :meth:`Source.label` needs besides the addresses, one row a sample (the tokens of a VQGAN); None if nothing.
        records: Further fields of each sample's line in the manifest, plain values (a prompt, an address on the web); None if none.
    """

    images: Tensor
    state: Tensor | None = None
    records: Sequence[dict[str, Any]] | None = None


class LabelledBatch(NamedTuple):
    """What a source labels for N addresses.

    Attributes:
        images: RGB images, uint8 (N,3,R,R).
        masks: Label ids, int64 (N,R,R), 0 background; the catalogue's ``ignore`` where a pixel does not count.
        uncertainty: Uncertainty of each sample's mask in nats, float32 (N,), see :func:`mmbdg.interpreter.image_uncertainty`; None if the
            source has none.
        disagreement: Uncertainty of each pixel in nats, float32 (N,R,R), see :func:`mmbdg.interpreter.jensen_shannon`; None if none.
        state: As :class:`Drawn`'s.
        records: As :class:`Drawn`'s.
    """

    images: Tensor
    masks: Tensor
    uncertainty: Tensor | None = None
    disagreement: Tensor | None = None
    state: Tensor | None = None
    records: Sequence[dict[str, Any]] | None = None


class Source(ABC):
    """A source of images, addressed by (class, index) under a seed.

    A subclass is registered in ``SOURCES`` and named in a config: ``synthesis = dict(source=dict(type='mmbdg.NAME', ...))``. Building one
    loads what it needs. What it draws is a pure function of seed, class and index: it does not depend on which other samples are in the
    batch, on the order, or on the process. Only floating point may round differently between batches of different size.

    Args:
        seed: Seed of all samples.

    Attributes:
        catalogue: Classes, labels, size and licence.
        uses_seed: Whether the samples depend on the seed; False for a source of given images in a given order.
        device: Device it computes on.
        draws_state: Whether :attr:`Drawn.state` can be stored with the samples (``synthesis.tokens``).
        most_disagreement: Largest value of :attr:`LabelledBatch.disagreement` in nats; None if it has none.
    """

    catalogue: Catalogue
    uses_seed: ClassVar[bool] = True
    draws_state: ClassVar[bool] = False
    most_disagreement: float | None = None

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.device = seed, torch.device('cpu')

    def to(self, device: torch.device | str) -> 'Source':
        """Compute on this device from now on."""
        self.device = torch.device(device)
        return self

    def available(self, class_id: int) -> int | None:
        """Number of samples of a class, with the indices 0 to n - 1; None if it is endless."""
        return None

    @abstractmethod
    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        """Images of N addresses."""

    def label(self, class_id: int, indices: Sequence[int], state: Tensor | None = None) -> LabelledBatch | None:
        """Images with masks of N addresses; None if the source has no masks.

        Args:
            class_id: Class index.
            indices: Indices of the samples within the class.
            state: :attr:`Drawn.state` of the same samples, so that it is not drawn twice; None: draw it.
        """
        return None

    @abstractmethod
    def identity(self) -> dict[str, dict[str, Any]]:
        """What decides the samples besides the seed: ``config`` (plain values without paths), ``checksums`` (of files, by a short name)
        and ``versions`` (of libraries whose results matter)."""
