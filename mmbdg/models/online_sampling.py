"""Generation of labelled samples inside a training, with filters that are cheap enough for it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.sources import LabelledGenerator

SPARE = 10**12
"""Index offset between a sample and its replacement samples; far larger than any index a training reaches."""


class OnlineBatch(NamedTuple):
    """Generated samples for N addresses."""

    images: Tensor
    """RGB uint8 (N,3,R,R)."""
    masks: Tensor
    """int64 (N,R,R), label ids of the interpreter; see :class:`~mmbdg.sources.LabelledBatch`."""
    indices: list[int]
    """Indices the samples were generated from; that of a replacement sample if a filter rejected the original one."""


Score = Callable[[OnlineBatch, list[int]], list[float]]
"""Scores of the samples of a batch; the second argument has their places among the N addresses."""


class OnlineSampling:
    """Generates filtered labelled samples inside a training.

    A sample that a filter rejects is replaced by the sample at address (class, index + k x 10^12) for k = 1, 2, ...; if all replacements
    are rejected, the last one is kept and all pixels of its mask are ignored. So batch size and class balance do not change, and a sample
    depends only on its address.

    With ``candidates`` in :meth:`draw`, the sample with the largest score is used among those at k = 0 ... candidates - 1 that pass the
    filters. If none passes, the replacements are those from k = candidates on.

    Args:
        generator: Labelled generator; its ignore label is used.
        batch_size: Number of samples generated at once, at least 1; memory grows with it.
        min_foreground, max_foreground: Bounds of the foreground fraction of an image, in [0, 1].
        max_uncertainty: Maximum uncertainty of an image in nats, see :func:`mmbdg.interpreter.image_uncertainty`; None: no limit.
        redraws: Maximum number of replacements per sample, at least 0.

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
        """Counts of the last batch: samples replaced at least once, and samples whose replacements were all rejected."""
        self.steered = 0.0
        """Fraction of the last batch for which another candidate than the first was used."""
        self.scores: dict[str, float] = {}
        """Mean scores in the last batch: ``taken``, of the candidates used; ``candidates``, of all that passed the filters."""

    @torch.no_grad()
    def draw(self, class_ids: Sequence[int], indices: Sequence[int], candidates: int = 1, score: Score | None = None) -> OnlineBatch:
        """Generate samples for N addresses with the generator's seed, on its device.

        Args:
            class_ids, indices: N classes and indices.
            candidates: Number of candidates of each address, at least 1; default 1.
            score: Scores of candidates, needed for more than one.
        """
        images, masks, passed = self._made(class_ids, indices)
        indices = list(indices)
        self.steered, self.scores = 0.0, {}
        if candidates > 1:
            self._steer(OnlineBatch(images, masks, indices), passed, class_ids, candidates, score)
        refused = [i for i, ok in enumerate(passed) if not ok]
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

    def _steer(self, batch: OnlineBatch, passed: list[bool], class_ids: Sequence[int], candidates: int, score: Score) -> None:
        """Replace samples of a batch, and ``passed``, by the candidate with the largest score, in place; where none passes, by the last."""
        first, scores = list(batch.indices), self._scores(batch, passed, score)
        found = list(scores.values())
        for k in range(1, candidates):
            indices = [index + k * SPARE for index in first]
            images, masks, now_passed = self._made(class_ids, indices)
            now = self._scores(OnlineBatch(images, masks, indices), now_passed, score)
            found += now.values()
            better = [i for i in range(len(first)) if not passed[i] or (i in now and now[i] > scores[i])]
            batch.images[better], batch.masks[better] = images[better], masks[better]
            for i in better:
                batch.indices[i], passed[i] = indices[i], now_passed[i]
            scores |= {i: now[i] for i in better if i in now}
        self.steered = sum(batch.indices[i] != first[i] for i in scores) / len(first)
        if scores:
            self.scores = dict(taken=sum(scores.values()) / len(scores), candidates=sum(found) / len(found))

    @staticmethod
    def _scores(batch: OnlineBatch, passed: list[bool], score: Score) -> dict[int, float]:
        """Scores of the samples that passed the filters, by their place."""
        places = [i for i, ok in enumerate(passed) if ok]
        if not places:
            return {}
        some = OnlineBatch(batch.images[places], batch.masks[places], [batch.indices[i] for i in places])
        return dict(zip(places, score(some, places), strict=True))

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
            return [True] * len(masks)  # reading the masks would synchronise with the device
        foreground = ((masks != 0) & (masks != self.generator.ignore)).float().mean((1, 2))
        passed = (foreground >= self.min_foreground) & (foreground <= self.max_foreground)
        if self.max_uncertainty is not None:
            passed &= uncertainty <= self.max_uncertainty
        return passed.tolist()
