"""The interface of a source, which produces the images, and optionally masks, of a synthetic dataset."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators import Coarse
from mmbdg.sources.judge import Judge
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.originals import Original, Store


class Drawn(NamedTuple):
    """Images that a source draws for N addresses.

    Attributes:
        images: RGB images, uint8 (N,3,R,R).
        state: State that :meth:`Source.label` needs besides the addresses, one row per sample (the tokens of a VQGAN).
            Default: None, for no state.
        records: Further manifest fields of each sample, as JSON values (e.g. a prompt or a URL). Default: None.
        originals: Files of given images, see :attr:`Source.store`. Default: None.
    """

    images: Tensor
    state: Tensor | None = None
    records: Sequence[dict[str, Any]] | None = None
    originals: Sequence[Original] | None = None


class LabelledBatch(NamedTuple):
    """Images with masks of a source for N addresses.

    Attributes:
        images: RGB images, uint8 (N,3,R,R).
        masks: Label ids, int64 (N,R,R), 0 background. Ignored pixels have the catalogue's ``ignore``.
        uncertainty: Uncertainty of each mask in nats, float32 (N,), see :func:`mmbdg.interpreter.image_uncertainty`.
            Default: None, if the source has no uncertainty.
        disagreement: Uncertainty of each pixel in nats, float32 (N,R,R), see :func:`mmbdg.interpreter.jensen_shannon`.
            Default: None.
        state: See :class:`Drawn`.
        records: See :class:`Drawn`.
        originals: See :class:`Drawn`.
    """

    images: Tensor
    masks: Tensor
    uncertainty: Tensor | None = None
    disagreement: Tensor | None = None
    state: Tensor | None = None
    records: Sequence[dict[str, Any]] | None = None
    originals: Sequence[Original] | None = None


class Source(ABC):
    """Base class of sources of images. A sample has the address (class, index).

    A subclass is registered in ``SOURCES`` and named in a config: ``synthesis = dict(source=dict(type='mmbdg.NAME', ...))``.
    The constructor loads all that the source needs. A sample is a pure function of seed, class and index. It does not depend
    on the other samples of the batch, the order or the process. Only floating point rounding may differ between batches of
    different sizes.

    Args:
        seed: Seed of all samples. Default: 0.

    Attributes:
        catalogue: Classes, labels, resolution and licence.
        uses_seed: Whether the samples depend on the seed; False for a source of given images in a given order.
        batch_matters: Whether a sample may differ by rounding between batches of different sizes. Batches are then always whole; otherwise
            only wanted samples are drawn.
        device: Device of the computation.
        draws_state: Whether :attr:`Drawn.state` can be stored with the samples (``synthesis.tokens``).
        most_disagreement: Largest value of :attr:`LabelledBatch.disagreement` in nats. None if the source has no
            disagreement.
        store: How a source of given images stores those that are not changed. "encode": their pixels are encoded, as those of all
            other images. "copy": their files are copied. "link": they are hard links to their files. For "copy" and "link" all
            samples have :attr:`Drawn.originals`.
    """

    catalogue: Catalogue
    uses_seed: ClassVar[bool] = True
    batch_matters: bool = True
    draws_state: ClassVar[bool] = False
    most_disagreement: float | None = None
    store: Store = 'encode'

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.device = seed, torch.device('cpu')

    def to(self, device: torch.device | str) -> 'Source':
        """Set the device of the computation, and return the source."""
        self.device = torch.device(device)
        return self

    def available(self, class_id: int) -> int | None:
        """Return the number n of samples of a class, with the indices 0 to n - 1. None for an unlimited number."""
        return None

    @abstractmethod
    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        """Draw the images of N addresses."""

    def label(self, class_id: int, indices: Sequence[int], state: Tensor | None = None) -> LabelledBatch | None:
        """Return images with masks of N addresses. None if the source has no masks.

        Args:
            class_id: Class index.
            indices: Indices of the samples within the class.
            state: :attr:`Drawn.state` of the same samples, which saves drawing it again. Default: None, to draw it.
        """
        return None

    def judge(self, path: str | None = None) -> Judge:
        """Return a judge of coarse features, for early rejection.

        Args:
            path: Folder or file of the judge. Default: None, for the source's own judge.

        Raises:
            InputError: The source has no coarse features or no judge, or the judge does not fit.
        """
        raise InputError(f'{type(self).__name__} has no coarse features to judge: remove early rejection from synthesis.filters')

    def draw_coarse(self, class_id: int, indices: Sequence[int], block: str) -> Coarse:
        """Begin to draw the images of N addresses, and stop after a block. For sources with :meth:`judge` only."""
        raise NotImplementedError

    def draw_fine(self, class_id: int, indices: Sequence[int], coarse: Coarse) -> Drawn:
        """Finish the images of N addresses that :meth:`draw_coarse` began, the same as :meth:`draw` up to rounding."""
        raise NotImplementedError

    @abstractmethod
    def identity(self) -> dict[str, dict[str, Any]]:
        """Return all values except the seed that determine the samples.

        Returns:
            ``config`` (JSON values without paths), ``checksums`` (of files, by a short name) and ``versions`` (of the
            libraries that compute the samples).
        """
