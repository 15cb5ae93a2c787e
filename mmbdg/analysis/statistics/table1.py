"""Table 1 of the paper: its published rows, and rows of other datasets in the same format."""

from collections.abc import Sequence

from mmbdg.analysis.distances.distribution_distances import Distances
from mmbdg.analysis.distances.picture_features import KINDS

HEADS = dict(
    size='Size',
    IN='IN',
    MI='MI',
    BI='BI',
    MB='MB',
    masked_frechet='{frechet}, masked images',
    masked_kernel='{kernel}, masked images',
    images_frechet='{frechet}, images',
    images_kernel='{kernel}, images',
    labels_frechet='{frechet}, labels',
    labels_kernel='{kernel}, labels',
    PL='PL',
    SC='SC',
    SD='SD',
)
"""Columns and their titles, in the order of the paper. The columns "images" (without a mask) are not in the paper."""

MEANINGS = dict(
    IN='instances in an image: connected components of the foreground of at least {min_pixels} px',
    MI='mask area over image area',
    BI="area of the mask's tight box over image area",
    MB='mask area over area of its tight box',
    PL='length of the outline of the largest component, stretched to a width and height of 1',
    SC="points of that outline after Douglas and Peucker's simplification at 0.01",
    SD='mean pairwise Chamfer distance of outlines within a class, averaged over classes; not comparable with the figures of the paper, '
    'because the paper does not state the number of points of an outline',
)

DIGITS = dict(size=0, IN=2, MI=3, BI=3, MB=3, PL=2, SC=1, SD=2, U=3)

_MEASURED = ('size', 'IN', 'MI', 'BI', 'MB', 'masked_frechet', 'masked_kernel', 'labels_frechet', 'labels_kernel', 'PL', 'SC', 'SD')
PAPER = {
    name: dict(zip(_MEASURED, values, strict=True))
    for name, values in {
        'Real-annotated': ('8k', 1.91, 0.315, 0.501, 0.581, 0.0, 0.0, 0.0, 0.0, 3.89, 34.4, 7.98),
        'Synthetic-annotated': ('5k', 1.15, 0.314, 0.449, 0.665, 17.91, 1.84, 20.69, 6.33, 3.77, 28.1, 6.13),
        'BigGAN-sim': ('100k', 1.33, 0.261, 0.403, 0.606, 16.98, 1.17, 39.69, 22.37, 3.65, 33.9, 6.67),
        'VQGAN-sim': ('100k', 1.52, 0.375, 0.615, 0.583, 27.20, 11.32, 51.56, 32.04, 3.81, 30.8, 5.13),
    }.items()
}
"""Table 1 of BigDatasetGAN (Li et al., CVPR 2022), on ImageNet: FID-5k and KID-5k against Real-annotated. The text of the paper gives
other values for the images: 19.45 / 3.47 for BigGAN-sim and 21.21 / 11.10 for VQGAN-sim."""


def row(name: str, means: dict, distances: dict[str, Distances] | None) -> dict:
    """A row of Table 1.

    Args:
        name: Name of the dataset.
        means: ``summary(...)['all']`` of :mod:`mmbdg.analysis.statistics.mask_statistics`.
        distances: Distances to the reference for each kind of image that was compared. None: no reference.

    Returns:
        ``name`` and the keys of :data:`HEADS`; None where there is no value. Kernel distances are x 1000, averaged over subsets.
    """
    values = dict(name=name, size=means['n'], **{key: means[key] for key in ('IN', 'MI', 'BI', 'MB', 'PL', 'SC', 'SD')})
    for kind in KINDS:
        found = (distances or {}).get(kind)
        values[f'{kind}_frechet'] = found.frechet if found else None
        values[f'{kind}_kernel'] = found.kernel if found else None
    return values


def reference_row(name: str, means: dict, compared: bool) -> dict:
    """Row of the reference. As in the paper, its distance to itself is 0."""
    zeros = {f'{kind}_{which}': 0.0 for kind in KINDS for which in ('frechet', 'kernel')} if compared else {}
    return row(name, means, None) | zeros


def cell(key: str, value: float | str | None) -> str:
    """Formatted value of a table cell."""
    if value is None:
        return '–'
    if isinstance(value, str):
        return value
    digits = 3 if key.endswith('_frechet') and 0 < value < 10 else DIGITS.get(key, 2)
    return f'{value:,.{digits}f}'


def heads(frechet: str, kernel: str, keys: Sequence[str] = tuple(HEADS)) -> dict[str, str]:
    """Column titles with the names of the distances."""
    return {key: HEADS[key].format(frechet=frechet, kernel=kernel) for key in keys}
