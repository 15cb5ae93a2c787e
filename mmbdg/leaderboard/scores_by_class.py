"""Scores by class in a file of ``tools/test.py``: IoU of a segmentor, accuracy of a classifier, certainty of either."""

import math
import os
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from mmbdg.errors import InputError
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, validated

BACKGROUND = 'background'
"""Label that is no class."""
Percent = Annotated[float, Field(ge=0, le=100)]


class ClassIoU(OpenSchema):
    """Entry of ``per_class`` of a segmentor."""

    images: int
    mIoU: Percent | None


class ClassAccuracy(OpenSchema):
    """Entry of ``per_class`` of a classifier."""

    images: int
    accuracy: Percent


class ClassEntropy(OpenSchema):
    """Entry of ``entropy.per_class``."""

    images: int
    entropy: Annotated[float, Field(ge=0)]


class Entropy(OpenSchema):
    """Value of ``entropy``."""

    labels: Annotated[int, Field(ge=2)]
    per_class: Annotated[dict[str, ClassEntropy], Field(min_length=1)]


class _Result(OpenSchema):
    config: str
    checkpoint_sha256: str
    test_set: dict | None = None
    per_label: dict[str, Percent | None] | None
    per_class: dict[str, dict] | None
    entropy: Entropy | None = None


class ScoresByClass(NamedTuple):
    """Scores by class.

    Attributes:
        figure: Name of the score: "IoU" of a label, "mIoU" of the labels in the images of a class, "accuracy", or "certainty".
        scores: Percent, by class; None if it was not measured. The background is left out.
        result: ``config``, ``checkpoint_sha256`` and ``test_set`` of the file.
    """

    figure: str
    scores: dict[str, float | None]
    result: dict[str, Any]


def scores_by_class(path: str | os.PathLike, certainty: bool = False) -> ScoresByClass:
    """Read the scores by class of a file of ``tools/test.py``.

    Of a classifier, a score is the accuracy for the images of the class. Of a segmentor with two labels (FG/BG) it is the mean IoU of both
    labels over the images of the class; of one with more labels, the IoU of the label.

    Args:
        path: Path of the file.
        certainty: Whether the scores are the certainty of the predictions instead, which needs no true masks: 1 - H / ln(L) in percent,
            where H is the mean entropy of the predictions in the images of a class, and L the number of labels. Default False.

    Raises:
        InputError: It is no such file, a score is no number from 0 to 100, or the file has no scores by class.
    """
    content = read_json(path)
    if isinstance(content, dict) and 'metrics' in content and not {'per_label', 'per_class'} <= content.keys():
        raise InputError(f'{path} has no figures by class: run tools/test.py again with this version')
    result = validated(_Result, content, str(path))
    about = {key: result.get(key) for key in ('config', 'checkpoint_sha256', 'test_set')}
    if certainty:
        if not result.get('entropy'):
            raise InputError(f'{path} has no entropy by class: run tools/test.py with --entropy')
        highest = math.log(result['entropy']['labels'])
        classes = {name: one['entropy'] / highest for name, one in result['entropy']['per_class'].items()}
        return ScoresByClass('certainty', {name: 100 * (1 - min(1.0, share)) for name, share in classes.items()}, about)
    if classes := result['per_class']:
        figure, schema = ('accuracy', ClassAccuracy) if 'accuracy' in next(iter(classes.values())) else ('mIoU', ClassIoU)
        validated(dict[str, schema], classes, f'{path}, per_class,')
        return ScoresByClass(figure, {name: one[figure] for name, one in classes.items()}, about)
    labels = {name: value for name, value in (result['per_label'] or {}).items() if name != BACKGROUND}
    if len(labels) < 2:
        raise InputError(f'{path} has no figures by class: it has a single label, and its test set does not tell the classes of its images')
    return ScoresByClass('IoU', labels, about)
