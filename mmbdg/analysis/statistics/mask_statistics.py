"""The mask columns of Table 1 for a set of labelled images: one pass over all masks, then means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.statistics.mask_columns import (
    MIN_PIXELS,
    box_ratio,
    components,
    foreground,
    instance_count,
    mask_box_ratio,
    mask_ratio,
    tight_box,
)
from mmbdg.analysis.statistics.mask_outline import mask_outline, polygon_length, resample, shape_complexity, unit_box
from mmbdg.analysis.statistics.mean_shapes import crop_to_box
from mmbdg.analysis.statistics.ordered_map import ordered_map
from mmbdg.analysis.statistics.shape_diversity import diversity_of_class
from mmbdg.errors import InputError

COLUMNS = ('IN', 'MI', 'BI', 'MB', 'PL', 'SC')
"""Columns of Table 1 with one value per image. SD has one value per class."""
OUTLINE_POINTS = 128
"""Points of an outline for SD. The value of SD depends on this number, and the paper does not state it."""
CROP_SIZE = 32


@dataclass(frozen=True)
class MaskStatistics:
    """Result of :func:`mask_statistics` for N samples, in the order of the set. It needs 2.1 KB per sample.

    Attributes:
        classes: Names of the image classes.
        class_ids: Class ids, int32 (N,); -1 for an image without a class.
        columns: Values of each of :data:`COLUMNS` and of ``uncertainty``, float32 (N,); NaN where undefined.
        outlines: Outlines of the largest components in their unit boxes, float32 (N,128,2); NaN without foreground.
        crops: Foregrounds in their tight boxes, uint8 (N,32,32), see :func:`~mmbdg.analysis.statistics.mean_shapes.crop_to_box`.
        has_masks: Whether there are masks. Without them all values are undefined. Default: True.
    """

    classes: tuple[str, ...]
    class_ids: np.ndarray
    columns: dict[str, np.ndarray]
    outlines: np.ndarray
    crops: np.ndarray
    has_masks: bool = True

    def __len__(self) -> int:
        return len(self.class_ids)

    @property
    def has_foreground(self) -> np.ndarray:
        """Whether a mask has foreground, bool (N,)."""
        return self.columns['MI'] > 0

    def groups(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and indices, int64 (n,), of each class with images. Without classes: one group '' with all images."""
        if not self.classes:
            yield '', np.arange(len(self))
        for class_id in np.unique(self.class_ids[self.class_ids >= 0]) if self.classes else ():
            yield self.classes[class_id], np.flatnonzero(self.class_ids == class_id)


def mask_statistics(images: LabelledImages, processes: int = 1, min_pixels: int = MIN_PIXELS, progress: bool = True) -> MaskStatistics:
    """Measure every mask. Images are not read. For a set without masks, only classes are known.

    IN, MI, BI, MB and the crops describe the whole foreground. PL, SC and the outlines describe its largest component. Memory grows by
    2.1 KB per sample (an outline and a crop of 1 KiB each): 210 MB for 100,000 samples.

    Args:
        images: Labelled images whose masks are measured.
        processes: Number of worker processes. The result does not depend on it. Default: 1.
        min_pixels: Minimum size of a component that counts as an instance, in pixels. Default: :data:`MIN_PIXELS`.
        progress: Whether to show a progress bar. Default: True.

    Raises:
        InputError: There are no images, a mask cannot be read, or a package is missing.
    """
    n = len(images)
    if not n:
        raise InputError(f'{images.name} contains no images')
    values = np.full((len(COLUMNS), n), np.nan, np.float32)
    outlines = np.full((n, OUTLINE_POINTS, 2), np.nan, np.float32)
    crops = np.zeros((n, CROP_SIZE, CROP_SIZE), np.uint8)
    measure = partial(_measured_sample, images, min_pixels)
    measured = ordered_map(measure, n, processes, 'masks' if progress else '') if images.has_masks else ()
    for i, (row, outline, crop) in enumerate(measured):
        values[:, i] = row
        crops[i] = crop
        if outline is not None:
            outlines[i] = outline
    known = [images.class_of(i) for i in range(n)], [images.uncertainty_of(i) for i in range(n)]
    class_ids = np.array([-1 if class_id is None else class_id for class_id in known[0]], np.int32)
    uncertainty = np.array([np.nan if value is None else value for value in known[1]], np.float32)
    columns = dict(zip(COLUMNS, values, strict=True), uncertainty=uncertainty)
    return MaskStatistics(images.classes, class_ids, columns, outlines, crops, images.has_masks)


