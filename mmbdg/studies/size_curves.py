"""Curves over the number of images, read from the JSON files of tools/study.py."""

from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from mmbdg.errors import InputError, nearest
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema
from mmbdg.studies.exchange_rate import SizeCurve

Number = Annotated[float, Field(ge=-1e15, le=1e15)]
"""Sums of larger numbers would not be finite."""


class _Row(OpenSchema):
    title: str


class _Column(OpenSchema):
    title: str
    value: Number | None = None


class _Figure(OpenSchema):
    title: str
    unit: str
    read: str


class _Run(OpenSchema):
    row: str
    column: str
    seed: int
    figures: dict[str, Number | None]


class _Results(OpenSchema):
    """What a curve needs of a study's results (``Results.as_json``)."""

    rows: dict[str, _Row]
    columns: dict[str, _Column]
    figures: dict[str, _Figure]
    runs: list[_Run]


class Metric(NamedTuple):
    """Figure of a study.

    Args:
        name: Name of the figure in the study.
        title: Its title.
        unit: Its unit; '' for none.
        read: Where the study reads it: file and key.
    """

    name: str
    title: str
    unit: str
    read: str


def read_curve(place: str, figure: str | None = None) -> tuple[SizeCurve, Metric]:
    """Curve of a row of a study over its columns, whose ``value`` is the number of images.

    Args:
        place: ``FILE.json:ROW``, a file that tools/study.py writes and the name of a row in it.
        figure: Name of a figure. Default: the only figure of the study.

    Returns:
        The curve, with the title of the row as name, and its figure.

    Raises:
        InputError: The file, the row or the figure does not exist; a column of the row has no ``value``, or two have the same; a run has
            no figure; or the figures are no curve, see :meth:`SizeCurve.of`.
    """
    path, sign, row = place.rpartition(':')
    if not sign or not path or not row:
        raise InputError(f'give a curve as FILE.json:ROW, a file of tools/study.py and a row of the study; got {place}')
    content = _Results.model_validate(read_json(path, _Results), strict=True)
    if row not in content.rows:
        raise InputError(f'{path} has no row "{row}"{nearest(row, content.rows)}; it has {", ".join(content.rows)}')
    if figure is None and len(content.figures) > 1:
        raise InputError(f'{path} has several figures: choose one of {", ".join(content.figures)} (--figure)')
    name = next(iter(content.figures), '') if figure is None else figure
    if name not in content.figures:
        raise InputError(f'{path} has no figure "{name}"{nearest(name, content.figures)}; it has {", ".join(content.figures)}')
    by_column: dict[str, dict[int, float]] = {}
    for run in content.runs:
        if run.row == row:
            value = run.figures.get(name)
            if value is None:
                raise InputError(f'{place}: the run of column "{run.column}", seed {run.seed}, has no {name}')
            by_column.setdefault(run.column, {})[run.seed] = value
    sizes: dict[float, str] = {}
    for column in by_column:
        size = content.columns[column].value if column in content.columns else None
        if size is None:
            raise InputError(
                f'{path}: the column "{column}" has no value: set value to its number of images in the study, and run tools/study.py again '
                '(finished steps are kept)'
            )
        if size in sizes:
            raise InputError(f'{path}: the columns "{sizes[size]}" and "{column}" have the same value {size:g}: a size must be one column')
        sizes[size] = column
    title = content.rows[row].title
    known = content.figures[name]
    curve = SizeCurve.of(title, {size: by_column[column] for size, column in sizes.items()})
    return curve, Metric(name, known.title, known.unit, known.read)


def read_curves(places: list[str], figure: str | None = None) -> tuple[list[SizeCurve], Metric]:
    """Curves of one figure.

    Args:
        places: ``FILE.json:ROW`` for each curve, see :func:`read_curve`.
        figure: Name of the figure. Default: the only figure of the studies.

    Raises:
        InputError: See :func:`read_curve`; or a curve is given twice, or two curves have different figures.
    """
    if twice := sorted({place for place in places if places.count(place) > 1}):
        raise InputError(f'{twice[0]} is given twice: a curve cannot be exchanged for itself')
    found = [read_curve(place, figure) for place in places]
    metric = found[0][1]
    for place, (_, other) in zip(places, found, strict=True):
        for what in ('name', 'read', 'unit'):
            ours, theirs = getattr(metric, what), getattr(other, what)
            if ours != theirs:
                raise InputError(
                    f'{places[0]} and {place} have different figures: {what} "{ours}" and {what} "{theirs}"; only curves of the same '
                    'metric on the same test set can be exchanged'
                )
    curves = [curve for curve, _ in found]
    if len({curve.name for curve in curves}) < len(curves):  # rows of the same title
        curves = [curve._replace(name=f'{curve.name} ({Path(place).name})') for place, curve in zip(places, curves, strict=True)]
    return curves, metric
