"""Folders of the steps. Each contains the recipe, the log, the outputs and, after the step has finished, the result.

``STEPS/NAME-FINGERPRINT/{recipe.json, log.txt, out/, result.json}``. The name of the folder is determined by the recipe. So a step that
several rows, columns or studies share runs once, and a step with a changed recipe gets a new folder.
"""

import shutil
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.paths import inside
from mmbdg.reading import read_json, read_text
from mmbdg.schema import OpenSchema, Schema
from mmbdg.studies.checksums import content_checksum
from mmbdg.studies.recipe import Recipe
from mmbdg.studies.study import POINTER, Step


class Output(Schema):
    """An output of a step: its pattern in the study, its path below ``out/``, and its checksum."""

    pattern: str
    path: str
    sha256: str


class Result(OpenSchema):
    """A finished step.

    Args:
        name: Name of the step.
        tool: Tool of the step.
        config: Config of the step.
        seconds: Wall time of the last run.
        interrupted: Whether an earlier run was interrupted. In this case ``seconds`` is not the total time.
        machine: Machine of the last run.
        outputs: Outputs by name.
    """

    name: str
    tool: str
    config: str | None
    seconds: float
    interrupted: bool
    machine: dict[str, Any]
    outputs: dict[str, Output]


class StepFolder:
    """Folder of a step with a given recipe.

    Args:
        steps: Folder of all steps.
        step: Step of a study.
        recipe: Recipe of the step.
    """

    def __init__(self, steps: Path, step: Step, recipe: Recipe) -> None:
        self.step, self.recipe = step, recipe
        self.path = steps / f'{step.name}-{recipe.fingerprint}'
        self.out, self.log = self.path / 'out', self.path / 'log.txt'

    def result(self) -> tuple[dict | None, str]:
        """The result and '' if the step is finished and its outputs are unchanged. Otherwise None and the reason; the reason is '' if the
        step has never finished.

        Raises:
            InputError: ``result.json`` is damaged.
        """
        path = self.path / 'result.json'
        if not path.is_file():
            return None, ''
        found = read_json(path, Result)
        for name, output in found['outputs'].items():
            place = inside(self.out, output['path'], source=str(path))
            if not place.exists():
                return None, f'its output {name} ({place}) is missing'
            if content_checksum(place) != output['sha256']:
                return None, f'its output {name} ({place}) was changed'
        if {name: output['pattern'] for name, output in found['outputs'].items()} != self.step.outputs:
            return None, 'it has other outputs'
        return found, ''

    @property
    def begun(self) -> bool:
        """Whether a run was started and has not finished."""
        return (self.path / 'recipe.json').is_file() and not (self.path / 'result.json').is_file()

    def begin(self) -> bool:
        """Prepare the folder for a run. The outputs of an interrupted run are kept if the step can resume.

        Returns:
            Whether the step resumes.
        """
        resumes = self.begun and self.step.resume is not None and self.out.exists()
        (self.path / 'result.json').unlink(missing_ok=True)
        if not resumes:
            shutil.rmtree(self.out, ignore_errors=True)
        write_json(self.path / 'recipe.json', self.recipe.model_dump())
        return resumes

    def finish(self, seconds: float, interrupted: bool, machine: dict) -> dict:
        """Write the result of a finished run.

        Raises:
            InputError: An output is missing.
        """
        outputs = {}
        for name, pattern in self.step.outputs.items():
            path = inside(self.out, pattern.removeprefix(POINTER))
            if pattern.startswith(POINTER) and path.is_file():
                path = self.out / Path(read_text(path).strip()).name
            if not path.exists():
                raise InputError(f'{self.step.tool} did not write its output {name}: {path} is missing; its log is {self.log}')
            outputs[name] = dict(pattern=pattern, path=path.relative_to(self.out).as_posix(), sha256=content_checksum(path))
        step = self.step
        about = dict(name=step.name, tool=step.tool, config=step.config, seconds=round(seconds, 2), interrupted=interrupted)
        write_json(self.path / 'result.json', dict(**about, machine=machine, outputs=outputs))
        return read_json(self.path / 'result.json', Result)

    def outputs(self, result: dict) -> dict[str, Path]:
        """Paths of the outputs, by the names that later steps use."""
        return {f'{self.step.name}.{name}': self.out / output['path'] for name, output in result['outputs'].items()}
