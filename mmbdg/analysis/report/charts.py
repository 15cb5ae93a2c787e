"""Histograms, counted and drawn as inline SVG that needs nothing from outside."""

from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HEIGHT = 330, 190
LEFT, RIGHT, TOP, BOTTOM = 36, 10, 10, 30
COLOURS = ('#3f6fb5', '#d9822b')
"""Of the dataset (filled) and the reference (a line)."""


def shared_histogram(values: Sequence[np.ndarray], bins: int = 30, whole: bool = False, bounds: tuple[float, float] | None = None) -> dict:
    """Histograms of one quantity in several sets, over the same bins.

    Args:
        values: float (N,) each; NaN does not count.
        bins: How many.
        whole: The values are whole numbers; each from 0 on has a bin, four at least, and the last holds all that is larger.
        bounds: Of the bins; by default those between which 99 % of all values lie. What lies beyond counts in the outer bins.

    Returns:
        ``edges`` (bins + 1), and for each set ``shares`` (bins), parts of its samples, ``medians`` and ``n``; None where it has no values.
    """
    values = [np.asarray(v, np.float64)[np.isfinite(v)] for v in values]
    together = np.concatenate(values)
    if not len(together):
        return dict(edges=[], shares=[None] * len(values), medians=[None] * len(values), n=[0] * len(values))
    low, high = bounds or np.percentile(together, [0.5, 99.5])
    wholes = np.arange(min(max(np.ceil(high), 3), bins) + 2) - 0.5
    edges = wholes if whole else np.linspace(low, high if high > low else low + 1, bins + 1)
    clipped = [v.clip(edges[0], edges[-1]) for v in values]
    return dict(
        edges=edges.tolist(),
        shares=[(np.histogram(v, edges)[0] / len(v)).tolist() if len(v) else None for v in clipped],
        medians=[float(np.median(v)) if len(v) else None for v in values],
        n=[len(v) for v in values],
    )


def histogram_svg(histogram: dict, title: str, unit: str, whole: bool = False) -> str:
    """:func:`shared_histogram` as SVG: the first set filled, the second as a line, their medians as ticks at the top."""
    edges, shares = np.asarray(histogram['edges']), histogram['shares']
    top = max((max(share) for share in shares if share), default=0) or 1
    x = LEFT + (WIDTH - LEFT - RIGHT) * (edges - edges[0]) / (edges[-1] - edges[0])
    floor = HEIGHT - BOTTOM

    def y(share: float) -> float:
        return floor - (floor - TOP - 8) * share / top

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">']
    for tick in _ticks(0, 100 * top, 3):
        level = y(tick / 100)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{level + 3.5:.1f}" text-anchor="end">{tick:g}%</text>')
    for i, (share, colour) in enumerate(zip(shares, COLOURS, strict=False)):
        if not share:
            continue
        steps = ' '.join(f'L{a:.1f},{y(s):.1f} L{b:.1f},{y(s):.1f}' for a, b, s in zip(x, x[1:], share, strict=False))
        outline = f'M{x[0]:.1f},{floor} {steps} L{x[-1]:.1f},{floor}'
        style = f'fill="{colour}" fill-opacity="0.28" stroke="{colour}"' if i == 0 else f'fill="none" stroke="{colour}"'
        parts.append(f'<path d="{outline}" {style} stroke-width="1.4" stroke-linejoin="round"/>')
        median = x[0] + (x[-1] - x[0]) * (np.clip(histogram['medians'][i], edges[0], edges[-1]) - edges[0]) / (edges[-1] - edges[0])
        parts.append(f'<path d="M{median - 4:.1f},{TOP - 6} l8,0 l-4,7 z" fill="{colour}"/>')
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}" class="axis"/>')
    ticks = np.unique(np.round((edges[:-1] + edges[1:]) / 2)) if whole else _ticks(edges[0], edges[-1], 5)
    for tick in ticks[:: max(1, len(ticks) // 8)]:
        place = x[0] + (x[-1] - x[0]) * (tick - edges[0]) / (edges[-1] - edges[0])
        parts.append(f'<text x="{place:.1f}" y="{floor + 13}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}" text-anchor="middle" class="unit">{escape(unit)}</text></svg>')
    return ''.join(parts)


def _ticks(low: float, high: float, wanted: int) -> np.ndarray:
    """Round numbers in an interval, about as many as wanted."""
    rough = (high - low) / wanted
    step = 10.0 ** np.floor(np.log10(rough))
    step *= min((1, 2, 2.5, 5, 10), key=lambda factor: abs(factor * step - rough))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return (np.arange(first, last + 1) * step).round(10) + 0.0  # no -0
