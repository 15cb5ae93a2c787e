"""Draws of objects by their classes: balanced, as frequent as the objects are, or rare classes more often."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mmbdg.coco_json import read_instances
from mmbdg.errors import InputError, listed, nearest

Balance = Literal['class', 'object', 'rare']
THRESHOLD = 0.1
"""Default threshold of rare classes."""


class ClassDraws:
    """Random objects of random classes.

    The classes are those of the dataset into which the objects go. The probability of a class c among the C classes that have objects is

    - ``class``: p_c = 1 / C;
    - ``object``: p_c = n_c / sum n, where n_c is its number of objects;
    - ``rare``: p_c = r_c / sum r with the repeat factor of LVIS (Gupta et al. 2019, section 4.4), r_c = max(1, sqrt(t / f_c)), where f_c
      is the share of training images that contain the class, and t a threshold. Classes that are in fewer than t of the images are drawn
      more often. LVIS repeats images by r_c; that objects are drawn in proportion to it is ours.

    Within a class all objects are equally likely.

    Args:
        labels: Label of each object, integer (N,), N >= 1; -1: the object is never drawn.
        classes: Names of the labels.
        balance: "class", "object" or "rare"; default "class".
        frequencies: For "rare": f_c in (0, 1] by class name, or the path of a COCO annotation file of the training images.
        threshold: For "rare": t, in (0, 1]; default 0.1. LVIS uses 0.001 for its 1,203 classes.

    Raises:
        InputError: A value is out of range, no object may be drawn, or the frequency of a class is missing.
    """

    def __init__(
        self,
        labels: np.ndarray,
        classes: Sequence[str],
        balance: Balance = 'class',
        frequencies: Mapping[str, float] | str | None = None,
        threshold: float | None = None,
    ) -> None:
        if balance not in get_args(Balance):
            raise InputError(
                f'balance must be one of {", ".join(get_args(Balance))}, got {balance!r}{nearest(str(balance), get_args(Balance))}'
            )
        if (balance == 'rare') != (frequencies is not None):
            raise InputError('frequencies belong to balance="rare": give both, or neither')
        if balance != 'rare' and threshold is not None:
            raise InputError(f'threshold belongs to balance="rare", and balance is "{balance}": leave it out')
        self.present = np.unique(labels[labels >= 0])
        if not len(self.present):
            raise InputError('no object is left to paste: all their classes are left out')
        self.members = {int(label): np.flatnonzero(labels == label) for label in self.present}
        self.balance = balance
        counts = np.array([len(self.members[int(label)]) for label in self.present], float)
        weights = dict(object=counts).get(balance, np.ones(len(counts)))
        if balance == 'rare':
            shares = _frequencies_of([classes[label] for label in self.present], frequencies)
            weights = repeat_factors(shares, THRESHOLD if threshold is None else threshold)
        self.probabilities = weights / weights.sum()
        """Probability of each class of ``present``, float64 (C,)."""

    def labels(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Draw the labels of ``number`` objects, integer (number,)."""
        if self.balance == 'class':
            return self.present[rng.integers(0, len(self.present), number)]
        return self.present[rng.choice(len(self.present), number, p=self.probabilities)]

    def object_of(self, rng: np.random.Generator, label: int) -> int:
        """Draw the index of an object with a label."""
        return int(rng.choice(self.members[int(label)]))


def repeat_factors(frequencies: np.ndarray, threshold: float) -> np.ndarray:
    """Repeat factors max(1, sqrt(t / f)) of classes, float64 (C,) in (0, 1] -> float64 (C,) from 1 on.

    Raises:
        InputError: A frequency or the threshold is not in (0, 1].
    """
    if not 0 < threshold <= 1 or not ((frequencies > 0) & (frequencies <= 1)).all():
        raise InputError(f'frequencies and threshold must lie above 0 and not above 1; got {frequencies.tolist()} and {threshold}')
    return np.maximum(1.0, np.sqrt(threshold / frequencies))


def image_frequencies(path: str) -> dict[str, float]:
    """Share of the images of a COCO annotation file that contain each category, by name; only categories that occur.

    Raises:
        InputError: The file is missing, damaged or lists no images.
    """
    if not Path(path).is_file():
        raise InputError(f'frequencies: there is no annotation file {path}')
    content = read_instances(path)
    if not content['images']:
        raise InputError(f'frequencies: {path} lists no images')
    names = {category['id']: category['name'] for category in content['categories']}
    pairs = {(entry['image_id'], entry['category_id']) for entry in content['annotations']}
    found: dict[str, int] = {}
    for _, category in pairs:
        if category not in names:
            raise InputError(f'frequencies: {path} has annotations of the category {category}, which it does not define')
        found[names[category]] = found.get(names[category], 0) + 1
    return {name: count / len(content['images']) for name, count in found.items()}


def _frequencies_of(names: Sequence[str], frequencies: Mapping[str, float] | str) -> np.ndarray:
    known = image_frequencies(frequencies) if isinstance(frequencies, str) else frequencies
    if missing := [name for name in names if name not in known]:
        raise InputError(f'frequencies lacks classes of the objects: {listed(missing)}')
    if not all(isinstance(known[name], int | float) for name in names):
        raise InputError(f'frequencies must be numbers by class name, got {frequencies!r}')
    return np.array([known[name] for name in names], float)
