"""The plan of a dataset in ``logs/plan.json``. With it a damaged dataset can be repaired without its config."""

import os
from pathlib import Path
from typing import Any

from mmbdg.classifiers.from_data import check_classifier_from_data
from mmbdg.data_configs import DEEPEST
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema
from mmbdg.sources.class_list import SUFFIX
from mmbdg.sources.hub import PREFIX, may_be_repository
from mmbdg.synthesis.plan import Synthesis

PLAN = 'logs/plan.json'
PATHS = ('labelled_generator', 'checkpoint', 'weights', 'config', 'judge')
"""Keys of sources and filters that hold paths."""
SOURCE_PATHS = ('model', 'prompts', 'init', 'pool', 'index', 'folder', 'images', 'labeller')
"""Further keys of sources that hold paths."""


class PlanFile(OpenSchema):
    """Content of the file; :class:`~mmbdg.synthesis.Synthesis` checks the values."""

    source: dict
    filters: list[dict]


def write_plan(root: str | os.PathLike, plan: Synthesis) -> None:
    """Write the plan of a dataset. Paths of existing files become absolute."""
    content = plan.plain()
    named = str(content['source'].get('classes', '')).endswith(SUFFIX)  # else it is the name of a list, not a path
    content['source'] = _with_absolute_paths(content['source'], PATHS + SOURCE_PATHS + (('classes',) if named else ()))
    content['filters'] = _with_absolute_paths(list(content['filters']))
    write_json(Path(root) / PLAN, content, sync=False)


def read_plan(root: str | os.PathLike) -> Synthesis:
    """Read the plan of a dataset's last synthesis.

    The file is untrusted data. Only types of a closed list are built from it.

    Raises:
        InputError: The file is missing or damaged, or it names a type that is not on the list. The config is needed then.
    """
    path = Path(root) / PLAN
    advice = 'name the config that made the dataset: --config CONFIG'
    if not path.is_file():
        raise InputError(f'{path} does not exist: {advice}')
    try:
        content = read_json(path, PlanFile)
        for key, is_repository in (('labelled_generator', may_be_repository), ('model', lambda name: name.startswith(PREFIX))):
            if is_repository(name := str(content['source'].get(key, ''))):
                raise InputError(f'{path} names the repository {name}; data files must not start downloads')
        for number, entry in enumerate(content['filters']):
            _check_classifiers(entry, f'{path}: filters.{number}')
        _check_classifiers(content['source'], f'{path}: source')
        return Synthesis.from_config(content)
    except InputError as error:
        raise InputError(f'{error}; {advice}') from error


def _check_classifiers(value: Any, where: str, depth: int = 0) -> None:
    """Check the configs of classifiers in a part: of a filter, or of an embedder of a source.

    Raises:
        InputError: One names a config file, which is a program, or a type that is not allowed; or the part is nested too deeply.
    """
    if depth > DEEPEST:
        raise InputError(f'{where} is nested too deeply')
    if isinstance(value, dict):
        for key, part in value.items():
            if key == 'classifier' and part is not None:
                check_classifier_from_data(part, f'{where}.{key}')
            else:
                _check_classifiers(part, f'{where}.{str(key)[:80]}', depth + 1)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check_classifiers(part, f'{where}.{number}', depth + 1)


def _with_absolute_paths(value: Any, keys: tuple[str, ...] = PATHS) -> Any:
    if isinstance(value, dict):
        return {key: _absolute(part) if key in keys else _with_absolute_paths(part, keys) for key, part in value.items()}
    return [_with_absolute_paths(part, keys) for part in value] if isinstance(value, list | tuple) else value


def _absolute(path: Any) -> Any:
    """Return the absolute path of an existing file or folder. Other values stay unchanged."""
    there = isinstance(path, str | os.PathLike) and os.path.exists(os.path.expanduser(path))
    return os.path.abspath(os.path.expanduser(path)) if there else path
