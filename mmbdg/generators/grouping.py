"""Group the features of a generator by resolution (the paper's high, mid and low level groups) for a feature interpreter."""

from collections.abc import Sequence


def group_bounds(groups: Sequence[int] | str, resolution: int) -> tuple[int, ...]:
    """Upper resolution of each group, coarse to fine, in pixels.

    The published interpreter (for 512 px) has groups up to 32, 128 and 512 px. Two rules extend this to other resolutions R.

    Args:
        groups: Rule or upper resolutions: 'relative' for R/16, R/4, R; 'absolute' for 32, 128, R; or the resolutions themselves.
        resolution: Image resolution R in pixels.

    Raises:
        ValueError: The rule is unknown.
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
        resolutions: Resolution of each tap in pixels, coarse to fine.
        groups: Rule or upper resolutions, see :func:`group_bounds`; the last bound must not be below the finest tap.
        resolution: Image resolution R in pixels; default: that of the finest tap.

    Returns:
        (resolution, indices of its taps) for each group that has taps. The resolution of a group is its upper bound.

    Raises:
        ValueError: The bounds do not ascend, or a tap belongs to no group.
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
