"""Options of the layouts in which a dataset is shared."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mmbdg.analysis.statistics.mask_columns import MIN_PIXELS


class Options(NamedTuple):
    """Options of a layout.

    Attributes:
        min_pixels: Minimum size of an instance in pixels, for ``coco`` and ``yolo``.
        samples_per_shard: Number of samples in a tar file, for ``webdataset``.
        progress: Whether to show a progress bar.
    """

    min_pixels: int = MIN_PIXELS
    samples_per_shard: int = 1000
    progress: bool = False


def progress_bar(lines: Sequence, options: Options) -> Iterable:
    """Iterate over samples, with a progress bar if the options say so."""
    from tqdm import tqdm

    return tqdm(lines, unit='img', dynamic_ncols=True, disable=not options.progress)
