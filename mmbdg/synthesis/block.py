"""One block of a synthesis: its candidates and their filtering, cheap filters first (BigDatasetGAN, section 3.2).

A **block** is a fixed number of consecutive candidates of one class, with the addresses (class, block * candidates ...).
Filters rank within a block, and batches do not cross the borders of a block. The result of a block therefore depends on its
address only. The dataset does not depend on the order of the blocks, the number of processes, interruptions or earlier
runs with fewer samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.generators import Coarse
from mmbdg.sources.base import Drawn, LabelledBatch, Source
from mmbdg.storage.label_spaces import LabelSpace
from mmbdg.storage.masks import as_mask, foreground_ratio
from mmbdg.storage.originals import Original
from mmbdg.synthesis.extent import Extent
from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.stages import Stages


@dataclass
class Sample:
    """One sample of a block.

    Attributes:
        index: Index within its class.
        image: RGB image, uint8 (R,R,3).
        mask: Mask, uint8 or uint16 (R,R). It has the source's labels during filtering and the stored labels afterwards.
            None if there are no masks.
        uncertainty: Uncertainty of the mask in nats. None if the source has no uncertainty.
        foreground_ratio: Share of the pixels that are foreground, 0 to 1. None if there is no mask.
        scores: Scores of the filters, by field name in the manifest.
        record: Further fields of the manifest, from the source.
        disagreement: Uncertainty of each pixel, uint8 (R,R); 255 stands for the source's ``most_disagreement``. None if it
            is not written.
        tokens: State drawn by the source, uint16 or int32 (L,). None if it is not written.
        original: Given file of the image. None if the source stores no files, see :attr:`~mmbdg.sources.Source.store`.
    """

    index: int
    image: np.ndarray
    mask: np.ndarray | None = None
    uncertainty: float | None = None
    foreground_ratio: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    disagreement: np.ndarray | None = None
    tokens: np.ndarray | None = None
    original: Original | None = None


@dataclass
class Judged:
    """Candidates that passed the coarse and the image filters.

    Attributes:
        indices: Indices of the candidates, ascending.
        scores: Scores of each candidate: index to field name to score.
        state: State of each candidate by index, if the source draws a state.
        images: Images uint8 (3,R,R) on the CPU by index. They are kept for further filters and for sources without masks.
        records: Further manifest fields by index, if the images are kept.
        originals: Given files by index, if the images are kept and the source has such files.
    """

    indices: list[int]
    scores: dict[int, dict[str, float]]
    state: dict[int, Tensor]
    images: dict[int, Tensor]
    records: dict[int, dict[str, Any]]
    originals: dict[int, Original] = field(default_factory=dict)

    def add(self, indices: Sequence[int], drawn: Drawn, keep_images: bool) -> None:
        """Add drawn candidates. Images and records are stored only with ``keep_images``."""
        if drawn.state is not None:
            self.state |= zip(indices, drawn.state.cpu(), strict=True)
        if keep_images:
            self.images |= zip(indices, drawn.images.cpu(), strict=True)
            self.records |= zip(indices, drawn.records or [{}] * len(indices), strict=True)
            self.originals |= zip(indices, drawn.originals, strict=True) if drawn.originals else {}


@dataclass
class BlockResult:
    """Result of one block.

    Attributes:
        samples: Kept samples, sorted by index. Without filters, possibly only the first ones, see :meth:`BlockMaker.make`.
        outcome: Counts of candidates of the whole block: all, after each filter, and kept.
        drawn: Number of candidates that were drawn.
    """

    samples: list[Sample]
    outcome: dict[str, int]
    drawn: int


class BlockMaker:
    """Makes the blocks of a plan.

    Args:
        plan: Plan of the dataset.
        source: Source of the plan.
        filters: Prepared filters of the plan.
        space: Label space of the written masks. Default: None, for the source's own labels.
        stages: Timer of the stages. Default: a new one.
    """

    def __init__(
        self,
        plan: Synthesis,
        source: Source,
        filters: Sequence[Filter] = (),
        space: LabelSpace | None = None,
        stages: Stages | None = None,
    ) -> None:
        self.plan, self.source, self.filters, self.space = plan, source, filters, space
        self.catalogue = source.catalogue
        self.extent = Extent(plan, self.catalogue)
        self.early = next((entry for entry in filters if entry.stage == 'coarse'), None)
        self.image_filters = [entry for entry in filters if entry.stage == 'image']
        self.mask_filters = [entry for entry in filters if entry.stage == 'mask']
        self.stages = stages or Stages(source.device)
        self.may_fall_short = plan.may_fall_short or any(source.available(c) is not None for c in range(len(self.catalogue.classes)))
        """Whether a block can have fewer samples than ``plan.kept``: a filter has a bound, or the source is finite."""

    @property
    def layout(self) -> dict[str, Any]:
        """File layout of the samples, as entries of ``dataset.json``."""
        return self.plan.layout | ({} if self.catalogue.has_masks else dict(masks=False))

    def possible_blocks(self, class_id: int) -> range:
        """Return the blocks that are made for a class at most."""
        return self.extent.possible(class_id, self.source.available(class_id))

    def candidates(self, class_id: int, block: int) -> range:
        """Return the indices of a block's candidates. The last block of a finite class can have fewer."""
        first, available = block * self.plan.candidates, self.source.available(class_id)
        end = first + self.plan.candidates
        return range(first, end if available is None else max(first, min(end, available)))

    def to_draw(self, samples: int | None) -> int:
        """Return the number of candidates of a complete block that are drawn for its first samples.

        Filters rank a whole block. Without filters the first candidates are the samples; they are drawn in the same batches as for the
        whole block, unless batches do not matter.
        """
        if self.filters or samples is None:
            return self.plan.candidates
        resized = self.plan.resolution not in (None, self.catalogue.resolution)
        step = self.plan.batch_size if self.source.batch_matters or resized else 1
        return min(self.plan.candidates, -(-samples // step) * step)

    def make(self, class_id: int, block: int, wanted: int | None = None) -> BlockResult:
        """Make a block: draw candidates, run the coarse and the image filters, label, run the mask filters.

        The source labels only the candidates that passed the image filters. It generates these samples again from their
        addresses, or a VQGAN from their tokens.

        Args:
            class_id: Class index.
            block: Number of the block.
            wanted: Number of wanted samples, the first ones. Without filters no others are drawn, apart from the rest of their last batch.
                Default: None, for all samples.

        Raises:
            InputError: A score is not finite.
        """
        whole = self.candidates(class_id, block)
        indices = list(whole[: self.to_draw(wanted)])
        outcome = dict(candidates=len(whole))
        judged = self.judge(class_id, indices, outcome)
        samples = [sample for part in _batches(judged.indices, self.plan.batch_size) for sample in self.label(class_id, part, judged)]
        for entry in self.mask_filters:
            samples = self._filter_masks(entry, class_id, samples)
            outcome[f'after_{entry.name}'] = len(samples)
        outcome['kept'] = len(samples) if self.filters else len(whole)
        for sample in samples:
            sample.mask = self._painted(sample.mask, class_id)
        return BlockResult(samples, outcome, len(indices))

    def drawn(self, class_id: int, indices: Sequence[int]) -> Judged:
        """Return candidates without filtering. They are drawn only if the source has no masks."""
        left = Judged(list(indices), {i: {} for i in indices}, {}, {}, {})
        if not self.catalogue.has_masks:
            for part in _batches(left.indices, self.plan.batch_size):
                left.add(part, self.source.draw(class_id, part), keep_images=True)
        return left

    def judge(self, class_id: int, indices: Sequence[int], outcome: dict[str, int] | None = None, every: bool = False) -> Judged:
        """Draw candidates and run the coarse and the image filters.

        Without image filters, candidates are drawn only if the source has no masks. With a coarse filter, only the candidates that it
        kept are drawn.

        Args:
            class_id: Class index.
            indices: Indices of the candidates.
            outcome: Dictionary that receives the number of candidates after each filter. Default: None.
            every: Whether to return all drawn candidates in spite of the image filters, to measure the time. Default: False.
        """
        outcome = {} if outcome is None else outcome
        left = Judged(list(indices), {i: {} for i in indices}, {}, {}, {})
        begun = self._begun(class_id, left, outcome) if self.early else None
        drawn = list(left.indices)
        if not self.image_filters and begun is None:
            with self.stages('generate', 0 if self.catalogue.has_masks else len(indices)):
                return self.drawn(class_id, indices)
        if not self.image_filters and self.catalogue.has_masks:
            return left
        keep_images = len(self.image_filters) > 1 or not self.catalogue.has_masks
        first, scores = next(iter(self.image_filters), None), []
        for place in range(0, len(left.indices), self.plan.batch_size):
            part = left.indices[place : place + self.plan.batch_size]
            with self.stages('generate', len(part)):
                if begun is None:
                    images = self.source.draw(class_id, part)
                else:
                    images = self.source.draw_fine(class_id, part, begun.rows(range(place, place + len(part))))
            if first:
                with self.stages('classify', len(part)):
                    scores.append(self._scores(first, class_id, part, images.images))
            left.add(part, images, keep_images)
        for number, entry in enumerate(self.image_filters):
            if number:
                scores = []
                for part in _batches(left.indices, self.plan.batch_size):
                    with self.stages('classify', len(part)):
                        images = torch.stack([left.images[i] for i in part]).to(self.source.device)
                        scores.append(self._scores(entry, class_id, part, images))
            self._keep(entry, class_id, left, torch.cat(scores) if scores else torch.zeros(0))
            outcome[f'after_{entry.name}'] = len(left.indices)
        if every:
            left.indices = drawn
        return left

    def _begun(self, class_id: int, left: Judged, outcome: dict[str, int]) -> Coarse | None:
        """Run the coarse filter. Return the coarse passes of the candidates that it kept, or None if there are no candidates.

        Only the passes of candidates that can still be kept are held, so the memory depends on the number of kept ones.
        """
        entry, scores, held, passes = self.early, torch.zeros(0), [], None
        most = entry.most(len(left.indices))
        for part in _batches(left.indices, self.plan.batch_size):
            with self.stages('coarse', len(part)):
                drawn = self.source.draw_coarse(class_id, part, entry.block)
                batch = FilterBatch(class_id, part, None, None, None, self.catalogue.ignore, drawn)
                held += range(len(scores), len(scores) + len(part))
                scores = torch.cat([scores, entry.scores(batch).cpu()])
                passes = drawn if passes is None else Coarse.joined([passes, drawn])
                best = torch.sort(scores[held], descending=True, stable=True).indices[:most].sort().values.tolist()
                held, passes = [held[i] for i in best], passes.rows(best)
        places = {left.indices[place]: i for i, place in enumerate(held)}
        self._keep(entry, class_id, left, scores)
        outcome[f'after_{entry.name}'] = len(left.indices)
        return passes and passes.rows([places[index] for index in left.indices])

    def _scores(self, entry: Filter, class_id: int, indices: Sequence[int], images: Tensor) -> Tensor:
        return entry.scores(FilterBatch(class_id, indices, images, None, None, self.catalogue.ignore)).cpu()

    def _keep(self, entry: Filter, class_id: int, left: Judged, scores: Tensor) -> None:
        if not scores.isfinite().all():
            raise InputError(
                f'the filter {entry.name} returned a score that is not finite for class {class_id}, samples from {left.indices[0]} on: '
                'check its weights and the source'
            )
        if entry.field:
            for index, score in zip(left.indices, scores.tolist(), strict=True):
                left.scores[index][entry.field] = score
        left.indices = [left.indices[i] for i in entry.keep(scores)] if left.indices else []

    def label(self, class_id: int, indices: Sequence[int], judged: Judged) -> list[Sample]:
        """Return one batch of samples with the source's labels."""
        if not self.catalogue.has_masks:
            return self._without_masks(indices, judged)
        with self.stages('label', len(indices)):
            state = torch.stack([judged.state[i] for i in indices]) if judged.state else None
            batch = self._resized(self.source.label(class_id, indices, state))
            images, masks = batch.images.permute(0, 2, 3, 1).cpu().numpy(), batch.masks.cpu()
            uncertainty = None if batch.uncertainty is None else batch.uncertainty.cpu()
            if uncertainty is not None and not uncertainty.isfinite().all():
                raise InputError(
                    f'the uncertainty is not finite for class {class_id}, samples from {indices[0]} on: check the interpreter weights'
                )
            disagreement = self._disagreement(batch) if self.plan.uncertainty_maps else None
            tokens = _tokens(batch.state) if self.plan.tokens else None
        samples = []
        for i, index in enumerate(indices):
            mask = as_mask(masks[i], len(self.catalogue.labels))
            samples.append(
                Sample(
                    index=index,
                    image=images[i],
                    mask=mask,
                    uncertainty=None if uncertainty is None else uncertainty[i].item(),
                    foreground_ratio=foreground_ratio(mask, self.catalogue.ignore),
                    scores=judged.scores[index],
                    record=dict(batch.records[i]) if batch.records else {},
                    disagreement=None if disagreement is None else disagreement[i],
                    tokens=None if tokens is None else tokens[i],
                    original=batch.originals[i] if batch.originals else None,
                )
            )
        return samples

    def _without_masks(self, indices: Sequence[int], judged: Judged) -> list[Sample]:
        images = torch.stack([judged.images[i] for i in indices])
        images = self._resized_images(images).permute(0, 2, 3, 1).numpy()
        tokens = {i: _tokens(judged.state[i][None])[0] for i in indices} if self.plan.tokens else {}
        return [
            Sample(
                index,
                image,
                scores=judged.scores[index],
                record=dict(judged.records[index]),
                tokens=tokens.get(index),
                original=judged.originals.get(index),
            )
            for index, image in zip(indices, images, strict=True)
        ]

    def _filter_masks(self, entry: Filter, class_id: int, samples: list[Sample]) -> list[Sample]:
        if not samples:
            return samples
        scores = []
        for part in _batches(samples, self.plan.batch_size):
            uncertain = part[0].uncertainty is not None
            batch = FilterBatch(
                class_id,
                [sample.index for sample in part],
                torch.from_numpy(np.stack([sample.image for sample in part])).permute(0, 3, 1, 2),
                torch.from_numpy(np.stack([sample.mask for sample in part]).astype(np.int64)),
                torch.tensor([sample.uncertainty for sample in part]) if uncertain else None,
                self.catalogue.ignore,
            )
            scores.append(entry.scores(batch))
        scores = torch.cat(scores)
        if not scores.isfinite().all():
            raise InputError(
                f'the filter {entry.name} returned a score that is not finite for class {class_id}, samples from {samples[0].index} on: '
                'check the filter and the source'
            )
        if entry.field:
            for sample, score in zip(samples, scores.tolist(), strict=True):
                sample.scores[entry.field] = score
        return [samples[i] for i in entry.keep(scores)]

    def _disagreement(self, batch: LabelledBatch) -> np.ndarray:
        scaled = batch.disagreement * (255 / self.source.most_disagreement)
        return scaled.round().clamp(0, 255).to(torch.uint8).cpu().numpy()

    def _painted(self, mask: np.ndarray | None, class_id: int) -> np.ndarray | None:
        if mask is None or self.space is None:
            return mask
        return as_mask(torch.from_numpy(self.space.paint(mask, class_id, self.catalogue.ignore)), self.space.num_classes)

    def _resized(self, batch: LabelledBatch) -> LabelledBatch:
        size = self.plan.resolution
        if size in (None, batch.images.shape[-1]):
            return batch
        masks = F.interpolate(batch.masks[:, None].float(), size=(size, size), mode='nearest-exact')[:, 0].long()
        disagreement = batch.disagreement
        if disagreement is not None:
            disagreement = F.interpolate(disagreement[:, None], size=(size, size), mode='bilinear', antialias=True)[:, 0]
        return batch._replace(images=self._resized_images(batch.images), masks=masks, disagreement=disagreement)

    def _resized_images(self, images: Tensor) -> Tensor:
        size = self.plan.resolution
        if size in (None, images.shape[-1]):
            return images
        return F.interpolate(images.float(), size=(size, size), mode='bilinear', antialias=True).round().clamp(0, 255).to(torch.uint8)


def _tokens(state: Tensor) -> np.ndarray:
    return state.cpu().numpy().astype(np.uint16 if state.max() < 2**16 else np.int32)


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
