"""The samples of a dataset as they are shared: a plain key, a row of values, and the checked bytes of image and mask."""

import math
from dataclasses import dataclass, field

from mmbdg.converters.coco_instances import class_names
from mmbdg.schema import Text, validated
from mmbdg.sharing.front_matter import one_line
from mmbdg.storage.layout import folder_of
from mmbdg.storage.stored import StoredDataset

SCORES = ('classifier_score', 'uncertainty', 'foreground_ratio')
"""Numbers of a manifest line that are shared."""


@dataclass
class Shared:
    """A dataset and what the rows of its samples hold.

    Attributes:
        dataset: The dataset.
        scores: Names of the scores that a sample has; a sample without one gets None.
        means: Mean of each score over the samples that have it.
        names: Unique name of each image class.
    """

    dataset: StoredDataset
    scores: tuple[str, ...] = field(init=False)
    means: dict[str, float] = field(init=False)
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        values: dict[str, list[float]] = {score: [] for score in SCORES}
        for line in self.dataset.lines:
            for score, found in values.items():
                found += [one] if (one := number(line.get(score))) is not None else []
        self.scores = tuple(score for score, found in values.items() if found)
        self.means = {score: math.fsum(values[score]) / len(values[score]) for score in self.scores}
        self.names = _names(self.dataset)

    @property
    def suffix(self) -> str:
        """Suffix of image files: ".png" or ".jpg"."""
        return self.dataset.info.get('image_suffix', '.png')

    def row(self, line: dict) -> dict:
        """Values of a sample: ``label`` (number of the image class), ``class``, ``sample`` (class folder and id), scores."""
        names = dict(label=line['class'], sample=f'{folder_of(line)}/{line["id"]}')
        return names | {'class': self.names[line['class']]} | {score: number(line.get(score)) for score in self.scores}

    def image(self, line: dict) -> bytes:
        """Bytes of the image file, after its pixels have been decoded once.

        Raises:
            InputError: The file is missing or damaged.
        """
        self.dataset.image(line)
        return self.dataset.stored_bytes(line, 'image')

    def mask(self, line: dict) -> bytes:
        """Bytes of the mask file, after its labels have been checked.

        Raises:
            InputError: The file is missing or damaged, or holds an unknown label.
        """
        self.dataset.mask(line)
        return self.dataset.stored_bytes(line, 'mask')


def _names(dataset: StoredDataset) -> list[str]:
    """Unique names of the image classes on one line each."""
    for folder in dataset.catalogue.folders:
        validated(Text, folder, f'{dataset.root / "dataset.json"}: the folder of a class')
    names = [one_line(name) for name in class_names(dataset.info)]
    return names if all(names) and len(set(names)) == len(names) else list(dataset.catalogue.folders)


def key_of(line: dict) -> str:
    """Unique name of a sample, for files without folders: number of the class and id. No text of the dataset is in it."""
    return f'{line["class"]:05d}_{line["id"]}'


def number(value: object) -> float | None:
    """A finite number; None for anything else: JSON has no NaN."""
    return float(value) if type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value) else None
