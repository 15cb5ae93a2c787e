"""Images with their true masks and the predictions of several segmentors (BigDatasetGAN, Figure 11), from files of tools/test.py."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.leaderboard.compared_results import read_compared
from mmbdg.leaderboard.drawing import drawing, shown
from mmbdg.leaderboard.result_files import METRIC, Measured
from mmbdg.paths import check_regular, inside
from mmbdg.reading import read_arrays
from mmbdg.schema import OpenSchema, PlainName, validated

OTHER = (255, 255, 255)
"""Colour of pixels that do not count."""
MOST_IMAGES, MOST_RESULTS = 50, 20
"""Largest numbers of rows and of columns with predictions."""


class _Image(OpenSchema):
    image: int
    name: str | None


class _Predictions(OpenSchema):
    file: PlainName
    sha256: str
    images: list[_Image]


class ShownImage(NamedTuple):
    """An image of the figure.

    Args:
        number: Number of the image in the test set.
        name: Class of the image; None if the test set does not tell it.
        image: RGB image, uint8 (H,W,3).
        truth: True mask, integer (H,W).
        predicted: Predicted mask of each result, integer (H,W).
    """

    number: int
    name: str | None
    image: np.ndarray
    truth: np.ndarray
    predicted: list[np.ndarray]


class Predictions(NamedTuple):
    """Content of the figure.

    Args:
        titles: Title of each result.
        results: For each result ``file``, ``config``, ``checkpoint_sha256``, ``seed`` and ``mIoU`` (percent, over the whole test set).
        labels: Names of the labels.
        palette: Colours of the labels, uint8 (C,3).
        images: The images.
    """

    titles: list[str]
    results: list[dict[str, Any]]
    labels: list[str]
    palette: np.ndarray
    images: list[ShownImage]

    def numbers(self) -> dict[str, Any]:
        """What the figure shows as JSON content; ``right`` is the percentage of counted pixels that each result predicts right."""
        results = [dict(title=title, **result) for title, result in zip(self.titles, self.results, strict=True)]
        images = [
            dict(image=one.number, name=one.name, right=[self._right(one.truth, mask) for mask in one.predicted]) for one in self.images
        ]
        return dict(results=results, labels=self.labels, images=images)

    def _right(self, truth: np.ndarray, predicted: np.ndarray) -> float | None:
        counted = _counted(truth, self.labels)
        return round(100 * float((truth == predicted)[counted].mean()), 4) if counted.any() else None


def _counted(mask: np.ndarray, labels: list[str]) -> np.ndarray:
    return (mask >= 0) & (mask < len(labels))


def read_predictions(files: Sequence[str | os.PathLike], images: Sequence[int] = (), titles: Sequence[str] = ()) -> Predictions:
    """Read the saved predictions of results.

    Args:
        files: Files of tools/test.py with ``--save-predictions``; the file of predictions lies beside each.
        images: Numbers of the images in the test set. Default: all that every result has saved.
        titles: Title of each result. Default: name of the folder of its file, or the path if two folders have the same name.

    Raises:
        InputError: See :func:`mmbdg.leaderboard.compared_results.read_compared`; or a result has no predictions, lacks an image, its file
            of predictions is missing, changed, damaged or of another test set, or the number of titles is wrong.
    """
    results = read_compared(files)
    if titles and len(titles) != len(results):
        raise InputError(f'--titles needs one title for each of the {len(results)} results, got {len(titles)}')
    saved = [_saved(file, result) for file, result in results]
    numbers = _numbers([file for file, _ in results], saved, images)
    arrays = [_arrays(file, predictions, numbers) for (file, _), predictions in zip(results, saved, strict=True)]
    labels, palette = results[0][1].test_set.labels, arrays[0]['palette']
    names = {one.image: one.name for one in saved[0].images}
    found_images = []
    for (file, _), found in zip(results, arrays, strict=True):
        _check_arrays(file, found, numbers, labels)
        if different := [number for number in numbers if not np.array_equal(found[f'truth_{number}'], arrays[0][f'truth_{number}'])]:
            raise InputError(
                f'{file} and {results[0][0]}: image {different[0]} has different true masks; these are predictions of different test sets'
            )
    for number in numbers:
        predicted = [found[f'predicted_{number}'] for found in arrays]
        found_images.append(ShownImage(number, names[number], arrays[0][f'image_{number}'], arrays[0][f'truth_{number}'], predicted))
    about = [
        dict(file=file, config=one.config, checkpoint_sha256=one.checkpoint_sha256, seed=one.seed, mIoU=float(one.metrics[METRIC]))
        for file, one in results
    ]
    return Predictions(list(titles) or _titles([file for file, _ in results]), about, labels, palette, found_images)


def _saved(file: str, result: Measured) -> _Predictions:
    content = (result.model_extra or {}).get('predictions')
    if not content:
        raise InputError(f'{file} has no predictions: run tools/test.py again with --save-predictions')
    return _Predictions.model_validate(validated(_Predictions, content, f'{file}, predictions,'), strict=True)


def _numbers(files: list[str], saved: list[_Predictions], wanted: Sequence[int]) -> list[int]:
    known = [[one.image for one in predictions.images] for predictions in saved]
    common = set(known[0]).intersection(*known)
    numbers = list(dict.fromkeys(wanted or (number for number in known[0] if number in common)))
    if not numbers:
        raise InputError(f'{", ".join(files)} have no image in common: run tools/test.py with --save-predictions and the same numbers')
    if len(numbers) > MOST_IMAGES or len(files) > MOST_RESULTS:
        raise InputError(
            f'{len(numbers):,} images of {len(files)} results: a figure shows at most {MOST_IMAGES} images of {MOST_RESULTS} results; '
            'choose some with --images'
        )
    for file, some in zip(files, known, strict=True):
        if lacking := [number for number in numbers if number not in some]:
            raise InputError(
                f'{file} has no prediction of image {lacking[0]}; it has those of {", ".join(map(str, some[:30]))}: '
                'run tools/test.py with --save-predictions and the numbers of the images'
            )
    return numbers


def _arrays(file: str, predictions: _Predictions, numbers: list[int]) -> dict[str, np.ndarray]:
    path = inside(Path(file).parent, predictions.file, source=file)
    check_regular(path)
    if sha256(path) != predictions.sha256:
        raise InputError(f'{path} is not the file that {file} was written with: its SHA-256 differs. Run tools/test.py again')
    return read_arrays(path, ['palette', *(f'{kind}_{number}' for number in numbers for kind in ('image', 'truth', 'predicted'))])


def _check_arrays(file: str, arrays: dict[str, np.ndarray], numbers: list[int], labels: list[str]) -> None:
    if arrays['palette'].shape != (len(labels), 3) or arrays['palette'].dtype != np.uint8:
        raise InputError(f'{file}: its predictions have no colour for each of the {len(labels)} labels')
    for number in numbers:
        image, truth, predicted = (arrays[f'{kind}_{number}'] for kind in ('image', 'truth', 'predicted'))
        masks = truth.ndim == 2 and truth.shape == predicted.shape and truth.dtype.kind in 'iu' and predicted.dtype.kind in 'iu'
        if not masks or image.shape != (*truth.shape, 3) or image.dtype != np.uint8:
            raise InputError(
                f'{file}: image {number} of its predictions and its masks do not have the same size, or are no image and masks'
            )
        if not _counted(predicted, labels).all():
            raise InputError(f'{file}: the prediction of image {number} has labels that are not among the {len(labels)} of the test set')


def _titles(files: list[str]) -> list[str]:
    folders = [Path(file).resolve().parent.name for file in files]
    return folders if len(set(folders)) == len(folders) else files


def draw_predictions(predictions: Predictions, path: Path) -> None:
    """Write a PNG file: a row for each image with image, true mask and predicted masks, and the colours of the labels in them.

    Args:
        predictions: Result of :func:`read_predictions`.
        path: PNG file to write.
    """
    from matplotlib.patches import Patch

    scores = [f'{shown(title)}\n{METRIC} {one["mIoU"]:.1f}' for title, one in zip(predictions.titles, predictions.results, strict=True)]
    heads, labels = ['image', 'true mask', *scores], predictions.labels
    rows, columns = len(predictions.images), len(heads)
    with drawing(path, 1.4 * columns + 0.6, 1.4 * rows + 1) as figure:
        every = figure.subplots(rows, columns, squeeze=False)
        for axes, head in zip(every[0], heads, strict=True):
            axes.set_title(head, fontsize=8)
        for places, one in zip(every, predictions.images, strict=True):
            pictures = [one.image, *(_coloured(mask, predictions) for mask in (one.truth, *one.predicted))]
            for axes, picture in zip(places, pictures, strict=True):
                axes.imshow(picture, interpolation='nearest')
                axes.set(xticks=[], yticks=[])
            places[0].set_ylabel(f'{shown(one.name)}\n({one.number})' if one.name else f'image {one.number}', fontsize=8)
        masks = [mask for one in predictions.images for mask in (one.truth, *one.predicted)]
        there = sorted({int(label) for mask in masks for label in np.unique(mask[_counted(mask, labels)])})
        colours = [(shown(labels[label]), predictions.palette[label] / 255) for label in there]
        if not all(_counted(mask, labels).all() for mask in masks):
            colours.append(('not counted', np.divide(OTHER, 255)))
        patches = [Patch(facecolor=colour, edgecolor='grey', label=label) for label, colour in colours]
        figure.legend(handles=patches, loc='outside lower center', ncols=min(len(patches), max(2, columns)), fontsize=8)


def _coloured(mask: np.ndarray, predictions: Predictions) -> np.ndarray:
    """Mask as a picture, uint8 (H,W,3)."""
    picture, counted = np.full((*mask.shape, 3), OTHER, np.uint8), _counted(mask, predictions.labels)
    picture[counted] = predictions.palette[mask[counted]]
    return picture
