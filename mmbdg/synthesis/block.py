"""One block of a synthesis: candidates, filtered in the order of cost (BigDatasetGAN, section 3.2).

A **block** is one class and a fixed number of candidates, addresses (class, block * candidates ...). Filters rank within a block, batches
are cut within a block, so what a block gives depends on nothing but its address: the dataset is the same whatever the order, the number
of processes, the interruption, or the number asked for before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.classifiers import Classifier, confidence
from mmbdg.errors import InputError
from mmbdg.sources.labelled_generator import LabelledGenerator
from mmbdg.storage.label_spaces import LabelSpace
from mmbdg.storage.masks import as_mask
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.stages import Stages


@dataclass
class Sample:
    """One that was kept."""

    index: int
    image: np.ndarray
    """RGB uint8 (R,R,3)."""
    mask: np.ndarray
    """uint8 or uint16 (R,R), as it is stored."""
    uncertainty: float
    """Nats."""
    score: float | None = None
    """The classifier's confidence in the sample's own class, 0..1."""
    foreground_ratio: float = 0.0
    disagreement: np.ndarray | None = None
    """uint8 (R,R); 255 is ``LabelledGenerator.most_disagreement``."""
    tokens: np.ndarray | None = None
    """uint16 or int32 (L,)."""


@dataclass
class BlockResult:
    """The kept samples of one block, sorted by index, and how many each filter left."""

    samples: list[Sample]
    outcome: dict[str, int]


class BlockMaker:
    """Makes the blocks of a plan.

    Args:
        plan: What is made.
        generator: The plan's.
        classifier: The plan's, if it rejects.
        classes_of: For each class of the generator those of the classifier that mean it, see
            :func:`~mmbdg.classifiers.class_map`; None if they are the same.
        space: The label space masks are painted in; None for the interpreter's own labels.
        stages: Takes the time of each part.
    """

    def __init__(
        self,
        plan: Synthesis,
        generator: LabelledGenerator,
        classifier: Classifier | None = None,
        classes_of: Sequence[Sequence[int]] | None = None,
        space: LabelSpace | None = None,
        stages: Stages | None = None,
    ) -> None:
        self.plan, self.generator, self.classifier, self.classes_of, self.space = plan, generator, classifier, classes_of, space
        self.stages = stages or Stages(generator.device)

    def make(self, class_id: int, block: int) -> BlockResult:
        """Candidates, rejection, labels, uncertainty, bounds.

        The ensemble of interpreters runs on the survivors of the rejection only; they are made again from their addresses, a VQGAN's from
        their tokens.

        Raises:
            InputError: The classifier's or the interpreters' figures are no numbers.
        """
        plan = self.plan
        indices = list(range(block * plan.candidates, (block + 1) * plan.candidates))
        outcome = dict(candidates=len(indices))
        scores, tokens = dict.fromkeys(indices), {}
        if self.classifier:
            confident, tokens = self.judge(class_id, indices)
            best = torch.sort(confident, descending=True, stable=True).indices[: plan.survivors].tolist()
            scores = {indices[i]: confident[i].item() for i in sorted(best) if confident[i] >= plan.min_confidence}
            outcome['after_rejection'] = len(scores)
        samples = [sample for part in _batches(list(scores), plan.batch_size) for sample in self.label(class_id, part, tokens)]
        certain = sorted(samples, key=lambda sample: sample.uncertainty)[: plan.certain(len(samples))]  # stable: of equals the first
        outcome['after_uncertainty'] = len(certain)
        kept = [s for s in certain if plan.min_foreground <= s.foreground_ratio <= plan.max_foreground]
        outcome['kept'] = len(kept)
        for sample in kept:
            sample.score = scores[sample.index]
        return BlockResult(sorted(kept, key=lambda sample: sample.index), outcome)

    def judge(self, class_id: int, indices: Sequence[int]) -> tuple[Tensor, dict[int, Tensor]]:
        """The classifier's confidence in the class, float32 (N,) on the CPU, and a VQGAN's tokens by index."""
        confident, tokens = [], {}
        meant = self.classes_of[class_id] if self.classes_of else [class_id]
        for part in _batches(indices, self.plan.batch_size):
            with self.stages('generate', len(part)):
                latents = self.generator.latents([class_id] * len(part), part)
                images = self.generator.images([class_id] * len(part), part, latents)
            with self.stages('classify', len(part)):
                confident.append(confidence(self.classifier.probabilities(images), meant).cpu())
            if self.generator.draws_tokens:
                tokens |= zip(part, latents.cpu(), strict=True)
        confident = torch.cat(confident)
        if not confident.isfinite().all():
            raise InputError(
                f'the classifier gives no number for class {class_id}, samples from {indices[0]} on: it or the generator is broken'
            )
        return confident, tokens

    def label(self, class_id: int, indices: Sequence[int], tokens: dict[int, Tensor]) -> list[Sample]:
        """One batch of labelled samples, as they are stored."""
        with self.stages('label', len(indices)):
            class_ids = [class_id] * len(indices)
            latents = torch.stack([tokens[i] for i in indices]) if tokens else self.generator.latents(class_ids, indices)
            batch = self.generator.label(class_ids, indices, latents)
            images, masks, disagreement = self._resized(batch.images, batch.masks, batch.disagreement)
            images, masks, uncertainty = images.permute(0, 2, 3, 1).cpu().numpy(), masks.cpu(), batch.uncertainty.cpu()
            if not uncertainty.isfinite().all():
                raise InputError(f'the interpreters give no number for class {class_id}, samples from {indices[0]} on: they are broken')
            if self.plan.uncertainty_maps:
                disagreement = (disagreement * (255 / self.generator.most_disagreement)).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        samples = []
        for i, index in enumerate(indices):
            labels = as_mask(masks[i], len(self.generator.labels))
            ratio = float(((labels > 0) & (labels != self.generator.ignore)).mean())
            if self.space:
                labels = as_mask(torch.from_numpy(self.space.paint(labels, class_id, self.generator.ignore)), self.space.num_classes)
            sample = Sample(index, images[i], labels, uncertainty[i].item(), foreground_ratio=ratio)
            if self.plan.uncertainty_maps:
                sample.disagreement = disagreement[i]
            if self.plan.tokens:
                sample.tokens = latents[i].cpu().numpy().astype(np.uint16 if latents.max() < 2**16 else np.int32)
            samples.append(sample)
        return samples

    def _resized(self, images: Tensor, masks: Tensor, disagreement: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size = self.plan.resolution
        if size in (None, images.shape[-1]):
            return images, masks, disagreement
        images = F.interpolate(images.float(), size=(size, size), mode='bilinear', antialias=True).round().clamp(0, 255).to(torch.uint8)
        masks = F.interpolate(masks[:, None].float(), size=(size, size), mode='nearest-exact')[:, 0].long()
        disagreement = F.interpolate(disagreement[:, None], size=(size, size), mode='bilinear', antialias=True)[:, 0]
        return images, masks, disagreement


def _batches(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
