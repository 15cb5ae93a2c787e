"""Analysis of a labelled dataset, with or without a reference: computes all numbers and chooses the samples to show."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from mmbdg.addressed import generator_at
from mmbdg.analysis.distances.distribution_distances import MIN_FRECHET, SUBSETS, Distances, distances
from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.distances.nearest import nearest, nearest_other
from mmbdg.analysis.distances.picture_features import KINDS, drawn, picture_features
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.report.charts import shared_histogram
from mmbdg.analysis.statistics import table1
from mmbdg.analysis.statistics.mask_columns import MIN_PIXELS
from mmbdg.analysis.statistics.mask_statistics import COLUMNS, MaskStatistics, mask_statistics, summary
from mmbdg.analysis.statistics.mean_shapes import MeanShapes, mean_shapes
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine

LEAST = 4
"""Minimum samples per side for a kernel distance of subsets (halves)."""
GALLERY, REFERENCE_GALLERY, EXTREMES, CLOSEST, DRAWN = 32, 16, 8, 6, 6
SHAPE_CLASSES = 12
BOUNDS = dict(MI=(0, 1), BI=(0, 1), MB=(0, 1))


@dataclass(frozen=True)
class ReportSettings:
    """Settings of a report.

    Attributes:
        n: Samples per side for distances (paper: 5,000). If one side has fewer samples, that number is used. Default: 5000.
        seed: Seed of all random choices. Default: 0.
        min_pixels: Minimum size of a component that counts as an instance, in pixels. Default: :data:`MIN_PIXELS`.
        processes: Number of processes that measure masks. Default: 1.
        batch_size: Batch size of the feature network. Default: 32.
        device: Device of the feature network. Default: 'cpu'.
    """

    n: int = 5000
    seed: int = 0
    min_pixels: int = MIN_PIXELS
    processes: int = 1
    batch_size: int = 32
    device: str = 'cpu'


@dataclass(frozen=True)
class Shown:
    """A sample that is shown: its index in the set and the text below it."""

    index: int
    caption: str
    note: str = ''


@dataclass
class Report:
    """Result of :func:`analyse`.

    Attributes:
        numbers: Content of report.json.
        images, reference: Analysed dataset and its reference.
        gallery, reference_gallery: Samples of the dataset and of the reference.
        certain, uncertain: Samples with the lowest and with the highest uncertainty of the ensemble.
        nearest: Pairs of a sample and its nearest reference image: first the closest pairs, then randomly drawn samples.
        shapes: Name, mean shapes of the dataset and mean shapes of the reference (None if it has no such class) for some classes.
    """

    numbers: dict[str, Any]
    images: LabelledImages
    reference: LabelledImages | None
    gallery: list[Shown] = field(default_factory=list)
    reference_gallery: list[Shown] = field(default_factory=list)
    certain: list[Shown] = field(default_factory=list)
    uncertain: list[Shown] = field(default_factory=list)
    nearest: list[tuple[Shown, Shown]] = field(default_factory=list)
    shapes: list[tuple[str, MeanShapes, MeanShapes | None]] = field(default_factory=list)


def analyse(
    images: LabelledImages,
    reference: LabelledImages | None = None,
    network: FeatureNetwork | None = None,
    settings: ReportSettings = ReportSettings(),
    progress: bool = True,
) -> Report:
    """Analyse a dataset: Table 1, histograms, mean shapes, acceptance rates, nearest reference images.

    Memory grows with the number of masks, see :func:`~mmbdg.analysis.statistics.mask_statistics.mask_statistics`, and by 24 bytes for each
    feature of each of ``settings.n`` samples (three kinds of images, two sides). Images are read one batch at a time.

    Args:
        images: Dataset to analyse.
        reference: Reference dataset. Default: None, no comparison.
        network: Feature network for distances to the reference. Default: None, no distances.
        settings: Settings of the report.
        progress: Whether to show progress bars. Default: True.

    Raises:
        InputError: A dataset has too few samples, or no mask has foreground. The number of samples is checked before the long
            computations.
    """
    seconds: dict[str, float] = {}
    sides = dict(dataset=images) | (dict(reference=reference) if reference is not None else {})
    for side in sides.values():
        _check(side, LEAST if reference is not None and network is not None else 1)
    statistics, means = {}, {}
    for key, side in sides.items():
        with _timed(seconds, f'masks_{key}'):
            statistics[key] = mask_statistics(side, settings.processes, settings.min_pixels, progress)
            means[key] = summary(statistics[key], settings.seed, settings.processes, progress)
        if side.has_masks and not statistics[key].has_foreground.any():
            raise InputError(f'{side.name}: none of {len(side)} masks has any foreground; check that these are the right masks')
    report = Report({}, images, reference)
    found = None
    if reference is not None and network is not None:
        with _timed(seconds, 'features'):
            chosen, features = _features(sides, network, settings, progress)
        with _timed(seconds, 'distances'):
            found = _distances(features, settings, progress)
        with _timed(seconds, 'nearest'):
            numbers_nearest = _nearest(report, chosen, features, statistics, settings)
    with _timed(seconds, 'mean_shapes'):
        report.shapes = _shapes(statistics, settings)
    report.gallery = _gallery(images, statistics['dataset'], GALLERY, settings.seed)
    if reference is not None:
        report.reference_gallery = _gallery(reference, statistics['reference'], REFERENCE_GALLERY, settings.seed)
    report.certain, report.uncertain = _extremes(images, statistics['dataset'])
    rows = [table1.row(images.name, means['dataset']['all'], found)]
    if reference is not None:
        rows.append(table1.reference_row(reference.name, means['reference']['all'], network is not None))
    report.numbers |= dict(
        dataset=_described(images),
        reference=_described(reference) if reference is not None else None,
        table1=rows,
        distances=dict(
            network=network.name,
            origin=network.origin,
            frechet=network.frechet,
            kernel=network.kernel,
            n=found['images'].n,
            n_wanted=settings.n,
            least_for_frechet=MIN_FRECHET,
            kernel_factor=1000,
            **{kind: asdict(value) for kind, value in found.items()},
        )
        if found
        else None,
        summary=means,
        classes=_classes(images, means),
        histograms=_histograms(statistics),
        mean_shapes={name: dict(shares=shapes.shares) for name, shapes, _ in report.shapes},
        certain=[dict(sample=images.title(shown.index), note=shown.note) for shown in report.certain],
        uncertain=[dict(sample=images.title(shown.index), note=shown.note) for shown in report.uncertain],
        nearest=numbers_nearest if found else None,
        settings=asdict(settings),
        machine=describe_machine(torch.device(settings.device)),
        seconds={name: round(value, 2) for name, value in seconds.items()},
    )
    return report


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def _check(images: LabelledImages, least: int) -> None:
    if len(images) < least:
        raise InputError(f'{images.name} has {len(images)} images; at least {least} are needed')
    if not images.has_masks:
        images.image(0)
        return
    image, mask = images.image(0), images.mask(0)
    if image.shape[:2] != mask.shape:
        raise InputError(f'{images.name}: the first image has the shape {image.shape[:2]}, its mask {mask.shape}; they must be equal')


def _described(images: LabelledImages) -> dict:
    return dict(
        name=images.name,
        n=len(images),
        labels=images.labels,
        classes=images.classes,
        ignore=images.ignore,
        facts=images.facts,
    )


def _features(
    sides: dict[str, LabelledImages], network: FeatureNetwork, settings: ReportSettings, progress: bool
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """The same number of randomly drawn samples of each side, and their features."""
    from tqdm import tqdm

    n = min(settings.n, *map(len, sides.values()))
    kinds = KINDS if all(side.has_masks for side in sides.values()) else ('images',)
    chosen = {key: drawn(len(side), n, 'distances', settings.seed, key) for key, side in sides.items()}
    with tqdm(total=2 * n, desc=f'features by {network.name}', unit='sample', disable=not progress) as bar:
        features = {
            key: picture_features(side, chosen[key], network, settings.device, settings.batch_size, bar.update, kinds)
            for key, side in sides.items()
        }
    return chosen, features


def _distances(features: dict[str, dict[str, np.ndarray]], settings: ReportSettings, progress: bool) -> dict[str, Distances]:
    from tqdm import tqdm

    own, other = features['dataset'], features['reference']
    with tqdm(total=len(own) * SUBSETS, desc='distances', unit='subset', disable=not progress) as bar:
        return {kind: distances(own[kind], other[kind], settings.seed, lambda: bar.update()) for kind in own}


def _nearest(
    report: Report,
    chosen: dict[str, np.ndarray],
    features: dict[str, dict[str, np.ndarray]],
    statistics: dict[str, MaskStatistics],
    settings: ReportSettings,
) -> dict:
    """Nearest reference image of each sample. The yardstick is the distance of a reference image to its nearest other reference image."""
    found = nearest(features['dataset']['images'], features['reference']['images'])
    yardstick = nearest_other(features['reference']['images']).distance
    median = float(np.median(yardstick))
    order = np.argsort(found.distance, kind='stable')
    _, first = np.unique(found.index[order], return_index=True)  # the closest sample of each reference image
    closest = order[np.sort(first)[:CLOSEST]].tolist()
    others = np.setdiff1d(order, closest)
    some = generator_at('nearest', settings.seed).permutation(others)[:DRAWN].tolist()
    rows = []
    for kind, i in [('closest', i) for i in closest] + [('drawn', i) for i in some]:
        sample, other = int(chosen['dataset'][i]), int(chosen['reference'][found.index[i]])
        distance = float(found.distance[i])
        ratio = distance / median if median else float('inf')
        report.nearest.append(
            (
                Shown(sample, _class_name(statistics['dataset'], sample), f'{distance:.3g} · {ratio:.2f} × yardstick'),
                Shown(other, _class_name(statistics['reference'], other), report.reference.title(other)),
            )
        )
        rows.append(dict(choice=kind, sample=report.images.title(sample), nearest=report.reference.title(other), distance=distance))
    return dict(
        among=len(yardstick),
        yardstick='median distance of a reference image to the nearest other reference image',
        yardstick_median=median,
        median=float(np.median(found.distance)),
        smallest=float(found.distance.min()),
        below_half_the_yardstick=int((found.distance < median / 2).sum()),
        reference_below_half_the_yardstick=int((yardstick < median / 2).sum()),
        histogram=shared_histogram([found.distance, yardstick]),
        samples=rows,
    )


def _shapes(statistics: dict[str, MaskStatistics], settings: ReportSettings) -> list[tuple[str, MeanShapes, MeanShapes | None]]:
    def shapes(side: MaskStatistics, name: str, indices: np.ndarray) -> MeanShapes:
        return mean_shapes(side.crops[indices[side.has_foreground[indices]]], seed=settings.seed, address=name)

    groups = {name: indices for name, indices in statistics['dataset'].groups() if statistics['dataset'].has_foreground[indices].any()}
    others = dict(statistics['reference'].groups()) if 'reference' in statistics else {}
    found = []
    for name in _evenly(list(groups), SHAPE_CLASSES):
        other = shapes(statistics['reference'], name, others[name]) if name in others else None
        found.append((name, shapes(statistics['dataset'], name, groups[name]), other if other is not None and len(other.shares) else None))
    return found


def _gallery(images: LabelledImages, statistics: MaskStatistics, count: int, seed: int) -> list[Shown]:
    """The same number of samples of each class. If there are more classes than samples: one sample of evenly spaced classes."""
    groups = _evenly(list(statistics.groups()), count)
    samples = []
    for i, (name, indices) in enumerate(groups):
        share = (i + 1) * count // len(groups) - i * count // len(groups)
        samples += [Shown(int(indices[k]), name, images.title(int(indices[k]))) for k in drawn(len(indices), share, 'gallery', seed, name)]
    return samples


def _extremes(images: LabelledImages, statistics: MaskStatistics) -> tuple[list[Shown], list[Shown]]:
    """Samples with the lowest and with the highest uncertainty."""
    uncertainty = statistics.columns['uncertainty']
    order = np.argsort(uncertainty, kind='stable')[: np.isfinite(uncertainty).sum()]

    def shown(indices: np.ndarray) -> list[Shown]:
        return [Shown(int(i), _class_name(statistics, int(i)), f'{uncertainty[i]:.3g} nats') for i in indices]

    count = min(EXTREMES, len(order) // 2)
    return shown(order[:count]), shown(order[::-1][:count])


def _class_name(statistics: MaskStatistics, i: int) -> str:
    return statistics.classes[statistics.class_ids[i]] if statistics.class_ids[i] >= 0 else ''


def _evenly(things: Sequence, count: int) -> list:
    """At most ``count`` evenly spaced entries of a sequence, including the first."""
    return [things[i * len(things) // count] for i in range(count)] if len(things) > count else list(things)


def _classes(images: LabelledImages, means: dict[str, dict]) -> list[dict]:
    """Row of each class with the number of candidates after each filter.

    ``acceptance`` is the fraction of the candidates that passed all filters. It is None if the number of candidates is unknown.
    """
    filters = images.facts.get('filters') or {}
    others = means['reference']['classes'] if 'reference' in means else {}
    rows = []
    for name, row in means['dataset']['classes'].items():
        passed = dict(filters.get(name) or {})
        left = [value for key, value in passed.items() if key.startswith('after_') and value is not None]
        rows.append(
            dict(
                name=name,
                **row,
                reference_n=others[name]['n'] if name in others else 0 if others else None,
                filters=passed or None,
                acceptance=min(left) / passed['candidates'] if left and passed.get('candidates') else None,
            )
        )
    return rows


def _histograms(statistics: dict[str, MaskStatistics]) -> dict[str, dict]:
    found = {}
    for name in (*COLUMNS, 'uncertainty'):
        histogram = shared_histogram([side.columns[name] for side in statistics.values()], whole=name == 'IN', bounds=BOUNDS.get(name))
        if any(histogram['n']):
            found[name] = histogram
    return found
