"""A finished dataset on the page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from mmbdg.analysis.images.image_part import ImagePart
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.errors import InputError
from mmbdg.explorer.generator_view import GeneratorView
from mmbdg.explorer.view import Scored, Shown, View, Where, known
from mmbdg.files import sha256
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.layout import sample_id

SCORES = ('classifier_score', 'uncertainty', 'foreground_ratio')
SOURCE = 'mmbdg.LabelledGeneratorSource'


class DatasetView(View):
    """A finished dataset, in folders or shards. The filters rank all samples of a class by the scores in the manifest.

    Args:
        images: The dataset.
        per_page: Number of samples of a page. Default: 48.
        generator: View of the labelled generator that made the dataset, see :func:`generator_of`, for latents and feature maps. Default:
            None.
    """

    kind: ClassVar[str] = 'dataset'

    def __init__(self, images: StoredImages, per_page: int = 48, generator: GeneratorView | None = None) -> None:
        super().__init__(per_page)
        self.set, self.stored, self.name = images, images.stored, images.name
        self.catalogue, self.palette = self.stored.catalogue, images.palette
        self.most_disagreement = self.stored.info.get('uncertainty_maps')
        self.generator = generator
        self.feature_names = generator.feature_names if generator else ()
        index = self.stored.index
        self._places = {class_id: np.flatnonzero(index.class_ids == class_id) for class_id in index.present_classes()}
        self._scored = lru_cache(maxsize=16)(self._read_scores)

    def state(self) -> dict[str, Any]:
        first = next(iter(self._places.values()))[0]
        line = self.stored.lines[int(first)]
        return dict(
            filters=known({name: 0 for name in SCORES if line.get(name) is not None}),
            counts=[len(self._places.get(class_id, ())) for class_id in range(len(self.catalogue.classes))],
        )

    def title(self, where: Where, index: int) -> str:
        return f'{self.catalogue.folders[where.class_id]}/{sample_id(index)}'

    def scored(self, where: Where, page: int) -> Scored:
        with self.lock:
            return self._scored(where.class_id)

    def _read_scores(self, class_id: int) -> Scored:
        places = self._places.get(class_id, np.zeros(0, np.int64))
        lines = [self.stored.lines[place] for place in places.tolist()]
        columns = {name: [line.get(name) for line in lines] for name in SCORES}
        known_ones = {name: np.array(values, np.float64) for name, values in columns.items() if values and None not in values}
        return Scored(self.stored.index.numbers[places], known_ones)

    def _page(self, places: np.ndarray, page: int) -> tuple[int, int | None, np.ndarray]:
        pages = max(1, -(-len(places) // self.per_page))
        page = min(page, pages - 1)
        return page, pages, places[page * self.per_page : (page + 1) * self.per_page]

    def show(self, where: Where, index: int) -> Shown:
        line = self.stored.lines[self._place(where, index)]
        mask = self.stored.mask(line) if self.catalogue.has_masks else None
        return Shown(self.stored.image(line), mask, self.stored.uncertainty_map(line))

    def images(self, where: Where, indices: Sequence[int]) -> LabelledImages:
        return ImagePart(self.set, [self._place(where, index) for index in indices])

    def group(self, where: Where, index: int) -> list[int]:
        numbers = set(self.stored.index.numbers[self._places[where.class_id]].tolist())
        return [i for i in self.generator.group(where, index) if i in numbers]

    def features(self, where: Where, indices: Sequence[int]) -> list[Tensor]:
        return self.generator.features(self._source(where), indices)

    def origin(self, where: Where) -> tuple[GeneratorView, Where] | None:
        return self.generator and (self.generator, self._source(where))

    def _source(self, where: Where) -> Where:
        """The address under the seed and the truncation of the dataset."""
        truncation = self.generator.truncation
        return Where(where.class_id, self.generator.seed, truncation and truncation.threshold)

    def _place(self, where: Where, index: int) -> int:
        places = self._places.get(where.class_id, np.zeros(0, np.int64))
        found = places[self.stored.index.numbers[places] == index]
        if not len(found):
            raise InputError(f'the dataset has no sample {self.title(where, index)}')
        return int(found[0])


def generator_of(images: StoredImages, name: str, per_page: int = 48) -> GeneratorView:
    """Load the labelled generator that made a dataset, with the seed and the truncation of the dataset.

    Args:
        images: The dataset.
        name: Name or folder of the labelled generator.
        per_page: Number of samples of a page. Default: 48.

    Raises:
        InputError: The dataset has another source, or was made by other weights or at another resolution.
    """
    info = images.stored.info
    config, checksums = info.get('config') or {}, info.get('checksums') or {}
    source = config.get('source') or {}
    if source.get('type') != SOURCE:
        raise InputError(
            f'{images.stored.root} was not made by a labelled generator ({source.get("type") or "its dataset.json does not say by what"}): '
            'remove --labelled-generator'
        )
    folder = LabelledGenerator.find(name)
    weights = folder / 'generator.safetensors'
    if checksums.get('generator.safetensors') != sha256(weights):
        raise InputError(f'{images.stored.root} was made by another generator than {weights}: give the one that made it')
    truncation = source.get('truncation')
    generator = LabelledGenerator.load(name, seed=config.get('seed', 0), truncation=truncation)
    if generator.resolution != info['resolution']:
        raise InputError(
            f'{images.stored.root} has images of {info["resolution"]} px, but the generator makes {generator.resolution} px: masks of '
            'resized images are not masks of its latents; remove --labelled-generator'
        )
    return GeneratorView(generator, name, per_page, checksum=sha256(weights))
