"""Plot of a study: means and standard deviations over the seeds (paper, Figure 10)."""

from pathlib import Path
from statistics import mean, stdev
from typing import Any

from mmbdg.files import write_atomically
from mmbdg.studies.results import Results, Run
from mmbdg.studies.study import Figure


def draw(results: Results, path: Path) -> None:
    """Write a PNG file with one panel for each plotted figure.

    Args:
        results: Results of the study.
        path: PNG file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    study, by_name = results.study, {figure.name: figure for figure in results.study.figures}
    figures = [by_name[name] for name in study.plot.figures or list(by_name)[:1]]
    drawing = Drawing(figsize=(5 * len(figures) + 1, 4), layout='constrained')
    for number, figure in enumerate(figures, 1):
        axes = drawing.add_subplot(1, len(figures), number)
        name = figure.title or figure.name
        axes.set_ylabel(f'{name} ({figure.unit})' if figure.unit else name)
        KINDS[study.plot.kind](axes, results, figure)
        axes.set_xlabel(study.plot.x_title or dict(iterations='iteration').get(study.plot.kind, ''))
        axes.grid(alpha=0.3)
        if study.plot.kind != 'rows' and axes.lines:
            axes.legend()
    write_atomically(path, lambda part: FigureCanvasAgg(drawing).print_png(str(part)))


def _over_columns(axes: Any, results: Results, figure: Figure) -> None:
    study = results.study
    places = {column.name: number if column.value is None else column.value for number, column in enumerate(study.columns)}
    for row in study.rows:
        known = [(places[name], list(results.values(row.name, name, figure.name).values())) for r, name in results.cells() if r == row.name]
        band(axes, row.title or row.name, [(x, values) for x, values in sorted(known) if values])
    axes.set_xscale(study.plot.x_scale)
    axes.minorticks_off()
    axes.set_xticks(list(places.values()), [column.title or column.name for column in study.columns])


def _over_iterations(axes: Any, results: Results, figure: Figure) -> None:
    key, several = figure.read.partition(':')[2], len(results.study.columns) > 1
    for row_name, column in results.cells():
        title = results.study.row(row_name).title or row_name
        points = curve(results.runs[row_name, column], key, figure.scale)
        band(axes, f'{title}, {column}' if several else title, points)


def _by_row(axes: Any, results: Results, figure: Figure) -> None:
    ticks = []
    for row_name, column in results.cells():
        values = list(results.values(row_name, column, figure.name).values())
        if values:
            axes.bar(len(ticks), mean(values), yerr=stdev(values) if len(values) > 1 else None, capsize=4, color='tab:blue', alpha=0.7)
            title = results.study.row(row_name).title or row_name
            ticks.append(f'{title}, {column}' if len(results.study.columns) > 1 else title)
    axes.set_xticks(range(len(ticks)), ticks, rotation=30, ha='right')


KINDS = dict(columns=_over_columns, iterations=_over_iterations, rows=_by_row)


def band(axes: Any, label: str, points: list[tuple[float, list[float]]], colour: str | None = None) -> None:
    """Draw a line through the means with a band of one standard deviation (n - 1) on each side. A single point gets an error bar.

    Args:
        axes: Axes of matplotlib.
        label: Text in the legend.
        points: Place on the x axis and figures, one per seed, of each point.
        colour: Colour of the line. Default: the next one of matplotlib.
    """
    if not points:
        return
    x = [place for place, _ in points]
    means = [mean(values) for _, values in points]
    spreads = [stdev(values) if len(values) > 1 else 0.0 for _, values in points]
    if len(points) == 1:
        axes.errorbar(x, means, spreads, fmt='o', markersize=4, capsize=4, label=label, color=colour)
        axes.plot(x, means, alpha=0)
        return
    (line,) = axes.plot(x, means, marker='o', markersize=3, label=label, color=colour)
    low, high = ([m + sign * s for m, s in zip(means, spreads, strict=True)] for sign in (-1, 1))
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def curve(seeds: dict[int, Run], key: str, scale: float = 1.0) -> list[tuple[float, list[float]]]:
    """Iterations at which every seed was validated, with the figures of the seeds.

    Args:
        seeds: Runs by seed.
        key: Key of the figure in the log.
        scale: Factor that is applied to the figures. Default: 1.
    """
    by_seed = [{line['step']: line[key] * scale for line in run.validations if key in line} for run in seeds.values()]
    steps = sorted(set.intersection(*map(set, by_seed))) if by_seed else []
    return [(step, [figures[step] for figures in by_seed]) for step in steps]
