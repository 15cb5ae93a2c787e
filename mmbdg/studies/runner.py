"""Runs a study: runs missing steps, reports why a step runs again, and writes the tables."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Any

from mmbdg.errors import InputError
from mmbdg.files import write_atomically, write_json
from mmbdg.machine import describe_machine
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema
from mmbdg.studies.figures import figure_value, validations
from mmbdg.studies.forked_tools import Chain, ToolRun, work_off
from mmbdg.studies.placeholders import as_option, filled
from mmbdg.studies.plot import draw
from mmbdg.studies.recipe import changes, recipe, resolved_config
from mmbdg.studies.results import Results, Run, greatest_deviation, published_results
from mmbdg.studies.store import Result, StepFolder
from mmbdg.studies.study import VALIDATIONS, Column, Row, Step, Study
from mmbdg.studies.tables import as_latex, as_markdown


class Owner(OpenSchema):
    """Study that an output folder belongs to: content of ``study.json``."""

    study: str


@dataclass(frozen=True)
class Cell:
    """One cell of the table with one seed."""

    row: Row
    column: Column
    seed: int

    def __str__(self) -> str:
        return f'{self.row.name}, {self.column.name}, seed {self.seed}'


@dataclass
class Prepared:
    """A step whose inputs exist.

    Args:
        folder: Folder of the step.
        arguments: Command line without ``resume``.
        result: Result of the step if it is finished and valid, else None.
        reason: Reason why the step runs again; '' if it has never run.
    """

    folder: StepFolder
    arguments: list[str]
    result: dict | None
    reason: str


class StudyRunner:
    """Runs a study in a folder.

    Args:
        study: Study to run.
        config: File name of its config. The files with the tables have the stem of this name.
        out: Output folder of the study.
        tools: Folder of the tools.
        steps: Folder of the steps. Several studies may share it. Default: ``steps`` in ``out``.
        say: Function that receives messages for the user. Default: ``print``.

    Raises:
        InputError: The folder belongs to another study or contains other files.
    """

    def __init__(
        self,
        study: Study,
        config: str,
        out: Path,
        tools: Path,
        steps: Path | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.study, self.config, self.out, self.tools, self.say = study, config, out, tools, say
        self.name = Path(config).stem
        self.steps = steps or out / 'steps'
        self.results = Results(study)
        self._configs: dict[tuple, dict[str, Any]] = {}
        self._reported: set[str] = set()
        check_owner(out, self.name)
        self.recipes = out / 'recipes'

    @cached_property
    def machine(self) -> dict[str, Any]:
        """Description of this machine. A separate process makes it, because a process that has used CUDA cannot be forked."""
        with ProcessPoolExecutor(1, multiprocessing.get_context('fork')) as pool:
            return pool.submit(_this_machine, self.study.threads).result()

    def cells(self, rows: list[str], columns: list[str], seeds: list[int]) -> list[Cell]:
        """Cells of the given rows, columns and seeds, ordered by seed."""
        return [
            Cell(row, column, seed)
            for seed in seeds
            for row in self.study.rows
            if row.name in rows
            for column in self.study.columns_of(row)
            if column.name in columns
        ]

    def check_configs(self, cells: list[Cell]) -> None:
        """Check the config of every step with its options. Each set of options is checked once.

        Raises:
            InputError: A config is missing, or has no key for an option.
        """
        from mmbdg.arguments import parsed
        from mmbdg.engine.launch import read_fitted

        seen = set()
        for cell in cells:
            for step in cell.row.steps:
                options = self._options(cell, step)
                key = step.config, tuple(options), str(step.options)
                if step.config is None or key in seen:
                    continue
                seen.add(key)
                try:
                    typed = dict(as_option(name, value).partition('=')[::2] for name, value in options.items())
                    read_fitted(step.config, {name: parsed(text) for name, text in typed.items()})
                except InputError as error:
                    place = f'row "{cell.row.name}", column "{cell.column.name}", step "{step.name}"'
                    raise InputError(f'{self.config}: {place}: {error}') from error

    def _values(self, cell: Cell) -> dict[str, Any]:
        """Values of the placeholders that are not files."""
        index = self.study.seeds.index(cell.seed)
        return dict(seed=cell.seed) | {name: values[index] for name, values in self.study.per_seed.items()}

    def _options(self, cell: Cell, step: Step) -> dict[str, Any]:
        """Options of a step. Placeholders of values are replaced; placeholders of files are not."""
        options = dict(step.options)
        if step.name in self.study.varied_steps(cell.row):
            options |= cell.column.options
        return {key: filled(value, self._values(cell)) for key, value in options.items()}

    def _config(self, path: str, options: dict[str, str]) -> dict[str, Any]:
        key = path, tuple(options.items())
        if key not in self._configs:
            self._configs[key] = resolved_config(path, options)
        return self._configs[key]

    def prepared(self, cell: Cell, step: Step, made: dict[str, Path]) -> Prepared:
        """Prepare a step whose earlier steps are finished.

        Args:
            cell: Row, column and seed.
            step: Step of the row.
            made: Outputs of the earlier steps, by name.
        """
        values = self._values(cell) | (dict(config=step.config) if step.config else {})
        options = [as_option(key, value) for key, value in self._options(cell, step).items()]
        template = [str(filled(text, values)) for text in step.arguments]
        template += ['--cfg-options', *options] if options else []
        config = self._config(step.config, dict(option.partition('=')[::2] for option in options)) if step.config else {}
        used = {name: path for name, path in made.items() if any(f'{{{name}}}' in text for text in template)}
        used |= {text: Path(text) for text in (str(filled(text, values)) for text in step.inputs) if text not in made}
        tool = self.tools / step.tool
        content = recipe(tool, template, config, used, self.study.threads, step.processes, (self.out, self.steps))
        folder = StepFolder(self.steps, step, content)
        result, reason = folder.result()
        if result is None and not reason:
            reason = self._reason(cell, step, folder)
        places = made | dict(out=folder.out, shared=self.out / 'shared')
        return Prepared(folder, [str(filled(text, places)) for text in template], result, reason)

    def _memory(self, cell: Cell, step: Step) -> Path:
        return self.recipes / cell.row.name / cell.column.name / f'seed{cell.seed}' / f'{step.name}.json'

    def _reason(self, cell: Cell, step: Step, folder: StepFolder) -> str:
        if folder.begun:
            return 'it was interrupted: ' + ('it resumes' if step.resume is not None and folder.out.exists() else 'it starts again')
        memory = self._memory(cell, step)
        if not memory.is_file():
            return ''
        return changes(read_json(memory, dict[str, Any]), folder.recipe) or 'its folder is missing'

    def chain(self, cell: Cell, done: Callable[[Cell], None]) -> Chain:
        """Yield the missing tool runs of a cell, then add its figures to the results."""
        made: dict[str, Path] = {}
        folders, results = {}, {}
        for step in cell.row.steps:
            ready = self.prepared(cell, step, made)
            folder, result = ready.folder, ready.result
            if result is None:
                if ready.reason and str(folder.path) not in self._reported:
                    self._reported.add(str(folder.path))
                    self.say(f'{step.name} of {cell} runs again: {ready.reason}')
                result = yield from self._made(ready)
            write_json(self._memory(cell, step), folder.recipe.model_dump(), sync=False)
            folders[step.name], results[step.name] = folder, result
            made |= folder.outputs(result) | {f'{step.name}.out': folder.out}
        self.results.add(cell.row.name, cell.column.name, cell.seed, self._run(cell.row, folders, results))
        done(cell)

    def _made(self, ready: Prepared) -> Iterator[ToolRun]:
        """Run the tool of a step, or wait until another chain has run it."""
        folder, step = ready.folder, ready.folder.step
        begun, arguments, other = folder.begun, ready.arguments, folder.path in self._at_work
        if not other:
            self._at_work.add(folder.path)
            if folder.begin():
                n = len(step.arguments)
                arguments = [*arguments[:n], *(step.resume or ()), *arguments[n:]]  # before the options
        seconds = yield ToolRun(self.tools / step.tool, tuple(arguments), folder.log, step.processes)
        if not other:
            self._at_work.discard(folder.path)
            machine = self.machine | dict(date=datetime.now(UTC).isoformat(timespec='seconds'))
            return folder.finish(seconds or 0.0, begun, machine)
        result, reason = folder.result()
        if result is None:
            raise InputError(
                f'the result in {folder.path} is missing or invalid although another run of the step has ended; run the study again'
            )
        return result

    @cached_property
    def _at_work(self) -> set[Path]:
        return set()

    def _run(self, row: Row, folders: dict[str, StepFolder], results: dict[str, dict]) -> Run:
        """Figures of a cell whose steps are finished."""
        figures, logged = {}, {}
        for figure in self.study.figures:
            out = folders[self.study.step_of(figure, row).name].out
            figures[figure.name] = figure_value(figure, out)
            source, _, key = figure.read.partition(':')
            if source == VALIDATIONS:
                logged.setdefault(out, []).append(key)
        lines = [line for out, keys in logged.items() for line in validations(out, keys)]
        kept = {key for keys in logged.values() for key in keys} | {'step'}
        taken = [
            dict(step=name, fingerprint=folders[name].recipe.fingerprint, seconds=result['seconds'],
                 interrupted=result['interrupted'], machine=result['machine'])
            for name, result in results.items()
        ]  # fmt: skip
        return Run(figures, [{key: value for key, value in line.items() if key in kept} for line in lines], taken)

    def keep_valid(self, cells: list[Cell]) -> None:
        """Add the figures of cells that are not part of this run, if they are finished and still valid."""
        for cell in cells:
            made: dict[str, Path] = {}
            folders, results = {}, {}
            if not self._memory(cell, cell.row.steps[0]).is_file():
                continue
            try:
                for step in cell.row.steps:
                    ready = self.prepared(cell, step, made)
                    if ready.result is None:
                        if ready.reason:
                            self.say(f'{cell} is no longer valid and is omitted from the tables: {step.name}: {ready.reason}')
                        break
                    folders[step.name], results[step.name] = ready.folder, ready.result
                    made |= ready.folder.outputs(ready.result) | {f'{step.name}.out': ready.folder.out}
                else:
                    self.results.add(cell.row.name, cell.column.name, cell.seed, self._run(cell.row, folders, results))
            except InputError as error:
                self.say(f'{cell} is omitted from the tables: {error}')

    def run(self, cells: list[Cell], jobs: int = 1, done: Callable[[Cell], None] = lambda cell: None) -> str:
        """Run the missing steps of the cells and write the tables after each cell.

        Args:
            cells: Cells to complete.
            jobs: Number of tools that run at the same time. Default: 1.
            done: Function that is called after each cell.

        Returns:
            The tables as Markdown.
        """
        write_json(self.out / 'study.json', dict(study=self.name, config=self.config))

        def after(cell: Cell) -> None:
            self.write()
            done(cell)

        work_off((self.chain(cell, after) for cell in cells), jobs, self.study.threads)
        draw(self.results, self.out / f'{self.name}.png')
        return self.write()

    def write(self) -> str:
        """Write the results so far: JSON, Markdown and LaTeX."""
        text, latex = as_markdown(self.results), as_latex(self.results)
        write_json(self.out / f'{self.name}.json', self.results.as_json(self.config))
        write_atomically(self.out / f'{self.name}.md', lambda part: part.write_text(text, encoding='utf-8'))
        write_atomically(self.out / f'{self.name}.tex', lambda part: part.write_text(latex, encoding='utf-8'))
        return text

    def compared(self) -> list[str]:
        """Messages with the differences between the figures and the published ones."""
        if self.study.reference is None:
            return []
        published, lines = published_results(self.study), []
        where = self.study.reference.partition(':')[0]
        for name, (most, n) in greatest_deviation(self.results, published).items():
            figure = next(figure for figure in self.study.figures if figure.name == name)
            lines.append(f'{figure.title or name}: {n} runs are in {where} too; greatest difference {most:.{figure.digits + 2}f}')
        return lines

    def missing(self, cells: list[Cell], jobs: int = 1) -> list[str]:
        """Messages with the steps that would run and their estimated minutes, from the times of earlier runs."""
        seconds = self._seconds_before()
        lines, total, unknown, listed = [], 0.0, 0, set()
        for cell in cells:
            made: dict[str, Path] = {}
            waits = ''
            for step in cell.row.steps:
                ready = None if waits else self.prepared(cell, step, made)
                if ready is not None and ready.result is not None:
                    made |= ready.folder.outputs(ready.result) | {f'{step.name}.out': ready.folder.out}
                    continue
                if ready is not None:
                    key, why = str(ready.folder.path), ready.reason
                else:
                    key, why = (
                        f'{waits}: {step.name} {list(self._options(cell, step).items())} {step.arguments}',
                        f'after {waits.split("/")[-1]}',
                    )
                waits = key
                if key in listed:
                    continue
                listed.add(key)
                before = seconds.get((step.tool, step.name, step.config)) or seconds.get((step.tool, step.name, None))
                total, unknown = total + (mean(before) if before else 0.0), unknown + (not before)
                minutes = f'about {mean(before) / 60:.1f} minutes' if before else 'no such step ran before'
                lines.append(f'{step.name} of {cell}: {minutes}' + (f' ({why})' if why and ready is not None else ''))
        if lines:
            more = f', and {unknown} steps of unknown time' if unknown else ''
            lines.append(f'{len(lines)} steps would run, about {total / 60 / jobs:.1f} minutes with {jobs} at once{more}')
        else:
            lines.append('nothing is missing')
        return lines

    def _seconds_before(self) -> dict[tuple[str, str, str | None], list[float]]:
        """Wall times of the finished steps, by tool, step and config, and by tool and step."""
        found: dict[tuple[str, str, str | None], list[float]] = {}
        for path in sorted(self.steps.glob('*/result.json')):
            result = read_json(path, Result)
            if not result['interrupted']:
                for config in {result['config'], None}:
                    found.setdefault((result['tool'], result['name'], config), []).append(result['seconds'])
        return found


def _this_machine(threads: int) -> dict[str, Any]:
    import torch

    machine = describe_machine(torch.device('cuda' if torch.cuda.is_available() else 'cpu'))
    return machine | dict(threads=threads)


def check_owner(out: Path, name: str) -> None:
    """Check that an output folder belongs to the study.

    Raises:
        InputError: The folder belongs to another study or contains other files.
    """
    path = out / 'study.json'
    if path.is_file():
        owner = read_json(path, Owner)['study']
        if owner != name:
            raise InputError(f'{out} belongs to the study "{owner}", and this one is "{name}": choose another folder')
    elif out.is_dir() and any(entry.name not in ('steps', 'working') for entry in out.iterdir()):
        raise InputError(f'{out} contains other files and no study: choose an empty folder or a new one')
