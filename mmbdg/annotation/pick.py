"""Selection of samples to annotate from many candidates of each class: the most diverse ones, or the most uncertain ones.

A selection is a list of indices for each class, so each sample keeps its address (class, index) under the seed.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator, to_pixels
from mmbdg.sources.labelled_generator import LabelledGenerator
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import Truncation, select_statistics

CANDIDATES = 10
"""Default number of candidates for each sample to annotate."""
COARSE = 16
"""Maximum resolution in pixels of the features that describe a sample: shape and pose, not texture."""
PIXELS_AT_ONCE = 2**19
SAME_IMAGE = 8
"""Maximum mean difference in grey levels of two runs of one generator (precision, rounding); two generators differ by far more."""


def diverse(
    generator: ClassConditionalGenerator,
    per_class: int,
    seed: int,
    truncation: Truncation | dict | float | None = None,
    candidates: int | None = None,
) -> list[list[int]]:
    """Select the samples that cover the candidates of their class best, measured with the generator's features.

    Args:
        generator: Generator in eval mode.
        per_class: Number of samples to select per class.
        seed, truncation: Seed and truncation of the latents.
        candidates: Number of candidates per class, with the indices 0 ... candidates - 1; None: 10 x ``per_class``.

    Returns:
        For each class ``per_class`` indices: first the most typical sample, then each time the one farthest from those selected before.

    Raises:
        InputError: There are fewer candidates than samples to select.
    """
    count = _checked(per_class, candidates)
    select_statistics(generator, truncation)
    picks = []
    for class_id, batches in _batches(generator.num_classes, count, generator.resolution):
        described = [describe(generator, seed, class_id, indices, truncation) for indices in batches]
        picks.append(farthest_points(standardised(described), per_class))
    return picks


def uncertain(labelled: LabelledGenerator, per_class: int, candidates: int | None = None) -> list[list[int]]:
    """Select the samples with the highest ensemble uncertainty, see :func:`mmbdg.interpreter.image_uncertainty`.

    Args:
        labelled: Labelled generator; load it with the seed and truncation of the sampling.
        per_class, candidates: See :func:`diverse`.

    Returns:
        For each class ``per_class`` indices, the most uncertain first. They include badly generated images, which nobody can label.

    Raises:
        InputError: There are fewer candidates than samples to select.
    """
    count = _checked(per_class, candidates)
    picks = []
    for class_id, batches in _batches(labelled.num_classes, count, labelled.resolution):
        doubts = torch.cat([labelled.label([class_id] * len(indices), indices).uncertainty.cpu() for indices in batches])
        picks.append(np.argsort(-doubts.numpy(), kind='stable')[:per_class].tolist())
    return picks


def check_same_generator(labelled: LabelledGenerator, generator: ClassConditionalGenerator, class_names: Sequence[str]) -> None:
    """Raise InputError unless a labelled generator contains this generator: compares sizes, classes, and the image at one address.

    Args:
        labelled: Labelled generator; its seed and truncation are used.
        generator: Generator in eval mode; its batch-norm statistics are set to those of the truncation.
        class_names: Name of each class.
    """
    for what in ('num_classes', 'latent_dim', 'resolution'):
        theirs, ours = getattr(labelled, what), getattr(generator, what)
        if theirs != ours:
            raise InputError(f"the labelled generator's {what} is {theirs}, this generator's is {ours}; use one made from this generator")
    if list(labelled.classes) != list(class_names):
        raise InputError(f"the labelled generator's classes are {list(labelled.classes)[:10]}, this generator's {list(class_names)[:10]}")
    select_statistics(generator, labelled.truncation)
    with torch.no_grad():
        ours = to_pixels(generator(*generator_inputs(generator, labelled.seed, [0], [0], labelled.truncation)))
    if (labelled.images([0], [0]).cpu().float() - ours.cpu().float()).abs().mean() > SAME_IMAGE:
        raise InputError('the labelled generator makes another picture at the same address: its generator has other weights than this one')


@torch.no_grad()
def describe(
    generator: ClassConditionalGenerator,
    seed: int,
    class_id: int,
    indices: Sequence[int],
    truncation: Truncation | dict | float | None = None,
) -> list[np.ndarray]:
    """Coarse features of N samples, averaged over the quarters of the image: for each tap float64 (N,4C)."""
    _, features = generator.forward_features(*generator_inputs(generator, seed, [class_id] * len(indices), indices, truncation))
    finest = max(COARSE, min(info.resolution for info in generator.feature_info))
    return [_quarters(f) for f, info in zip(features, generator.feature_info, strict=True) if info.resolution <= finest]


def standardised(batches: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Concatenate descriptions to points, float64 (N,D): each column has mean 0 and standard deviation 1, each tap the same weight.

    Args:
        batches: Results of :func:`describe` for consecutive batches.
    """
    points = []
    for tap in zip(*batches, strict=True):
        columns = np.concatenate(tap)
        columns = columns - columns.mean(0)
        deviation = columns.std(0)
        points.append(columns / np.where(deviation > 0, deviation, 1) / np.sqrt(columns.shape[1]))
    return np.concatenate(points, axis=1)


def farthest_points(points: np.ndarray, count: int) -> list[int]:
    """Greedy k-centre selection (Gonzalez 1985); its largest distance to a selected point is at most twice the optimum.

    Args:
        points: Points, float (N,D).
        count: Number of points to select, 1..N.

    Returns:
        Indices of different rows: first the one nearest to the mean, then each time the one farthest from those selected; ties: the first.
    """
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmin())]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
        nearest[chosen] = -1  # duplicates of a selected point have distance 0 and may be selected last; the point itself must not
        chosen.append(int(nearest.argmax()))
    return chosen


def _checked(per_class: int, candidates: int | None) -> int:
    count = CANDIDATES * per_class if candidates is None else candidates
    if not 1 <= per_class <= count:
        raise InputError(f'there must be at least as many candidates as samples to pick, got {per_class} from {count}')
    return count


def _batches(num_classes: int, count: int, resolution: int) -> Iterator[tuple[int, list[range]]]:
    from tqdm import tqdm

    size = max(1, min(32, PIXELS_AT_ONCE // resolution**2))
    for class_id in tqdm(range(num_classes), unit='class', desc=f'{count} candidates each', dynamic_ncols=True):
        yield class_id, [range(start, min(start + size, count)) for start in range(0, count, size)]


def _quarters(features: Tensor) -> np.ndarray:
    side = min(2, features.shape[2])
    return torch.nn.functional.adaptive_avg_pool2d(features.float(), side).flatten(1).double().cpu().numpy()
