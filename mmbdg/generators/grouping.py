"""Which features a feature interpreter reads at which resolution."""

from collections.abc import Sequence


def group_bounds(groups: Sequence[int] | str, resolution: int) -> tuple[int, ...]:
    """Upper resolution of each coarse-to-fine group.

    The published interpreter (for 512 px) has groups up to 32, 128 and 512 px. Two rules carry it to other resolutions R.

    Args:
        groups: 'relative' for R/16, R/4, R; 'absolute' for 32, 128, R; or the resolutions themselves.
        resolution: R.

    Raises:
        ValueError: There is no such rule.
    """
    if groups == 'relative':
        return resolution // 16, resolution // 4, resolution
    if groups == 'absolute':
        return tuple(sorted({min(bound, resolution) for bound in (32, 128, resolution)}))
    if isinstance(groups, str):
        raise ValueError(f"groups must be 'relative', 'absolute' or resolutions, got {groups!r}")
    return tuple(groups)


def group_taps(resolutions: Sequence[int], groups: Sequence[int] | str, resolution: int | None = None) -> list[tuple[int, list[int]]]:
    """Assign feature taps to coarse-to-fine groups.

    Args:
        resolutions: Of each tap, coarse to fine.
        groups: See :func:`group_bounds`; the last bound must not lie below the finest tap.
        resolution: R; default: the finest tap's.

    Returns:
        (resolution, indices of its taps) for each group that is not empty. A group's resolution is its upper bound.

    Raises:
        ValueError: A tap belongs to no group.
    """
    bounds = group_bounds(groups, resolution or max(resolutions))
    if list(bounds) != sorted(set(bounds)) or bounds[-1] < max(resolutions):
        raise ValueError(f'groups must ascend and reach the finest feature ({max(resolutions)} px), got {bounds}')
    assigned = []
    for lower, upper in zip([0, *bounds[:-1]], bounds, strict=True):
        taps = [i for i, r in enumerate(resolutions) if lower < r <= upper]
        if taps:
            assigned.append((upper, taps))
    return assigned
