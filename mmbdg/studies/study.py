"""What a study is: rows, columns, seeds, figures and the chain of tools behind each cell, as a config states them."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmbdg.compat.config import read_config
from mmbdg.errors import InputError, nearest
from mmbdg.files import json_text
from mmbdg.reading import parsed_json
from mmbdg.schema import PlainName, Schema, validated
from mmbdg.studies.placeholders import placeholders

Value = bool | int | float | str | None
Option = Value | list[Value]
VALIDATIONS = 'validations'
"""In a figure's ``read``: the validations in the log of a training, in the place of the name of a JSON file."""
POINTER = '@'
"""Before an output's path: the file is a text that names the output, as ``last_checkpoint`` of mmengine does."""


class StudySchema(Schema):
    """Base of the parts of a study. An unknown key is named, with the nearest known one."""

    what: ClassVar[str] = 'study'

    @model_validator(mode='before')
    @classmethod
    def _known_keys(cls, content: Any) -> Any:
        if isinstance(content, dict) and (unknown := [key for key in content if key not in cls.model_fields]):
            key = str(unknown[0])
            known = ', '.join(cls.model_fields)
            # A context, since the text may hold braces.
            message = f'a {cls.what} takes no key "{key}"{nearest(key, cls.model_fields)} (it takes {known})'
            raise PydanticCustomError('unknown_key', '{message}', dict(message=message))
        return content


class Step(StudySchema):
    """One call of a tool.

    Args:
        name: Name of the step, the only one of this name in its row.
        tool: Path of the tool below ``tools/``, such as ``train.py``.
        arguments: Command line, with placeholders in braces (docs/studies.md).
        config: Config file that ``{config}`` in the arguments stands for; None: the tool takes none.
        options: Options for ``--cfg-options``, by key; only with a config.
        outputs: Paths below the step's folder, by the name that later steps use. ``@file``: the file holds the name of the output.
        resume: Arguments that let an interrupted run go on; None: it starts again in an empty folder.
        inputs: Files and folders that the tool reads and that neither the config nor an earlier step names; their checksums count.
        processes: Number of processes; more than one are started by torchrun.
    """

    what: ClassVar[str] = 'step'
    name: PlainName
    tool: str
    arguments: list[str]
    config: str | None = None
    options: dict[str, Option] = {}
    outputs: dict[str, str] = {}
    resume: list[str] | None = None
    inputs: list[str] = []
    processes: int = Field(default=1, ge=1)


class Consumed(StudySchema):
    """Numbers of images, labels of whole images, and masks that a row needed; ``note`` says who needed them."""

    what: ClassVar[str] = 'consumed'
    images: int = Field(default=0, ge=0)
    labels: int = Field(default=0, ge=0)
    masks: int = Field(default=0, ge=0)
    note: str = ''

    def __str__(self) -> str:
        counts = {name: getattr(self, name) for name in ('images', 'labels', 'masks')}
        text = ', '.join(f'{count:,} {name}' for name, count in counts.items() if count) or 'nothing'
        return f'{text} ({self.note})' if self.note else text


class Row(StudySchema):
    """A row of the table: one way to do it.

    Args:
        name: Short name, for ``--rows`` and the JSON.
        steps: Chain of tools, in their order.
        title: Text in the table; default: the name.
        consumed: What the row needed.
        columns: Names of the columns that the row has; default: all.
        paper: Figures that a paper reports, by column and figure.
    """

    what: ClassVar[str] = 'row'
    name: PlainName
    steps: list[Step] = Field(min_length=1)
    title: str = ''
    consumed: Consumed | None = None
    columns: list[str] | None = None
    paper: dict[str, dict[str, float]] = {}


class Column(StudySchema):
    """A column of the table: values of variables of one step's config.

    Args:
        name: Short name, for ``--columns`` and the JSON.
        options: Options for ``--cfg-options`` of the step that the columns vary.
        title: Text in the table; default: the name.
        value: Place on the x axis of the figure; None: the column's number.
    """

    what: ClassVar[str] = 'column'
    name: PlainName
    options: dict[str, Option] = {}
    title: str = ''
    value: float | None = None


class Figure(StudySchema):
    """A number that the study measures.

    Args:
        name: Short name, for the JSON.
        read: ``FILE:KEY``, where it is read: a JSON file of the step and a dotted key in it, or ``validations:KEY``, the last validation
            in the log of a training.
        title: Text in the table; default: the name.
        step: Name of the step that writes it; default: the last one of the row.
        scale: Factor from what is read to what is shown.
        unit: Unit of what is shown.
        digits: Number of decimals in tables.
    """

    what: ClassVar[str] = 'figure'
    name: PlainName
    read: str
    title: str = ''
    step: str | None = None
    scale: float = 1.0
    unit: str = ''
    digits: int = Field(default=1, ge=0, le=9)


