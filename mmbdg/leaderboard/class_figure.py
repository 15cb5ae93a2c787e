"""Best and worst classes of a segmentor beside their classification accuracy (BigDatasetGAN, Figure 7), from files of tools/test.py."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from mmbdg.confidence import half_width
from mmbdg.errors import InputError
from mmbdg.leaderboard.compared_results import read_compared, seed_of
from mmbdg.leaderboard.drawing import drawing, shown
from mmbdg.leaderboard.result_files import Measured
from mmbdg.leaderboard.scores_by_class import BACKGROUND, ClassAccuracy, ClassIoU, Percent
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, validated

NUMBER = 5
"""Number of best and of worst classes, if there are at least twice as many."""
MOST = 100
"""Largest number of best and of worst classes in a figure."""


class _Segmentor(OpenSchema):
    per_label: dict[str, Percent | None] | None
    per_class: dict[str, ClassIoU] | None


class _Classifier(OpenSchema):
    config: str
    checkpoint_sha256: str
    per_class: dict[str, ClassAccuracy]


def class_scores(
    files: Sequence[str | os.PathLike], classifier: str | os.PathLike | None = None, number: int | None = None
) -> dict[str, Any]:
    """Classes of a segmentor from the best to the worst IoU, averaged over seeds.

    Of a segmentor with two labels (FG/BG), the IoU of a class is the mean IoU of both labels over the images of the class; of one with more
    labels, it is that of the label, and the background is left out.

    Args:
        files: Files of tools/test.py, of one training with several seeds.
        classifier: File of tools/test.py of a classifier; default None: no accuracy.
        number: Number of best and of worst classes. Default: :data:`NUMBER`, or half of the classes if there are fewer.

    Returns:
        ``config``, ``seeds``, ``test_set``; ``figures_by`` ("images of the class" or "label"); ``best`` and ``worst``: names, from the
        best and from the worst on; ``classes``, from the best to the worst: ``name``, ``IoU`` (percent, one for each seed), ``mean``,
        ``half_width`` (95 % interval, None for one seed), ``images`` (None for labels), ``accuracy`` (percent, None without a classifier);
        ``left_out``: labels that one of the results neither contains nor predicts; ``classifier``: its ``config``, ``checkpoint_sha256``
        and ``rank_correlation`` (Spearman's, of mean IoU and accuracy over all classes; None if one of them is constant), or None.

    Raises:
        InputError: See :func:`mmbdg.leaderboard.compared_results.read_compared`; or the results are of several trainings, a seed comes
            twice, a file has no figures by class, there are fewer than ``2 * number`` classes, or the classifier lacks a class.
    """
    results = read_compared(files)
    _check_one_training(results)
    figures = [_figures(file, result) for file, result in results]
    images = figures[0][1]
    for (file, _), (_, other) in zip(results, figures, strict=True):
        if other != images:
            raise InputError(f'{file} and {results[0][0]} have different classes or numbers of their images')
    left_out = [name for name in images if any(values[name] is None for values, _ in figures)]
    accuracy = _accuracy(classifier, [name for name in images if name not in left_out]) if classifier else None
    classes = []
    for name in (name for name in images if name not in left_out):
        values = [of_class[name] for of_class, _ in figures]
        found = dict(name=name, IoU=values, mean=mean(values), half_width=half_width(values), images=images[name])
        classes.append(found | dict(accuracy=accuracy.per_class[name].accuracy if accuracy else None))
    classes.sort(key=lambda one: -one['mean'])
    names, number = [one['name'] for one in classes], _number(len(classes), number)
    judged = accuracy and dict(
        config=accuracy.config, checkpoint_sha256=accuracy.checkpoint_sha256, rank_correlation=_rank_correlation(classes)
    )
    return dict(
        config=results[0][1].config,
        seeds=[result.seed for _, result in results],
        test_set=results[0][1].test_set.model_dump(),
        figures_by='label' if None in images.values() else 'images of the class',
        best=names[:number],
        worst=names[::-1][:number],
        classes=classes,
        left_out=left_out,
        classifier=judged,
    )


def _check_one_training(results: list[tuple[str, Measured]]) -> None:
    first_file, first = results[0]
    seeds: dict[int, str] = {}
    for file, result in results:
        for key, text in (('config', 'configs'), ('options', 'options'), ('training_set', 'training sets'), ('backbone', 'backbones')):
            if getattr(result, key, None) != getattr(first, key, None):
                raise InputError(f'{file} and {first_file} are of different {text}: give the seeds of one training')
        seed = seed_of(file, result)
        if seed in seeds:
            raise InputError(f'{file} and {seeds[seed]} are both of seed {seed}: give one of them')
        seeds[seed] = file


def _figures(file: str, result: Measured) -> tuple[dict[str, float | None], dict[str, int | None]]:
    """IoU and number of images by class; the number is None for labels."""
    extra = result.model_extra or {}
    if not {'per_label', 'per_class'} <= extra.keys():
        raise InputError(f'{file} has no figures by class: run tools/test.py again with this version')
    content = validated(_Segmentor, {key: extra[key] for key in ('per_label', 'per_class')}, file)
    if content['per_class']:
        found = _Segmentor.model_validate(content, strict=True).per_class
        return {name: one.mIoU for name, one in found.items()}, {name: one.images for name, one in found.items()}
    labels = {name: value for name, value in (content['per_label'] or {}).items() if name != BACKGROUND}
    if len(labels) < 2:
        raise InputError(f'{file} has no figures by class: it has a single label, and its test set does not tell the classes of its images')
    return labels, dict.fromkeys(labels)


def _accuracy(path: str | os.PathLike, wanted: list[str]) -> _Classifier:
    content = read_json(path)
    classes = content.get('per_class') if isinstance(content, dict) else None
    if not isinstance(classes, dict) or not all(isinstance(one, dict) and 'accuracy' in one for one in classes.values()):
        raise InputError(f'{path} has no accuracy by class: --classifier takes the file that tools/test.py writes for a classifier')
    found = _Classifier.model_validate(validated(_Classifier, content, str(path)), strict=True)
    if lacking := [name for name in wanted if name not in found.per_class]:
        more = f' and {len(lacking) - 5} more' if len(lacking) > 5 else ''
        raise InputError(
            f'{path}: the classifier was not tested on images of {", ".join(lacking[:5])}{more}; its classes: '
            f'{", ".join(list(found.per_class)[:10])}{", ..." if len(found.per_class) > 10 else ""}'
        )
    return found


def _number(classes: int, wanted: int | None) -> int:
    if wanted and wanted > MOST:
        raise InputError(f'--number {wanted:,}: a figure shows at most {MOST} best and {MOST} worst classes; its JSON file has all of them')
    if classes < 2 * (wanted or 1):
        raise InputError(f'there are {classes} classes with an IoU: too few for {wanted or 1} best and {wanted or 1} worst ones')
    return wanted or min(NUMBER, classes // 2)


def _rank_correlation(classes: list[dict[str, Any]]) -> float | None:
    means, accuracies = ([one[key] for one in classes] for key in ('mean', 'accuracy'))
    if len(set(means)) < 2 or len(set(accuracies)) < 2:
        return None
    from scipy.stats import spearmanr

    return round(float(spearmanr(means, accuracies).statistic), 4)


def draw_classes(scores: dict[str, Any], path: Path) -> None:
    """Write a PNG file: bars of IoU, and of accuracy if there is a classifier, of the best and the worst classes.

    Args:
        scores: Result of :func:`class_scores`.
        path: PNG file to write.
    """
    by_name, number, seeds = {one['name']: one for one in scores['classes']}, len(scores['best']), len(scores['seeds'])
    title = 'IoU of the label' if scores['figures_by'] == 'label' else 'mIoU on the images of the class'
    bars = [('mean', title, 'tab:blue')] + ([('accuracy', 'classification accuracy', 'tab:orange')] if scores['classifier'] else [])
    with drawing(path, 6.4, 1.8 + 0.6 * number) as figure:
        for axes, kind in zip(figure.subplots(2, 1, sharex=True), ('best', 'worst'), strict=True):
            classes, height = [by_name[name] for name in scores[kind]], 0.8 / len(bars)
            for place, (key, label, colour) in enumerate(bars):
                rows, values = [row + (place + 0.5) * height - 0.4 for row in range(number)], [one[key] for one in classes]
                errors = [one['half_width'] for one in classes] if key == 'mean' and seeds > 1 else None
                axes.barh(rows, values, height, xerr=errors, color=colour, capsize=3, label=label, error_kw=dict(linewidth=1))
                for row, value in zip(rows, values, strict=True):
                    axes.text(1, row, f'{value:.1f}', va='center', fontsize=7, color='white' if value > 8 else 'black')
            axes.set_yticks(range(number), [shown(name) for name in scores[kind]])
            axes.invert_yaxis()
            axes.set(xlim=(0, 100), title=f'{number} {kind} of {len(by_name)} classes')
            axes.grid(axis='x', alpha=0.3)
        axes.set_xlabel('%' + (f', mean over {seeds} seeds with 95 % interval' if seeds > 1 else ''))
        figure.legend(*axes.get_legend_handles_labels(), loc='outside lower center', ncols=2)
