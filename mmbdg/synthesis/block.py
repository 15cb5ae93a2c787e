"""One block of a synthesis: candidates, filtered in the order of cost (BigDatasetGAN, section 3.2).

A **block** is one class and a fixed number of candidates, addresses (class, block * candidates ...). Filters rank within a block, batches
are cut within a block, so what a block gives depends on nothing but its address: the dataset is the same whatever the order, the number
of processes, the interruption, or the number asked for before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.sources.base import Drawn, LabelledBatch, Source
from mmbdg.storage.label_spaces import LabelSpace
from mmbdg.storage.masks import as_mask, foreground_ratio
from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.stages import Stages


@dataclass
class Sample:
    """One sample of a block.

    Attributes:
        index: Index within its class.
        image: RGB image, uint8 (R,R,3).
        mask: Mask, uint8 or uint16 (R,R): the source's labels while filters look at it, then as it is stored; None if there are no masks.
        uncertainty: Uncertainty of the mask in nats; None if the source gives none.
        foreground_ratio: Part of the pixels that are foreground, 0 to 1; None if there is no mask.
        scores: What filters score, by the field of the manifest.
        record: Further fields of the manifest, from the source.
        disagreement: Uncertainty of each pixel, uint8 (R,R), if it is written; 255 is the source's ``most_disagreement``.
        tokens: State that the source has drawn, uint16 or int32 (L,), if it is written.
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


@dataclass
class Judged:
    """Candidates that the filters of images have left.

    Attributes:
        indices: Their indices, ascending.
        scores: Their scores by field, one dict a candidate.
        state: Their state by index, where the source draws one.
        images: Their images, uint8 (3,R,R) on the CPU, where they are kept: for a second filter, or for a source without masks.
        records: Their further fields of the manifest, by index, where the images are kept.
    """

    indices: list[int]
    scores: dict[int, dict[str, float]]
    state: dict[int, Tensor]
    images: dict[int, Tensor]
    records: dict[int, dict[str, Any]]

    def add(self, indices: Sequence[int], drawn: Drawn, keep_images: bool) -> None:
        """Keep what was drawn, as far as it is needed later."""
        if drawn.state is not None:
            self.state |= zip(indices, drawn.state.cpu(), strict=True)
        if keep_images:
            self.images |= zip(indices, drawn.images.cpu(), strict=True)
            self.records |= zip(indices, drawn.records or [{}] * len(indices), strict=True)


@dataclass
class BlockResult:
    """The kept samples of one block, sorted by index, and how many each filter left."""

    samples: list[Sample]
    outcome: dict[str, int]


