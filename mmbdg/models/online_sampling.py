"""Labelled samples made inside a training, with the filters that are cheap enough for it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.sources import LabelledGenerator

SPARE = 10**12
"""How far apart the addresses are that take each other's place: far more than indices a training counts to."""


class OnlineBatch(NamedTuple):
    """Samples for N addresses."""

    images: Tensor
    """RGB uint8 (N,3,R,R)."""
    masks: Tensor
    """int64 (N,R,R), the interpreter's ids; see :class:`~mmbdg.sources.LabelledBatch`."""
    indices: list[int]
    """Those the samples were made from: where a filter refused the address itself, one of its spare ones."""


class OnlineSampling:
    """A labelled generator in a training.

    A sample that a filter refuses is drawn again from spare addresses of its own, (class, index + k x 10^12) for k = 1, 2, ...; where all
    are refused, the last one is kept with a mask that is ignored everywhere. So a batch keeps its size, its classes stay in balance, and
    what comes out is a function of the address alone.

    Args:
        generator: Where the samples come from; the ignore label is its.
        batch_size: Samples that are made at once; memory grows with it.
        min_foreground, max_foreground: Bounds of the part of an image that is foreground.
        max_uncertainty: Of an image, in nats, see :func:`mmbdg.interpreter.image_uncertainty`; None: any.
        redraws: Spare addresses of each sample.

    Raises:
        InputError: A value is out of range.
    """

    def __init__(
        self,
        generator: LabelledGenerator,
        batch_size: int = 64,
        min_foreground: float = 0.0,
        max_foreground: float = 1.0,
        max_uncertainty: float | None = None,
        redraws: int = 2,
    ) -> None:
        if batch_size < 1 or redraws < 0 or not 0 <= min_foreground <= max_foreground <= 1:
            raise InputError(
                'batch_size must be at least 1, redraws at least 0, min_foreground and max_foreground in [0, 1] and in this order; '
                f'got {batch_size}, {redraws}, {min_foreground} and {max_foreground}'
            )
        self.generator, self.batch_size, self.redraws = generator, batch_size, redraws
        self.min_foreground, self.max_foreground, self.max_uncertainty = min_foreground, max_foreground, max_uncertainty
        self.filters = min_foreground > 0 or max_foreground < 1 or max_uncertainty is not None
        self.redrawn = self.ignored = 0
        """Of the last batch: samples drawn again at least once, and samples refused to the last."""

    @torch.no_grad()
    def draw(self, class_ids: Sequence[int], indices: Sequence[int]) -> OnlineBatch:
        """Samples for N addresses under the generator's seed, on its device."""
        images, masks, passed = self._made(class_ids, indices)
        indices, refused = list(indices), [i for i, ok in enumerate(passed) if not ok]
        self.redrawn = len(refused)
        for _ in range(self.redraws):
            if not refused:
                break
            for i in refused:
                indices[i] += SPARE
            images[refused], masks[refused], passed = self._made([class_ids[i] for i in refused], [indices[i] for i in refused])
            refused = [i for i, ok in zip(refused, passed, strict=True) if not ok]
        masks[refused] = self.generator.ignore
        self.ignored = len(refused)
        return OnlineBatch(images, masks, indices)

    def _made(self, class_ids: Sequence[int], indices: Sequence[int]) -> tuple[Tensor, Tensor, list[bool]]:
        """Images and masks of all addresses, and whether they pass the filters."""
        parts: list[tuple[Any, ...]] = []
        for start in range(0, len(class_ids), self.batch_size):
            part = slice(start, start + self.batch_size)
            batch = self.generator.label(class_ids[part], indices[part])
            parts.append((batch.images, batch.masks, self._passed(batch.masks, batch.uncertainty)))
        images, masks, passed = (list(column) for column in zip(*parts, strict=True))
        return torch.cat(images), torch.cat(masks), sum(passed, [])

    def _passed(self, masks: Tensor, uncertainty: Tensor) -> list[bool]:
        if not self.filters:
            return [True] * len(masks)  # without a look at them: the device need not be waited for
        foreground = ((masks != 0) & (masks != self.generator.ignore)).float().mean((1, 2))
        passed = (foreground >= self.min_foreground) & (foreground <= self.max_foreground)
        if self.max_uncertainty is not None:
            passed &= uncertainty <= self.max_uncertainty
        return passed.tolist()
