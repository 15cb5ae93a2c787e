"""Figures of a study by row, column and seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbdg.confidence import CONFIDENCE
from mmbdg.reading import read_json
from mmbdg.studies.figures import at_key, scaled
from mmbdg.studies.placeholders import filled
from mmbdg.studies.statistics import Difference, paired_difference
from mmbdg.studies.study import Study

Cell = tuple[str, str]
"""Row and column."""


@dataclass
class Run:
    """One cell of one seed.

    Args:
        figures: Figures by name. None if the tool wrote null.
        validations: Validations of the trainings from whose logs a figure is read, one training after the other.
        steps: Time, machine and fingerprint of each step.
    """

    figures: dict[str, float | None]
    validations: list[dict[str, float]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)


class Results:
    """Runs of a study.

    Args:
        study: Study of the runs.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.runs: dict[Cell, dict[int, Run]] = {}

    def add(self, row: str, column: str, seed: int, run: Run) -> None:
        """Add a run."""
        seeds = self.runs.setdefault((row, column), {})
        seeds[seed] = run
        self.runs[row, column] = dict(sorted(seeds.items()))

    def cells(self) -> Iterator[Cell]:
        """Cells with at least one run, in the order of the study."""
        for row in self.study.rows:
            for column in self.study.columns_of(row):
                if (row.name, column.name) in self.runs:
                    yield row.name, column.name

    def values(self, row: str, column: str, figure: str) -> dict[int, float]:
        """Known values of a figure, by seed."""
        found = {seed: run.figures.get(figure) for seed, run in self.runs.get((row, column), {}).items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def over_columns(self, row: str, figure: str, columns: list[str]) -> dict[int, float]:
        """Mean of a figure over columns, by seed. Seeds without a value in every column are omitted."""
        by_column = [self.values(row, column, figure) for column in columns]
        seeds = set.intersection(*map(set, by_column)) if by_column else set()
        return {seed: sum(values[seed] for values in by_column) / len(by_column) for seed in sorted(seeds)}

    def differences(self) -> list[tuple[str, str, str | None, str, Difference]]:
        """Row, baseline, column, figure and paired difference of all rows to the baseline. Column None: mean over the columns."""
        baseline = self.study.baseline or self.study.rows[0].name
        found = []
        for figure in self.study.figures:
            for row in self.study.rows:
                if row.name == baseline:
                    continue
                common = [column for r, column in self.cells() if r == row.name and (baseline, column) in self.runs]
                pairs: list[tuple[str | None, dict, dict]] = [
                    (column, self.values(row.name, column, figure.name), self.values(baseline, column, figure.name)) for column in common
                ]
                if len(common) > 1:
                    means = [self.over_columns(name, figure.name, common) for name in (row.name, baseline)]
                    pairs.append((None, *means))
                for column, ours, theirs in pairs:
                    if (difference := paired_difference(ours, theirs)) is not None:
                        found.append((row.name, baseline, column, figure.name, difference))
        return found

    def as_json(self, config: str) -> dict[str, Any]:
        """All runs and differences, with the descriptions of rows, columns and figures."""
        study = self.study
        return dict(
            study=config,
            rows={row.name: dict(title=row.title or row.name, consumed=row.consumed.model_dump() if row.consumed else None,
                                 paper=row.paper) for row in study.rows},
            columns={column.name: dict(title=column.title or column.name, value=column.value, options=column.options)
                     for column in study.columns},
            figures={figure.name: dict(title=figure.title or figure.name, unit=figure.unit, read=figure.read) for figure in study.figures},
            seeds=study.seeds,
            paper=study.paper,
            runs=[
                dict(row=row, column=column, seed=seed, figures=run.figures, validations=run.validations, steps=run.steps)
                for row, column in self.cells()
                for seed, run in self.runs[row, column].items()
            ],
            differences=[
                dict(row=row, baseline=baseline, column=column, figure=figure, mean=difference.mean, spread=difference.spread,
                     confidence=CONFIDENCE, half_width=difference.half_width, seeds=difference.n, told_apart=difference.told_apart)
                for row, baseline, column, figure, difference in self.differences()
            ],
        )  # fmt: skip


def published_results(study: Study, file: str | None = None) -> Results:
    """Read the figures of a study's ``reference``. A cell without figures in the file has no run.

    Args:
        study: Study with a reference.
        file: File with the figures. Default: the file of the reference.

    Raises:
        InputError: The file is missing or wrong, or a figure in it is no number.
    """
    name, _, key = (study.reference or '').partition(':')
    path = Path(file or name)
    content, found = read_json(path), Results(study)
    for row in study.rows:
        for column in study.columns_of(row):
            for index, seed in enumerate(study.seeds):
                figures = {}
                for figure in study.figures:
                    place = dict(row=row.name, column=column.name, figure=figure.name, index=index, seed=seed)
                    try:
                        value = at_key(content, filled(key, place), str(path))
                    except ValueError:
                        continue
                    figures[figure.name] = scaled(value, figure, f'{path}: {figure.name}')
                if figures:
                    found.add(row.name, column.name, seed, Run(figures))
    return found


def greatest_deviation(ours: Results, published: Results) -> Mapping[str, tuple[float, int]]:
    """Greatest absolute difference of two results over their common runs, and the number of these runs, by figure."""
    found: dict[str, tuple[float, int]] = {}
    for cell in ours.cells():
        for figure in ours.study.figures:
            mine, theirs = ours.values(*cell, figure.name), published.values(*cell, figure.name)
            for seed in mine.keys() & theirs.keys():
                most, n = found.get(figure.name, (0.0, 0))
                found[figure.name] = max(most, abs(mine[seed] - theirs[seed])), n + 1
    return found