class BlockMaker:
    """Makes the blocks of a plan.

    Args:
        plan: Plan of the dataset.
        source: Source of the plan.
        filters: Prepared filters of the plan.
        space: Label space that masks are painted in; None for the source's own labels.
        stages: Takes the time of each part.
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
        self.image_filters = [entry for entry in filters if entry.stage == 'image']
        self.mask_filters = [entry for entry in filters if entry.stage == 'mask']
        self.stages = stages or Stages(source.device)
        self.may_fall_short = plan.may_fall_short or any(source.available(c) is not None for c in range(len(self.catalogue.classes)))
        """Whether a block can give fewer samples than ``plan.kept``: a filter has a bound, or the source ends."""

    @property
    def layout(self) -> dict[str, Any]:
        """Which files a sample has, under the keys of ``dataset.json``."""
        return self.plan.layout | ({} if self.catalogue.has_masks else dict(masks=False))

    def max_blocks(self, class_id: int) -> int:
        """Largest number of blocks of a class that are tried."""
        available = self.source.available(class_id)
        return self.plan.max_blocks if available is None else min(self.plan.max_blocks, -(-available // self.plan.candidates))

    def candidates(self, class_id: int, block: int) -> range:
        """Indices of a block's candidates; the last block of a class that ends has fewer."""
        first, available = block * self.plan.candidates, self.source.available(class_id)
        end = first + self.plan.candidates
        return range(first, end if available is None else max(first, min(end, available)))

    def make(self, class_id: int, block: int) -> BlockResult:
        """Candidates, filters of images, labels, filters of masks.

        The source labels only what the filters of images leave; it makes these samples again from their addresses, a VQGAN from their
        tokens.

        Raises:
            InputError: A score is not finite.
        """
        indices = list(self.candidates(class_id, block))
        outcome = dict(candidates=len(indices))
        judged = self.judge(class_id, indices, outcome)
        samples = [sample for part in _batches(judged.indices, self.plan.batch_size) for sample in self.label(class_id, part, judged)]
        for entry in self.mask_filters:
            samples = self._filter_masks(entry, class_id, samples)
            outcome[f'after_{entry.name}'] = len(samples)
        outcome['kept'] = len(samples)
        for sample in samples:
            sample.mask = self._painted(sample.mask, class_id)
        return BlockResult(samples, outcome)

    def drawn(self, class_id: int, indices: Sequence[int]) -> Judged:
        """Candidates that no filter has looked at."""
        left = Judged(list(indices), {i: {} for i in indices}, {}, {}, {})
        if not self.catalogue.has_masks:
            for part in _batches(left.indices, self.plan.batch_size):
                left.add(part, self.source.draw(class_id, part), keep_images=True)
        return left

    def judge(self, class_id: int, indices: Sequence[int], outcome: dict[str, int] | None = None, every: bool = False) -> Judged:
        """Draw candidates and run the filters of images; without such filters nothing is drawn unless the source has no masks.

        Args:
            class_id: Class index.
            indices: Indices of the candidates.
            outcome: Takes how many each filter leaves.
            every: Whether all candidates are left, for a probe of the time.
        """
        outcome = {} if outcome is None else outcome
        if not self.image_filters:
            with self.stages('generate', 0 if self.catalogue.has_masks else len(indices)):
                return self.drawn(class_id, indices)
        left = Judged(list(indices), {i: {} for i in indices}, {}, {}, {})
        keep_images = len(self.image_filters) > 1 or not self.catalogue.has_masks
        first, scores = self.image_filters[0], []
        for part in _batches(left.indices, self.plan.batch_size):
            with self.stages('generate', len(part)):
                drawn = self.source.draw(class_id, part)
            with self.stages('classify', len(part)):
                scores.append(self._scores(first, class_id, part, drawn.images))
            left.add(part, drawn, keep_images)
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
            left.indices = list(indices)
        return left

    def _scores(self, entry: Filter, class_id: int, indices: Sequence[int], images: Tensor) -> Tensor:
        return entry.scores(FilterBatch(class_id, indices, images, None, None, self.catalogue.ignore)).cpu()

    def _keep(self, entry: Filter, class_id: int, left: Judged, scores: Tensor) -> None:
        if not scores.isfinite().all():
            raise InputError(
                f'the filter {entry.name} gives no finite score for class {class_id}, samples from {left.indices[0]} on: its classifier or '
                'the source is broken'
            )
        if entry.field:
            for index, score in zip(left.indices, scores.tolist(), strict=True):
                left.scores[index][entry.field] = score
        left.indices = [left.indices[i] for i in entry.keep(scores)] if left.indices else []

    def label(self, class_id: int, indices: Sequence[int], judged: Judged) -> list[Sample]:
        """One batch of samples with the source's labels."""
        if not self.catalogue.has_masks:
            return self._without_masks(indices, judged)
        with self.stages('label', len(indices)):
            state = torch.stack([judged.state[i] for i in indices]) if judged.state else None
            batch = self._resized(self.source.label(class_id, indices, state))
            images, masks = batch.images.permute(0, 2, 3, 1).cpu().numpy(), batch.masks.cpu()
            uncertainty = None if batch.uncertainty is None else batch.uncertainty.cpu()
            if uncertainty is not None and not uncertainty.isfinite().all():
                raise InputError(f'the interpreters give no number for class {class_id}, samples from {indices[0]} on: they are broken')
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
                )
            )
        return samples

    def _without_masks(self, indices: Sequence[int], judged: Judged) -> list[Sample]:
        images = torch.stack([judged.images[i] for i in indices])
        images = self._resized_images(images).permute(0, 2, 3, 1).numpy()
        tokens = {i: _tokens(judged.state[i][None])[0] for i in indices} if self.plan.tokens else {}
        return [
            Sample(index, image, scores=judged.scores[index], record=dict(judged.records[index]), tokens=tokens.get(index))
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
            raise InputError(f'the filter {entry.name} gives no finite score for class {class_id}, samples from {samples[0].index} on')
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