def measure_mask(
    mask: np.ndarray, ignore: int = 255, min_pixels: int = MIN_PIXELS
) -> tuple[dict[str, float], np.ndarray | None, np.ndarray]:
    """Measure one mask.

    Args:
        mask: Label ids, integer (H,W).
        ignore: Id of ignored pixels. Default: 255.
        min_pixels: Minimum size of a component that counts as an instance, in pixels. Default: :data:`MIN_PIXELS`.

    Returns:
        Three values: :data:`COLUMNS` by name; the outline of the largest component in its unit box, float64 (128,2), or None without
        foreground; the crop, uint8 (32,32).
    """
    inside = foreground(mask, ignore)
    found = components(inside[tight_box(inside) or ...])  # the tight box only saves time
    row = dict(
        IN=instance_count(found, min_pixels),
        MI=mask_ratio(inside),
        BI=box_ratio(inside),
        MB=mask_box_ratio(inside),
        PL=float('nan'),
        SC=float('nan'),
    )
    outline = None
    if len(found.sizes):
        polygon = unit_box(mask_outline(found.largest()))
        row |= dict(PL=polygon_length(polygon), SC=shape_complexity(polygon))
        outline = resample(polygon, OUTLINE_POINTS)
    return row, outline, crop_to_box(inside, CROP_SIZE)


def _measured_sample(images: LabelledImages, min_pixels: int, i: int) -> tuple[list[float], np.ndarray | None, np.ndarray]:
    mask = images.mask(i)
    if mask.ndim != 2 or mask.dtype.kind not in 'iu':
        raise InputError(f'the mask of {images.title(i)} in {images.name} is {mask.dtype} {mask.shape}, not integer (H,W)')
    row, outline, crop = measure_mask(mask, images.ignore, min_pixels)
    return [row[name] for name in COLUMNS], None if outline is None else outline.astype(np.float32), crop


def shape_diversity(statistics: MaskStatistics, seed: int = 0, processes: int = 1, progress: bool = True) -> dict[str, float]:
    """SD of each class, see :func:`~mmbdg.analysis.statistics.shape_diversity.diversity_of_class`.

    Args:
        statistics: Statistics of the masks.
        seed: Seed of the choice of pairs in classes with more than 100 images. Default: 0.
        processes: Number of worker processes. The result does not depend on it. Default: 1.
        progress: Whether to show a progress bar. Default: True.

    Returns:
        SD by class name ('' if the images have no classes); NaN for a class with fewer than two outlines.
    """
    groups = [(name, chosen[statistics.has_foreground[chosen]]) for name, chosen in statistics.groups()]
    diversity = partial(_diversity_of_group, statistics.outlines, groups, seed)
    found = ordered_map(diversity, len(groups), processes, 'shape diversity' if progress else '')
    return {name: value for (name, _), value in zip(groups, found, strict=True)}


def _diversity_of_group(outlines: np.ndarray, groups: Sequence[tuple[str, np.ndarray]], seed: int, g: int) -> float:
    name, chosen = groups[g]
    return diversity_of_class(outlines[chosen], seed, name)


def summary(statistics: MaskStatistics, seed: int = 0, processes: int = 1, progress: bool = True) -> dict[str, Any]:
    """Rows of Table 1 for the set and for each class, JSON values: ``{'all': ROW, 'classes': {name: ROW}}``.

    A ROW contains:

    - ``n`` (images) and ``without_foreground`` (images without foreground; None if there are no masks);
    - means of IN, MI and BI over all images (0 without foreground);
    - means of MB, PL and SC over the images with foreground;
    - the mean of ``uncertainty`` over the images where it is known;
    - SD of the class; in 'all' the mean of SD over classes.

    A value is None if there is nothing to average.

    Args:
        statistics, seed, processes, progress: See :func:`shape_diversity`.
    """
    diversity = shape_diversity(statistics, seed, processes, progress)
    rows = {name: _row(statistics, chosen) | dict(SD=_number(diversity[name])) for name, chosen in statistics.groups()}
    defined = [value for value in diversity.values() if not np.isnan(value)]
    everything = _row(statistics, np.arange(len(statistics))) | dict(SD=float(np.mean(defined)) if defined else None)
    return dict(all=everything, classes=rows if statistics.classes else {})


def _row(statistics: MaskStatistics, chosen: np.ndarray) -> dict[str, Any]:
    means = {}
    for name, column in statistics.columns.items():
        values = column[chosen].astype(np.float64)
        values = values[~np.isnan(values)]
        means[name] = _number(values.mean()) if len(values) else None
    without = int((~statistics.has_foreground[chosen]).sum()) if statistics.has_masks else None
    return dict(n=len(chosen), without_foreground=without, **means)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
