"""Precision at k of a retrieval from a pool whose true classes are known."""

import csv
import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmbdg.errors import InputError
from mmbdg.pools import precision_at
from mmbdg.reading import read_text
from mmbdg.sources.base import Source
from mmbdg.sources.retrieval_source import RetrievalSource


def retrieval_precision(source: Source, truth: str | os.PathLike, at: Sequence[int] = (10, 100, 1000)) -> dict[str, Any]:
    """Compare the hits of each class with the truth.

    Args:
        source: The retrieval source. Its hits are compared after ``multi_label`` and ``max_per_class`` were applied.
        truth: CSV file with the columns ``file`` and ``class``, see :func:`read_truth`.
        at: Values of k.

    Returns:
        ``at``, ``classes`` (for each class's id ``hits`` and the list ``precision``, None without a hit), and ``mean`` over the classes
        that have hits.

    Raises:
        InputError: The source is not a retrieval source, or the truth lacks an entry that was found.
    """
    if not isinstance(source, RetrievalSource):
        raise InputError(f'{type(source).__name__} retrieves nothing: the precision is that of mmbdg.RetrievalSource')
    true_class, classes = read_truth(truth), {}
    for one, hits in zip(source.classes, source.hits(), strict=True):
        names = [source.index.entry(position).name for position in hits.positions.tolist()]
        if unknown := [name for name in names if name not in true_class]:
            raise InputError(f'{truth} has no row of {unknown[0]}, which was found for the class "{one.id}"')
        relevant = np.array([true_class[name] == one.id for name in names], bool)
        classes[one.id] = dict(hits=len(names), precision=[round(precision_at(relevant, k), 4) if names else None for k in at])
    found = [row['precision'] for row in classes.values() if row['hits']]
    return dict(at=list(at), classes=classes, mean=np.mean(found, axis=0).round(4).tolist() if found else None)


def read_truth(path: str | os.PathLike) -> dict[str, str]:
    """True class of each entry, by its name in the pool.

    Raises:
        InputError: The file is not a CSV file with the columns ``file`` and ``class``.
    """
    reader = csv.DictReader(io.StringIO(read_text(path)), strict=True)
    try:
        if lacking := [name for name in ('file', 'class') if name not in (reader.fieldnames or ())]:
            raise InputError(f'{path} has no column "{lacking[0]}"')
        return {str(row['file']): str(row['class']) for row in reader}
    except csv.Error as error:
        raise InputError(f'{path}, line {reader.line_num}, is not a row of a CSV file: {error}') from error


def as_text(result: dict[str, Any]) -> str:
    """Table as text, with a row for each class."""
    rows = [
        [name, f'{row["hits"]:,}', *('-' if p is None else f'{p:.3f}' for p in row['precision'])] for name, row in result['classes'].items()
    ]
    if result['mean']:
        rows.append(['mean', '', *(f'{p:.3f}' for p in result['mean'])])
    table = [['class', 'hits', *(f'at {k}' for k in result['at'])], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
