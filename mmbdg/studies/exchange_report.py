"""Exchange rates as Markdown, JSON and a drawing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.confidence import CONFIDENCE
from mmbdg.leaderboard.drawing import drawing, shown
from mmbdg.markdown import markdown_table, plain_markdown
from mmbdg.studies.exchange_rate import Amount, Exchange, SizeCurve
from mmbdg.studies.plot import band
from mmbdg.studies.size_curves import Metric

Rates = Mapping[str, Sequence[Exchange]]
"""Exchanges by the name of the curve whose images replace those of the first curve."""


def as_json(curves: Sequence[SizeCurve], metric: Metric, rates: Rates) -> dict[str, Any]:
    """Curves with their fits, and all exchanges; amounts are not rounded."""
    return dict(
        metric=metric._asdict(),
        confidence=CONFIDENCE,
        curves=[
            dict(name=curve.name, sizes=curve.sizes.tolist(), seeds=list(curve.seeds), values=curve.values.tolist(),
                 means=curve.means.tolist(), fit=curve.fit.tolist())
            for curve in curves
        ],
        exchanges=[
            dict(n=one.n, of=curves[0].name, by=name, figure=one.figure,
                 **{key: amount and amount._asdict() for key, amount in (('amount', one.amount), ('low', one.low), ('high', one.high))})
            for name, exchanges in rates.items()
            for one in exchanges
        ],
    )  # fmt: skip


def as_markdown(curves: Sequence[SizeCurve], metric: Metric, rates: Rates) -> str:
    """A table for each curve whose images replace those of the first curve."""
    first, figure = curves[0], plain_markdown(metric.title + (f' ({metric.unit})' if metric.unit else ''))
    parts = [f'# Exchange rate: {plain_markdown(first.name)} and {plain_markdown(", ".join(rates))}\n']
    for name, exchanges in rates.items():
        interval = f', {CONFIDENCE:.0%} interval' if exchanges and exchanges[0].low else ''
        heads = [f'images of {plain_markdown(first.name)}', figure, f'images of {plain_markdown(name)}{interval}', f'ratio{interval}']
        rows = []
        for one in exchanges:
            amounts = (one.amount, one.low, one.high)
            images, ratio = _with_interval(*amounts, 'never (> {})'), _with_interval(*(_ratio(amount, one.n) for amount in amounts), '> {}')
            rows.append([f'{one.n:,.9g}', f'{one.figure:.4g}', images, ratio])
        parts.append(f'\n{markdown_table(heads, rows)}\n')
    changes = ', '.join(f'{np.abs(curve.fit - curve.means).max():.2g} for {plain_markdown(curve.name)}' for curve in curves)
    seeds = len(first.seeds)
    parts.append(
        f'\n{seeds} seed{"s" * (seeds > 1)}. "<": fewer than the smallest number that was measured. "never": not reached with the largest '
        f'number that was measured. The figures of the second column are those of the monotone fit, which changes the means by at most '
        f'{changes}.{"" if seeds > 1 else " A single seed has no interval."}\n'
    )
    return ''.join(parts)


def amount_text(amount: Amount, unreached: str = 'never (> {})') -> str:
    """An amount with three significant digits: ``1,230``, ``< 100``, ``never (> 60,000)``.

    Args:
        amount: Amount of images, or of images for each image of the first curve.
        unreached: Text for 'never', with the largest measured number in the place of ``{}``. Default: 'never (> {})'.
    """
    value = amount.images
    text = f'{float(f"{value:.3g}"):,.0f}' if value >= 100 else f'{value:.3g}'
    return dict(about=text, fewer=f'< {text}', never=unreached.format(text))[amount.answer]


def _ratio(amount: Amount | None, n: float) -> Amount | None:
    return amount and amount._replace(images=amount.images / n)


def _with_interval(amount: Amount, low: Amount | None, high: Amount | None, unreached: str) -> str:
    text = amount_text(amount, unreached)
    if low is None or high is None or (amount == low == high and amount.answer != 'about'):
        return text
    return f'{text}; {amount_text(low, unreached)} to {amount_text(high, unreached)}'


def draw(curves: Sequence[SizeCurve], metric: Metric, rates: Rates, path: Path) -> None:
    """Write a PNG file: the curves with a band of one standard deviation over the seeds and their fits; and the exchanges with a band of
    the confidence interval. Arrows mean fewer than the smallest, or more than the largest measured number."""
    with drawing(path, 11, 4) as figure:
        left, right = figure.subplots(1, 2)
        for number, curve in enumerate(curves):
            colour = f'C{number}'
            band(left, shown(curve.name), list(zip(curve.sizes.tolist(), curve.values.T.tolist(), strict=True)), colour)
            left.plot(curve.sizes, curve.fit, '--', color=colour, linewidth=1)
        left.set(xlabel='images', ylabel=shown(metric.title + (f' ({metric.unit})' if metric.unit else '')))
        left.set_title('± standard deviation over seeds; dashed: monotone fit', fontsize='small')
        n = [one.n for exchanges in rates.values() for one in exchanges]
        ends = [min(n), max(n)]
        for number, (name, exchanges) in enumerate(rates.items(), 1):
            _draw_exchanges(right, shown(name), exchanges, f'C{number}')
        right.plot(ends, ends, ':', color='grey', label='one for one')
        right.set(xlabel=f'images of {shown(curves[0].name)}', ylabel='images that match them', yscale='log')
        right.set_title(f'band: {CONFIDENCE:.0%} interval', fontsize='small')
        for axes in (left, right):
            axes.set_xscale('log')
            axes.grid(alpha=0.3)
            axes.legend(fontsize='small')
        for axis in (left.xaxis, right.xaxis, right.yaxis):  # by default, matplotlib writes formulas, which a drawing here does not show
            axis.set_major_formatter('{x:,.9g}')
            axis.set_minor_formatter('')


def _draw_exchanges(axes: Any, label: str, exchanges: Sequence[Exchange], colour: str) -> None:
    known = [one for one in exchanges if one.amount.answer == 'about']
    axes.plot([one.n for one in known], [one.amount.images for one in known], 'o-', markersize=3, color=colour, label=label)
    for answer, marker in (('fewer', 'v'), ('never', '^')):
        some = [one for one in exchanges if one.amount.answer == answer]
        axes.plot([one.n for one in some], [one.amount.images for one in some], marker, color=colour)
    limits = [(one.n, one.low.images, one.high.images) for one in exchanges if one.low and one.high]
    if limits:
        n, low, high = zip(*limits, strict=True)
        axes.fill_between(n, low, high, color=colour, alpha=0.2, linewidth=0)
