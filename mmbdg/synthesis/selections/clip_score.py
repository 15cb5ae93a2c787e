"""Selection of the samples that are most similar to the name of their class, by a CLIP model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmbdg.embedders import Embedder, build_embedder
from mmbdg.errors import InputError
from mmbdg.registry import SELECTIONS
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.prompt_file import template_prompts
from mmbdg.synthesis.selections.base import RankedSelection, Samples
from mmbdg.synthesis.selections.embedded import embedded

REDUCTIONS = ('max', 'mean')


@SELECTIONS.register_module()
@dataclass(frozen=True)
class ClipScore(RankedSelection):
    """Keeps the samples with the highest CLIP score: the cosine similarity of the image with texts about its class.

    This is the filter of "The Unmet Promise", section 3.3: the top 30 % of each class, at most 10,000 images of it, by the maximum over
    the templates (the paper's text; its released code averages the text embeddings instead).

    Args:
        embedder: Config of an embedder of images and texts, such as ``dict(type='mmbdg.OpenCLIP', folder=PATH)``.
        templates: Texts with one ``{}`` for the class.
        reduce: "max" or "mean" of the similarities over the templates. Default: "max".
        fraction: See :class:`~mmbdg.synthesis.selections.RankedSelection`. Default: 0.3.
        scope: See :class:`~mmbdg.synthesis.selections.RankedSelection`. Default: "class".
        max_per_class: Largest number of kept samples of a class (of the dataset if ``scope`` is "dataset"). Default: 10,000.
        classes: Names and senses of the dataset's classes, for :class:`~mmbdg.sources.class_list.ClassList`, with the dataset's folders as
            ids. Default None: the names in the dataset.
        device: Device on which the embedder computes. Default: "cpu".

    Raises:
        InputError: An argument is wrong, or the embedder cannot be built or does not embed texts.
    """

    embedder: Mapping[str, Any] | None = None
    templates: Sequence[str] = ('a photo of a {}.',)
    reduce: str = 'max'
    fraction: float = 0.3
    scope: str = 'class'
    max_per_class: int = 10_000
    classes: Any = None
    device: str = 'cpu'
    model: Embedder = field(init=False, repr=False)

    highest = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduce not in REDUCTIONS:
            raise InputError(f'ClipScore.reduce must be one of {", ".join(REDUCTIONS)}, got {self.reduce!r}')
        if type(self.max_per_class) is not int or self.max_per_class < 1:
            raise InputError(f'ClipScore.max_per_class must be a whole number of at least 1, got {self.max_per_class!r}')
        template_prompts(self.templates, ClassList(['class']))
        object.__setattr__(self, 'model', build_embedder(self.embedder, self.device, 'ClipScore.embedder'))
        if not self.model.reads_text:
            raise InputError(f'ClipScore.embedder: {type(self.model).__name__} embeds images only; use mmbdg.OpenCLIP')

    def scores(self, samples: Samples) -> np.ndarray:
        classes = self._classes(samples)
        images, scores = embedded(samples, self.model), np.empty(len(samples))
        prompts = template_prompts(self.templates, classes)
        for class_id in np.unique(samples.class_ids).tolist():
            texts = self.model.texts(prompts[classes[class_id].id]).numpy()
            members = samples.class_ids == class_id
            scores[members] = getattr(np, self.reduce)(images[members] @ texts.T, axis=1)
        return scores

    def number_kept(self, total: int) -> int:
        return min(super().number_kept(total), self.max_per_class)

    def identity(self) -> dict[str, Any]:
        return super().identity() | dict(
            embedder=self.model.identity(),
            templates=list(self.templates),
            reduce=self.reduce,
            max_per_class=self.max_per_class,
            classes=None if self.classes is None else ClassList(self.classes).plain(),
        )

    def _classes(self, samples: Samples) -> ClassList:
        catalogue = samples.dataset.catalogue
        if self.classes is None:
            return ClassList([dict(id=folder, name=name) for folder, name in zip(catalogue.folders, catalogue.classes, strict=True)])
        classes = ClassList(self.classes)
        if classes.ids != catalogue.folders:
            raise InputError(
                f'ClipScore.classes has the ids {", ".join(classes.ids[:10])}, the dataset the folders '
                f'{", ".join(catalogue.folders[:10])}; they must be the same, in the same order'
            )
        return classes