class Plot(StudySchema):
    """The study's drawing.

    Args:
        kind: ``columns``: figures over the columns; ``iterations``: figures of the validations over the iterations (a convergence figure);
            ``rows``: a bar for each row.
        figures: Names of the figures, a panel for each; default: the first one.
        x_title: Text below the x axis.
        x_scale: Scale of the x axis.
    """

    what: ClassVar[str] = 'plot'
    kind: Literal['columns', 'iterations', 'rows'] = 'columns'
    figures: list[str] = []
    x_title: str = ''
    x_scale: Literal['linear', 'log'] = 'linear'


class Study(StudySchema):
    """A table and how each of its figures is made.

    Args:
        rows: Its rows.
        figures: What is measured in each cell.
        columns: Its columns; default: one without options.
        seeds: Seeds; each cell is made once for each.
        per_seed: Lists as long as ``seeds``; ``{NAME}`` stands for the seed's element.
        varied: Name of the step that gets the options of the columns; default: the last one of each row.
        row_title: Heading of the column with the rows' titles.
        column_title: Heading of the columns' titles, in a table of several figures.
        baseline: Name of the row that the others are compared with; default: the first one.
        paper: Where the paper's figures are from.
        reference: ``FILE:KEY`` of published figures, with the placeholders ``{row}``, ``{column}``, ``{figure}`` and ``{index}`` (the
            seed's number from 0); the runner prints how far its figures are from them.
        threads: CPU threads of each tool. They are a part of the recipe: sums depend on them.
        plot: The drawing.
    """

    what: ClassVar[str] = 'study'
    rows: list[Row] = Field(min_length=1)
    figures: list[Figure] = Field(min_length=1)
    columns: list[Column] = [Column(name='all')]
    seeds: list[int] = [0, 1, 2]
    per_seed: dict[str, list[Value]] = {}
    varied: str | None = None
    row_title: str = 'row'
    column_title: str = 'column'
    baseline: str | None = None
    paper: str | None = None
    reference: str | None = None
    threads: int = Field(default=1, ge=1)
    plot: Plot = Plot()

    def row(self, name: str) -> Row:
        """The row of a name."""
        return next(row for row in self.rows if row.name == name)

    def columns_of(self, row: Row) -> list[Column]:
        """The columns that a row has."""
        return [column for column in self.columns if row.columns is None or column.name in row.columns]

    def varied_step(self, row: Row) -> str:
        """Name of the step that gets the options of the columns."""
        return self.varied or row.steps[-1].name

    def step_of(self, figure: Figure, row: Row) -> Step:
        """The step that writes a figure."""
        return next(step for step in row.steps if step.name == figure.step) if figure.step else row.steps[-1]


def read_study(path: str | os.PathLike, tools: Path, options: Mapping[str, Any] | None = None) -> Study:
    """A study from its config, checked in all that can be known before a tool runs; the configs of its steps are not read yet.

    Args:
        path: Config with ``study=dict(...)``.
        tools: Folder of the tools.
        options: Of the command line, for variables of the config.

    Raises:
        InputError: There is no such config, or something in it is wrong.
    """
    cfg = read_config(path, options, used={'study'})
    if not isinstance(cfg.get('study'), Mapping):
        raise InputError(f'{path} has no study=dict(...): give a config of a study (configs/studies)')
    try:
        content = parsed_json(json_text(cfg.study.to_dict()), path)  # tuples as lists, and nothing but plain values
    except (TypeError, ValueError) as error:
        raise InputError(f'{path}: study holds what is no plain value ({error})') from error
    validated(Study, content, f'{path}: study')
    study = Study.model_validate(content, strict=True)
    check_study(study, tools, str(path))
    return study


