"""A labelled generator on the page: samples are generated when they are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.errors import InputError
from mmbdg.explorer.view import Scored, Shown, View, Where, group_size, known, shown_taps
from mmbdg.sources import LabelledGenerator, Truncation
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.masks import as_mask, foreground_ratio
from mmbdg.storage.palette import palette
from mmbdg.synthesis.filters.base import FilterBatch
from mmbdg.synthesis.filters.rejection_sampling import RejectionSampling

AT_ONCE = 8
"""Number of samples that are generated together."""
BLOCKS_KEPT = 4
"""Number of blocks that stay in memory."""


class Block(NamedTuple):
    """Candidates of one block: arrays with one row each, and the latents."""

    indices: np.ndarray
    images: np.ndarray
    masks: np.ndarray
    disagreement: np.ndarray
    latents: np.ndarray
    scores: dict[str, np.ndarray]


class GeneratorView(View):
    """A labelled generator. A page is a block of the synthesis: consecutive candidates of a class that the filters rank together.

    Args:
        generator: Labelled generator, on its device.
        name: Name on the page.
        per_page: Number of candidates of a block, as ``synthesis.candidates``. Default: 48.
        classifier: Config of a classifier for rejection sampling. Default: None, no rejection sampling.
        checksum: SHA-256 of the generator's weights file, which annotated latents belong to. Default: '', unknown.

    Raises:
        InputError: The classifier does not fit.
    """

    kind: ClassVar[str] = 'generator'

    def __init__(
        self,
        generator: LabelledGenerator,
        name: str,
        per_page: int = 48,
        classifier: Mapping[str, Any] | None = None,
        checksum: str = '',
    ) -> None:
        super().__init__(per_page)
        self.generator, self.name, self.checksum = generator, name, checksum
        self.catalogue = Catalogue(
            generator.classes, generator.folders, generator.labels, generator.ignore, generator.resolution, generator.licence
        )
        self.palette = palette(len(generator.labels))
        self.most_disagreement = generator.most_disagreement
        self.seed, self.truncation = generator.seed, Truncation.of(generator.truncation)
        self._taps = shown_taps(generator.feature_info)
        self.feature_names = tuple(f'{generator.feature_info[i].resolution} px' for i in self._taps)
        self._rejection = None
        if classifier:
            self._rejection = RejectionSampling(classifier)
            self._rejection.prepare(self.catalogue, range(generator.num_classes))
        self._blocks: dict[tuple, Block] = {}

    @property
    def truncatable(self) -> bool:
        """Whether the latents can be truncated."""
        return self.generator.latent_distribution == 'normal'

    def state(self) -> dict[str, Any]:
        scores = dict.fromkeys(('uncertainty', 'foreground_ratio', *(('classifier_score',) if self._rejection else ())))
        return dict(
            seed=self.seed,
            truncatable=self.truncatable,
            truncation=self.truncation and self.truncation.threshold,
            definition=self.truncation.definition if self.truncation else 'resampled',
            filters=known(scores),
            counts=None,
        )

    def truncation_of(self, where: Where) -> Truncation | None:
        """The truncation of a request: its threshold, by the definition of the labelled generator.

        Raises:
            InputError: The threshold is out of its range.
        """
        if where.truncation is None:
            return None
        base = self.truncation or Truncation(1.0)
        return Truncation(where.truncation, base.definition, base.statistics)

    def scored(self, where: Where, page: int) -> Scored:
        block = self.block(where, page)
        return Scored(block.indices, block.scores)

    def show(self, where: Where, index: int) -> Shown:
        block, place = self._sample(where, index)
        return Shown(block.images[place], block.masks[place], block.disagreement[place])

    def images(self, where: Where, indices: Sequence[int]) -> LabelledImages:
        return GeneratedImages(self, where, indices)

    def origin(self, where: Where) -> 'tuple[GeneratorView, Where]':
        return self, where

    def latent(self, where: Where, index: int) -> np.ndarray:
        """Return the latent of a sample, float32 (1,latent_dim); of a VQGAN the tokens, int64 (1,L)."""
        block, place = self._sample(where, index)
        return block.latents[place : place + 1]

    def group(self, where: Where, index: int) -> list[int]:
        size = group_size([self.generator.feature_info[i] for i in self._taps], self.per_page)
        first = index - index % self.per_page
        start = first + (index - first) // size * size
        return list(range(start, min(start + size, first + self.per_page)))

    def features(self, where: Where, indices: Sequence[int]) -> list[Tensor]:
        with self.lock:
            self._select(where)
            latents = torch.from_numpy(np.concatenate([self.latent(where, i) for i in indices]))
            features = self.generator.features([where.class_id] * len(indices), indices, latents)
        return [features[i] for i in self._taps]

    def block(self, where: Where, page: int) -> Block:
        """Return the candidates of a block; the last ones are kept in memory."""
        with self.lock:
            key = (where, page)
            if key not in self._blocks:
                if len(self._blocks) >= BLOCKS_KEPT:
                    self._blocks.pop(next(iter(self._blocks)))
                self._blocks[key] = self._made(where, page)
            return self._blocks[key]

    def _made(self, where: Where, page: int) -> Block:
        self._select(where)
        indices, parts = list(range(page * self.per_page, (page + 1) * self.per_page)), []
        for place in range(0, len(indices), AT_ONCE):
            some = indices[place : place + AT_ONCE]
            class_ids = [where.class_id] * len(some)
            latents = self.generator.latents(class_ids, some)
            batch = self.generator.label(class_ids, some, latents)
            scores = dict(uncertainty=batch.uncertainty)
            if self._rejection:
                judged = FilterBatch(where.class_id, some, batch.images, None, None, self.catalogue.ignore)
                scores['classifier_score'] = self._rejection.scores(judged)
            arrays = batch.images.permute(0, 2, 3, 1), batch.disagreement, latents
            parts.append(
                (
                    *(array.cpu().numpy() for array in arrays),
                    as_mask(batch.masks, len(self.catalogue.labels)),
                    {name: values.double().cpu().numpy() for name, values in scores.items()},
                )
            )
        images, disagreement, latents, masks, scores = zip(*parts, strict=True)
        masks = np.concatenate(masks)
        found = {name: np.concatenate([part[name] for part in scores]) for name in scores[0]}
        found['foreground_ratio'] = np.array([foreground_ratio(mask, self.catalogue.ignore) for mask in masks])
        return Block(np.array(indices), np.concatenate(images), masks, np.concatenate(disagreement), np.concatenate(latents), found)

    def _select(self, where: Where) -> None:
        truncation = self.truncation_of(where)
        if self.generator.seed != where.seed:
            self.generator.seed = where.seed
        if self.generator.truncation != (truncation and truncation.plain):
            self.generator.truncation = truncation

    def _sample(self, where: Where, index: int) -> tuple[Block, int]:
        if index < 0:
            raise InputError(f'an index is at least 0, got {index}')
        return self.block(where, index // self.per_page), index % self.per_page


class GeneratedImages(LabelledImages):
    """Samples of a :class:`GeneratorView` for the analysis."""

    def __init__(self, view: GeneratorView, where: Where, indices: Sequence[int]) -> None:
        catalogue = view.catalogue
        super().__init__(view.name, catalogue.labels, view.palette, catalogue.ignore, catalogue.classes)
        self._view, self._where, self._indices = view, where, list(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def image(self, i: int) -> np.ndarray:
        return self._view.show(self._where, self._indices[i]).image

    def mask(self, i: int) -> np.ndarray:
        return self._view.show(self._where, self._indices[i]).mask

    def class_of(self, i: int) -> int:
        return self._where.class_id

    def title(self, i: int) -> str:
        return self._view.title(self._where, self._indices[i])

    def uncertainty_of(self, i: int) -> float:
        block, place = self._view._sample(self._where, self._indices[i])
        return float(block.scores['uncertainty'][place])
