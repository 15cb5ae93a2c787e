"""Definition of a study in a config: rows, columns, seeds, figures and the chain of tools for each cell."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

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
"""Source in the ``read`` of a figure: the validations in the log of a training, instead of a JSON file."""
POINTER = '@'
"""Prefix of the path of an output: the file is a text file with the name of the output, e.g. ``last_checkpoint`` of mmengine."""


class StudySchema(Schema):
    """Base class of the parts of a study. An unknown key raises an error that suggests the most similar known key."""

    what: ClassVar[str] = 'study'

    @model_validator(mode='before')
    @classmethod
    def _known_keys(cls, content: Any) -> Any:
        if isinstance(content, dict) and (unknown := [key for key in content if key not in cls.model_fields]):
            key = str(unknown[0])
            known = ', '.join(cls.model_fields)
            # The text is passed as context, because it may contain braces.
            message = f'a {cls.what} takes no key "{key}"{nearest(key, cls.model_fields)} (it takes {known})'
            raise PydanticCustomError('unknown_key', '{message}', dict(message=message))
        return content


class Step(StudySchema):
    """One call of a tool.

    Args:
        name: Name of the step, unique in its row.
        tool: Path of the tool below ``tools/``, e.g. ``train.py``.
        arguments: Command line, with placeholders in braces (docs/studies.md).
        config: Config file, the value of ``{config}`` in the arguments. Default: None, the tool has no config.
        options: Options for ``--cfg-options``, by key. Only with a config.
        outputs: Paths below the step's folder, by the name that later steps use. ``@file``: the file contains the name of the output.
        resume: Arguments that resume an interrupted run. Default: None, an interrupted run starts again in an empty folder.
        inputs: Files and folders that the tool reads and that neither the config nor the arguments name. Their checksums are part of the
            recipe.
        processes: Number of processes, at least 1. More than one are started by torchrun. Default: 1.
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
    """Numbers of images, labels of whole images, and masks that a row needed. ``note`` says which part needed them."""

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
    """A row of the table: one method.

    Args:
        name: Short name, for ``--rows`` and the JSON file.
        steps: Chain of tools in execution order.
        title: Text in the table. Default: the name.
        consumed: Images, labels and masks that the row needed.
        columns: Names of the columns of the row. Default: all.
        paper: Figures of a paper, by column and figure.
    """

    what: ClassVar[str] = 'row'
    name: PlainName
    steps: list[Step] = Field(min_length=1)
    title: str = ''
    consumed: Consumed | None = None
    columns: list[str] | None = None
    paper: dict[str, dict[str, float]] = {}


class Column(StudySchema):
    """A column of the table: values of config variables of one step.

    Args:
        name: Short name, for ``--columns`` and the JSON file.
        options: Options for ``--cfg-options`` of the step that the columns vary.
        title: Text in the table. Default: the name.
        value: Position on the x axis of the plot. Default: the number of the column.
    """

    what: ClassVar[str] = 'column'
    name: PlainName
    options: dict[str, Option] = {}
    title: str = ''
    value: float | None = None


