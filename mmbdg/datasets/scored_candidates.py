"""Candidates of a labelled generator with the confidence of a classifier: the training data of a judge of early rejection."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from mmbdg.classifiers import build_classifier, class_map, classifier_files, confidence
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.interpreter.coarse_judge import in_cells
from mmbdg.registry import DATASETS
from mmbdg.sources import LabelledGenerator

FIRST_INDEX = 2 * 10**8
"""Index of the first candidate of each class. No synthesis and no online sampling draws these addresses."""


@DATASETS.register_module()
class ScoredCandidates(Dataset):
    """Candidates with their coarse features, and how a classifier ranks their images within their class.

    All candidates are drawn and classified when the dataset is built. Only the cells of the features are kept. An item is a dict of

    - ``feature``: cells of the block's output, float32 (C,cells,cells);
    - ``z``: latent, float32 (D,); ``y``: class index;
    - ``confidence``: the classifier's confidence in the class, float32, 0 to 1;
    - ``rank``: (r + 0.5) / n, float32, for the candidate with the r-th lowest confidence of the n of its class, from 0.

    Args:
        labelled_generator: Name or folder of a labelled generator, see :meth:`LabelledGenerator.load`.
        classifier, class_map, size: Classifier of the rejection sampling, see :class:`~mmbdg.synthesis.filters.RejectionSampling`.
        block: Name of the generator's block whose output is judged.
        per_class: Number of candidates of each class.
        cells: Number of cells along each side of the features. Default: 4.
        seed: Seed of the latents. Default: 0.
        first: Index of the first candidate of each class. Default: :data:`FIRST_INDEX`.
        truncation: Truncation of the latents. Default: "default", for the labelled generator's.
        batch_size: Number of images that are computed at once. Default: 50.

    Raises:
        InputError: The generator cannot stop after a block or has no such block, or see the other parts.
    """

    def __init__(
        self,
        labelled_generator: str,
        classifier: dict,
        block: str,
        per_class: int,
        cells: int = 4,
        seed: int = 0,
        first: int = FIRST_INDEX,
        truncation: Mapping | float | str | None = 'default',
        class_map: Sequence | Mapping | str | None = None,
        size: int | None = None,
        batch_size: int = 50,
    ) -> None:
        if per_class < 2:
            raise InputError(f'ScoredCandidates.per_class must be at least 2 to rank candidates, got {per_class}')
        generator = LabelledGenerator.load(labelled_generator)
        generator.seed = seed
        if truncation != 'default':
            generator.truncation = truncation
        self.truncation, self.per_class = generator.truncation, per_class
        self.generator_checksum = sha256(LabelledGenerator.find(labelled_generator) / 'generator.safetensors')
        (self.classifier_checksum,) = map(sha256, classifier_files(classifier))
        judge = build_classifier(classifier, size)
        ids = _class_ids(class_map, generator, judge)
        parts: list[dict[str, Tensor]] = []
        with tqdm(total=per_class * generator.num_classes, unit='img', desc='scored candidates', dynamic_ncols=True) as bar:
            for class_id in range(generator.num_classes):
                for begin in range(0, per_class, batch_size):
                    indices = range(first + begin, first + min(begin + batch_size, per_class))
                    coarse = generator.coarse([class_id] * len(indices), indices, block)
                    scores = confidence(judge.probabilities(generator.finished(coarse)), ids[class_id])
                    parts.append(dict(feature=in_cells(coarse.feature, cells), z=coarse.z, y=coarse.y, confidence=scores))
                    bar.update(len(indices))
        self._parts = {key: torch.cat([part[key] for part in parts]).contiguous() for key in parts[0]}
        by_class = self._parts['confidence'].view(-1, per_class)
        order = by_class.argsort(dim=1, stable=True).argsort(dim=1)
        self._parts['rank'] = ((order + 0.5) / per_class).flatten()

    def __len__(self) -> int:
        return len(self._parts['y'])

    def __getitem__(self, n: int) -> dict[str, Any]:
        return {key: part[n] for key, part in self._parts.items()}


def _class_ids(spec: Any, generator: LabelledGenerator, classifier: Any) -> list[list[int]]:
    return class_map(spec, generator.classes, generator.folders, classifier)
