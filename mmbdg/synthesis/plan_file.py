"""What was asked for, in ``logs/plan.json``: with it a damaged dataset can be made whole without the config that made it."""

import os
from pathlib import Path
from typing import Any

from mmbdg.classifiers.from_data import check_classifier_from_data
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema
from mmbdg.sources.class_list import SUFFIX
from mmbdg.sources.hub import PREFIX, may_be_repository
from mmbdg.synthesis.plan import Synthesis

PLAN = 'logs/plan.json'
PATHS = ('labelled_generator', 'checkpoint', 'weights', 'config')
"""Keys of sources and filters that hold paths."""
SOURCE_PATHS = ('model', 'prompts', 'init')
"""Further keys of sources that hold paths."""


class PlanFile(OpenSchema):
    """Content of the file; :class:`~mmbdg.synthesis.Synthesis` checks the values."""

    source: dict
    filters: list[dict]


def write_plan(root: str | os.PathLike, plan: Synthesis) -> None:
    """With absolute paths, where they are those of files on this machine."""
    content = plan.plain()
    named = str(content['source'].get('classes', '')).endswith(SUFFIX)  # else it is the name of a list, not a path
    content['source'] = _with_absolute_paths(content['source'], PATHS + SOURCE_PATHS + (('classes',) if named else ()))
    content['filters'] = _with_absolute_paths(list(content['filters']))
    write_json(Path(root) / PLAN, content, sync=False)


def read_plan(root: str | os.PathLike) -> Synthesis:
    """The plan of a dataset's last synthesis.

    The file is data, which may come from a stranger: what it names is built from a closed list of types.

    Raises:
        InputError: There is none, it is damaged, or it names what is not on the list: the config has to be named.
    """
    path = Path(root) / PLAN
    advice = 'name the config that made the dataset: --config CONFIG'
    if not path.is_file():
        raise InputError(f'{path} is not there: {advice}')
    try:
        content = read_json(path, PlanFile)
        for key, is_repository in (('labelled_generator', may_be_repository), ('model', lambda name: name.startswith(PREFIX))):
            if is_repository(name := str(content['source'].get(key, ''))):
                raise InputError(f'{path} names the repository {name}; a file of data does not start a download')
        for number, entry in enumerate(content['filters']):
            if entry.get('classifier') is not None:
                check_classifier_from_data(entry['classifier'], f'{path}: filters.{number}.classifier')
        return Synthesis.from_config(content)
    except InputError as error:
        raise InputError(f'{error}; {advice}') from error


def _with_absolute_paths(value: Any, keys: tuple[str, ...] = PATHS) -> Any:
    if isinstance(value, dict):
        return {key: _absolute(part) if key in keys else _with_absolute_paths(part) for key, part in value.items()}
    return [_with_absolute_paths(part) for part in value] if isinstance(value, list | tuple) else value


def _absolute(path: Any) -> Any:
    """Of a file or folder that is there; a name of something else stays."""
    there = isinstance(path, str | os.PathLike) and os.path.exists(os.path.expanduser(path))
    return os.path.abspath(os.path.expanduser(path)) if there else path