class Figure(StudySchema):
    """A number that the study measures.

    Args:
        name: Short name, for the JSON file.
        read: Source of the number: ``FILE:KEY``, a JSON file of the step and a dotted key in it, or ``validations:KEY``, the last
            validation in the log of a training.
        title: Text in the table. Default: the name.
        step: Name of the step that writes the number. Default: the last step of the row.
        scale: Factor that is applied to the number. Default: 1.
        unit: Unit of the scaled number.
        digits: Number of decimals in tables, 0 to 9. Default: 1.
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
    """The plot of a study.

    Args:
        kind: ``columns``: figures over the columns; ``iterations``: figures of the validations over the iterations (convergence);
            ``rows``: a bar for each row. Default: 'columns'.
        figures: Names of the figures, one panel each. Default: the first figure.
        x_title: Title of the x axis.
        x_scale: Scale of the x axis, 'linear' or 'log'. Default: 'linear'.
    """

    what: ClassVar[str] = 'plot'
    kind: Literal['columns', 'iterations', 'rows'] = 'columns'
    figures: list[str] = []
    x_title: str = ''
    x_scale: Literal['linear', 'log'] = 'linear'


class Study(StudySchema):
    """A table of results and the steps that produce them.

    Args:
        rows: Rows of the table.
        figures: Numbers that are measured in each cell.
        columns: Columns of the table. Default: one column without options.
        seeds: Seeds, at least 0. Each cell runs once per seed. Default: [0, 1, 2].
        per_seed: Lists of the length of ``seeds``, by name. The placeholder ``{NAME}`` is the element of the current seed.
        varied: Name or names of the steps that get the options of the columns. Default: the last step of each row.
        row_title: Heading of the column with the titles of the rows. Default: 'row'.
        column_title: Heading of the titles of the columns, in a table of several figures. Default: 'column'.
        baseline: Name of the row that the others are compared with. Default: the first row.
        paper: Source of the paper's figures.
        reference: ``FILE:KEY`` of published figures, with the placeholders ``{row}``, ``{column}``, ``{figure}`` and ``{index}`` (number
            of the seed, from 0). The runner prints the differences to these figures.
        threads: CPU threads of each tool, at least 1. They are part of the recipe, because sums depend on them. Default: 1.
        plot: Plot of the study.
    """

    what: ClassVar[str] = 'study'
    rows: list[Row] = Field(min_length=1)
    figures: list[Figure] = Field(min_length=1)
    columns: list[Column] = [Column(name='all')]
    seeds: list[int] = [0, 1, 2]
    per_seed: dict[str, list[Value]] = {}
    varied: str | Annotated[list[str], Field(min_length=1)] | None = None
    row_title: str = 'row'
    column_title: str = 'column'
    baseline: str | None = None
    paper: str | None = None
    reference: str | None = None
    threads: int = Field(default=1, ge=1)
    plot: Plot = Plot()

    def row(self, name: str) -> Row:
        """The row with a name."""
        return next(row for row in self.rows if row.name == name)

    def columns_of(self, row: Row) -> list[Column]:
        """The columns of a row."""
        return [column for column in self.columns if row.columns is None or column.name in row.columns]

    def varied_steps(self, row: Row) -> list[str]:
        """Names of the steps that get the options of the columns."""
        if self.varied is None:
            return [row.steps[-1].name]
        return [self.varied] if isinstance(self.varied, str) else self.varied

    def step_of(self, figure: Figure, row: Row) -> Step:
        """The step that writes a figure."""
        return next(step for step in row.steps if step.name == figure.step) if figure.step else row.steps[-1]


def read_study(path: str | os.PathLike, tools: Path, options: Mapping[str, Any] | None = None) -> Study:
    """Read a study from its config and check it. The configs of its steps are not read here.

    Args:
        path: Config with ``study=dict(...)``.
        tools: Folder of the tools.
        options: Options of the command line for variables of the config. Default: None.

    Raises:
        InputError: The config is missing or wrong.
    """
    cfg = read_config(path, options, used={'study'})
    if not isinstance(cfg.get('study'), Mapping):
        raise InputError(f'{path} has no study=dict(...): give a config of a study (configs/studies)')
    try:
        content = parsed_json(json_text(cfg.study.to_dict()), path)  # converts tuples to lists and rejects other types
    except (TypeError, ValueError) as error:
        raise InputError(f'{path}: study contains a value that JSON cannot store ({error}): use only plain values') from error
    validated(Study, content, f'{path}: study')
    study = Study.model_validate(content, strict=True)
    check_study(study, tools, str(path))
    return study


def check_study(study: Study, tools: Path, where: str) -> None:
    """Check that all names in a study exist and are unique.

    Args:
        study: Study to check.
        tools: Folder of the tools.
        where: Name of the config, for messages.

    Raises:
        InputError: A name is unknown or not unique, or a value is wrong.
    """
    for what, names in dict(
        rows=[row.name for row in study.rows],
        columns=[column.name for column in study.columns],
        figures=[figure.name for figure in study.figures],
        seeds=study.seeds,
    ).items():
        _refuse_twice(names, f'{where}: the study has duplicate {what}')
    if not study.seeds or not study.columns or min(study.seeds) < 0:
        raise InputError(f'{where}: a study needs at least one column and at least one seed, and seeds must be at least 0')
    for name, values in study.per_seed.items():
        if len(values) != len(study.seeds):
            raise InputError(
                f'{where}: per_seed.{name} has {len(values)} values, but there are {len(study.seeds)} seeds: give one per seed'
            )
    columns, figures = [column.name for column in study.columns], [figure.name for figure in study.figures]
    if study.baseline is not None:
        _known(study.baseline, [row.name for row in study.rows], f'{where}: baseline', 'row')
    for name in study.plot.figures:
        _known(name, figures, f'{where}: plot.figures', 'figure')
    for figure in study.figures:
        if not all(figure.read.partition(':')):
            raise InputError(f'{where}: figure "{figure.name}" has read="{figure.read}"; give FILE:KEY or {VALIDATIONS}:KEY')
    for row in study.rows:
        at = f'{where}: row "{row.name}"'
        for name in row.columns or ():
            _known(name, columns, f'{at}, columns', 'column')
        for column, published in row.paper.items():
            _known(column, columns, f'{at}, paper', 'column')
            for name in published:
                _known(name, figures, f'{at}, paper', 'figure')
        _refuse_twice([step.name for step in row.steps], f'{at} has duplicate steps')
        steps = [step.name for step in row.steps]
        for name in study.varied_steps(row):
            _known(name, steps, f'{at}, varied', 'step')
        for figure in study.figures:
            if figure.step is not None:
                _known(figure.step, steps, f'{at}, figure "{figure.name}"', 'step')
        _check_chain(study, row, tools, at)


def _check_chain(study: Study, row: Row, tools: Path, at: str) -> None:
    there = sorted(str(path.relative_to(tools)) for path in tools.rglob('*.py'))
    made: list[str] = []
    for step in row.steps:
        place = f'{at}, step "{step.name}"'
        if step.tool not in there:
            raise InputError(f'{place}: there is no tool {tools / step.tool}{nearest(step.tool, there)}')
        if step.options and step.config is None:
            raise InputError(f'{place} has options but no config: give a config or remove the options')
        known = {'out', 'shared', 'seed', *study.per_seed, *made, *(['config'] if step.config else [])}
        options = dict(step.options)
        if step.name in study.varied_steps(row):
            for column in study.columns_of(row):
                if column.options and step.config is None:
                    raise InputError(f'{place}: the column "{column.name}" sets options, but the step has no config: set "varied"')
                options |= column.options
        texts = [*step.arguments, *(step.resume or ()), *step.inputs, *_texts(options.values())]
        for name in sorted({name for text in texts for name in placeholders(text)} - known):
            hint = f'; no earlier step makes "{name}"' if '.' in name else ''
            raise InputError(f'{place}: unknown placeholder {{{name}}}{hint}{nearest(name, known)} (known: {", ".join(sorted(known))})')
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
        raise InputError(f'{message}: there is no {what} "{name}"{nearest(name, known)} (known: {", ".join(known)})')


def chosen(what: str, wanted: Iterable[Any] | None, known: list[Any]) -> list[Any]:
    """Names that the command line selects, in the order of the study.

    Args:
        what: Kind of the names, for the message: ``row``, ``column`` or ``seed``.
        wanted: Selected names. None: all.
        known: Names in the study.

    Raises:
        InputError: A selected name is not in the study.
    """
    if wanted is None:
        return known
    wanted = list(wanted)
    if unknown := [name for name in wanted if name not in known]:
        near = nearest(str(unknown[0]), map(str, known))
        raise InputError(f'the study has no {what} {unknown[0]}{near}; it has {", ".join(map(str, known))}')
    return [name for name in known if name in wanted]
