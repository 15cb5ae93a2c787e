"""Histograms, counted by numpy and drawn by matplotlib as inline SVG that loads nothing."""

import re
from collections.abc import Sequence
from html import escape
from io import StringIO

import numpy as np

SIZE = (3.3, 1.9)
"""Width and height of a chart in inches; the page scales it."""
COLOURS = ('#3f6fb5', '#d9822b')
"""Colours of the dataset (filled) and of the reference (a line)."""
STYLE = {'svg.fonttype': 'none', 'svg.hashsalt': 'mmbdg', 'font.size': 7, 'axes.spines.top': False, 'axes.spines.right': False}
"""Text stays text instead of glyph outlines; a fixed salt makes the ids, and so the file, the same each time."""


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
    """Draw :func:`shared_histogram` as SVG: the first set filled, the second as a line, their medians as triangles at the top.

    Args:
        histogram: Result of :func:`shared_histogram`.
        title: Description of the chart for screen readers.
        unit: Text below the horizontal axis.
        whole: Whether the values are whole numbers; the ticks then are too. Default: False.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    edges = np.asarray(histogram['edges'])
    with matplotlib.rc_context(STYLE):
        figure = Figure(SIZE, layout='constrained')
        axes = figure.add_subplot()
        for i, (shares, median, colour) in enumerate(zip(histogram['shares'], histogram['medians'], COLOURS, strict=False)):
            if not shares:
                continue
            axes.stairs(shares, edges, fill=False, color=colour, linewidth=1.2, gid=f'set{i}', clip_on=False)
            if i == 0:
                axes.stairs(shares, edges, fill=True, color=colour, alpha=0.28, clip_on=False)
            place = np.clip(median, edges[0], edges[-1])
            axes.plot([place], [1.04], 'v', color=colour, markersize=4, transform=axes.get_xaxis_transform(), clip_on=False)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=whole))
        axes.grid(axis='y', linewidth=0.4, clip_on=False)
        axes.set_axisbelow(True)
        axes.set_xlabel(unit)
        file = StringIO()
        figure.savefig(file, format='svg', transparent=True, metadata=dict.fromkeys(('Date', 'Creator', 'Format', 'Type')))
    drawing = file.getvalue()
    # Inside of HTML a drawing has no head and no namespaces, and its ids are named without xlink.
    drawing = re.sub(r' xmlns(:xlink)?="[^"]*"', '', drawing[drawing.index('<svg') :]).replace('xlink:href="#', 'href="#')
    return drawing.replace('<svg', f'<svg role="img" aria-label="{escape(title, quote=True)}"', 1)