def check_study(study: Study, tools: Path, where: str) -> None:
    """Refuse names that lead nowhere or come twice.

    Args:
        study: The study.
        tools: Folder of the tools.
        where: Name of the config, for messages.

    Raises:
        InputError: There is one.
    """
    for what, names in dict(
        rows=[row.name for row in study.rows],
        columns=[column.name for column in study.columns],
        figures=[figure.name for figure in study.figures],
        seeds=study.seeds,
    ).items():
        _refuse_twice(names, f'{where}: the study has {what} that come twice')
    if not study.seeds or not study.columns or min(study.seeds) < 0:
        raise InputError(f'{where}: a study needs a seed, from 0 on, and a column')
    for name, values in study.per_seed.items():
        if len(values) != len(study.seeds):
            raise InputError(f'{where}: per_seed.{name} has {len(values)} values, there are {len(study.seeds)} seeds')
    columns, figures = [column.name for column in study.columns], [figure.name for figure in study.figures]
    if study.baseline is not None:
        _known(study.baseline, [row.name for row in study.rows], f'{where}: baseline is a row', 'row')
    for name in study.plot.figures:
        _known(name, figures, f'{where}: plot.figures holds a figure', 'figure')
    for figure in study.figures:
        if not all(figure.read.partition(':')):
            raise InputError(f'{where}: figure "{figure.name}" is read from "{figure.read}"; say FILE:KEY or {VALIDATIONS}:KEY')
    for row in study.rows:
        at = f'{where}: row "{row.name}"'
        for name in row.columns or ():
            _known(name, columns, f'{at} has a column', 'column')
        for column, published in row.paper.items():
            _known(column, columns, f"{at} has the paper's figures of a column", 'column')
            for name in published:
                _known(name, figures, f"{at} has the paper's figures", 'figure')
        _refuse_twice([step.name for step in row.steps], f'{at} has steps that come twice')
        steps = [step.name for step in row.steps]
        if study.varied is not None:
            _known(study.varied, steps, f'{at} lacks the step that the columns vary', 'step')
        for figure in study.figures:
            if figure.step is not None:
                _known(figure.step, steps, f'{at} lacks the step of the figure "{figure.name}"', 'step')
        _check_chain(study, row, tools, at)


def _check_chain(study: Study, row: Row, tools: Path, at: str) -> None:
    there = sorted(str(path.relative_to(tools)) for path in tools.rglob('*.py'))
    made: list[str] = []
    for step in row.steps:
        place = f'{at}, step "{step.name}"'
        if step.tool not in there:
            raise InputError(f'{place}: there is no tool {tools / step.tool}{nearest(step.tool, there)}')
        if step.options and step.config is None:
            raise InputError(f'{place} has options but no config')
        known = {'out', 'shared', 'seed', *study.per_seed, *made, *(['config'] if step.config else [])}
        options = dict(step.options)
        if step.name == study.varied_step(row):
            for column in study.columns_of(row):
                if column.options and step.config is None:
                    raise InputError(f'{place}: the column "{column.name}" sets options, and the step has no config')
                options |= column.options
        texts = [*step.arguments, *(step.resume or ()), *step.inputs, *_texts(options.values())]
        for name in sorted({name for text in texts for name in placeholders(text)} - known):
            hint = f'; no earlier step makes "{name}"' if '.' in name else ''
            raise InputError(f'{place}: {{{name}}} stands for nothing{hint}{nearest(name, known)} (known: {", ".join(sorted(known))})')
        for name, output in step.outputs.items():
            parts = Path(output.removeprefix(POINTER)).parts
            if not output.removeprefix(POINTER) or Path(output).is_absolute() or '..' in parts or not name.isidentifier():
                raise InputError(f'{place}: the output {name}="{output}" must be a name and a path within the folder of the step')
        made += [f'{step.name}.{name}' for name in (*step.outputs, 'out')]


def _texts(values: Iterable[Any]) -> list[str]:
    return [text for value in values for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _refuse_twice(names: Iterable[Any], message: str) -> None:
    if twice := [str(name) for name, count in Counter(names).items() if count > 1]:
        raise InputError(f'{message}: {", ".join(twice)}')


def _known(name: str, known: list[str], message: str, what: str) -> None:
    if name not in known:
        raise InputError(f'{message} "{name}", and there is no such {what}{nearest(name, known)} (known: {", ".join(known)})')


def chosen(what: str, wanted: Iterable[Any] | None, known: list[Any]) -> list[Any]:
    """The part of a study that the command line asks for, in the study's order.

    Args:
        what: What it is, for the message: ``row``, ``column``, ``seed``.
        wanted: Names; None: all.
        known: Those that the study has.

    Raises:
        InputError: The study has no such one.
    """
    if wanted is None:
        return known
    wanted = list(wanted)
    if unknown := [name for name in wanted if name not in known]:
        near = nearest(str(unknown[0]), map(str, known))
        raise InputError(f'the study has no {what} {unknown[0]}{near}; it has {", ".join(map(str, known))}')
    return [name for name in known if name in wanted]
