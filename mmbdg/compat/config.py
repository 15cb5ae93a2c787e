"""Read a config, apply ``--cfg-options`` to it, and report errors and missing files before anything is built."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmbdg.assets import SCHEME, resolve
from mmbdg.calling import as_called
from mmbdg.compat.config_errors import plain_reading
from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.compat.config_names import config_path
from mmbdg.compat.config_options import TOOLS, as_meant, check_arrival, check_known, runner_keys, value_at
from mmbdg.compat.config_variables import evaluated
from mmbdg.errors import InputError, listed
from mmbdg.image_files import set_image_limits
from mmbdg.paths import check_regular
from mmbdg_cli.places import CONFIGS

SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def read_config(path: str | os.PathLike, options: Mapping[str, Any] | None = None, used: Collection[str] | None = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    An option for a variable of the file, or for a part of a variable, replaces its value at the assignment; values computed from the
    variable follow, also in files that inherit. An option for any other key is set after evaluation. See docs/configs.md.

    Args:
        path: Path or name of the config, see :func:`~mmbdg.compat.config_names.config_path`.
        options: Values by dotted key; a plus before the key allows a key that is otherwise unknown. Default: none.
        used: Top-level keys from which the caller builds something; an option for a variable must change one of them. Default: the keys
            that a Runner or the tools of this package use.

    Raises:
        InputError: The file does not exist, it or one of its bases cannot be evaluated, or an option has no effect.
    """
    path = config_path(path)
    check_regular(path)
    if Path(path).suffix not in SUFFIXES:
        raise InputError(f'{path} is not a config: its name must end in one of {", ".join(SUFFIXES)}')
    plain = with_options(path, {})  # without options
    if not plain.keys():
        raise InputError(f'{path} sets nothing')
    if not options:
        set_image_limits(plain.get('image_limits'))
        return plain
    given, insisted = as_meant(plain, options)
    seen = {frozenset(): plain}

    def read(some: Collection[str]) -> Config:
        if (keys := frozenset(some)) not in seen:
            seen[keys] = with_options(path, {key: given[key] for key in given if key in keys})
        return seen[keys]

    wanted = [key for key in given if key not in insisted]
    for key in wanted:
        check_known(plain, lambda: read(given), key)
    cfg = read(given)
    used = {*runner_keys(), *TOOLS} if used is None else used
    if 'label_classes' in plain:  # fit_labels derives num_labels from these keys
        used = {*used, 'label_space', 'label_classes'}
    for key in wanted:
        check_arrival(read, given, key, used)
    set_image_limits(cfg.get('image_limits'))
    return cfg


def with_options(path: str, options: Mapping[str, Any]) -> Config:
    """A config file with options that were checked before; :func:`read_config` checks them.

    Args:
        path: Path or name of the config.
        options: Values by dotted key.

    Raises:
        InputError: The file cannot be evaluated, or the options do not fit it.
    """
    path, files = config_path(path), []
    variables = {key: value for key, value in options.items() if key.split('.')[0] not in runner_keys()}
    with plain_reading(path, files):
        cfg = evaluated(path, variables, runner_keys(), files)
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f'--cfg-options do not fit {path}: {str(error).strip(chr(34))}') from error
    return cfg


def check_keys(cfg: Config, *parts: str) -> None:
    """Check the keys of a config against the arguments of the classes that it names.

    Args:
        cfg: Config to check.
        *parts: Top-level keys to check; default: all keys from which something is built.

    Raises:
        InputError: Some keys are unknown; the message lists all of them with their position.
    """
    if problems := list(unknown_keys(cfg, parts or TOP)):
        raise InputError(f'{cfg.filename}: ' + (problems[0] if len(problems) == 1 else f'unknown keys:\n  {listed(problems)}'))


def check_requirements(cfg: Config, paths: Collection[str] | None = None) -> None:
    """Check that the files in ``requires = {path: how to get it}`` of a config exist, before anything is built.

    A key may be the name of a top-level variable that holds the path. ``{config_dir}`` in the text stands for the folder of the config.

    Args:
        cfg: Config to check.
        paths: Paths that the caller needs; default None: all.

    Raises:
        InputError: Paths do not exist; the message lists all of them.
    """
    given = cfg.get('requires') or {}
    if not isinstance(given, Mapping):
        raise InputError(f'{cfg.filename}: requires must be a dict of paths and how to get them, got {given!r}')
    requires = [(cfg.get(path, path), how) for path, how in given.items() if paths is None or cfg.get(path, path) in paths]
    local = {path: how for path, how in requires if isinstance(path, str) and ('://' not in path or path.startswith(SCHEME))}
    missing = [f'  {path}\n      {with_config_dir(cfg, how)}' for path, how in local.items() if not resolve(path).exists()]
    if missing:
        raise InputError(f'{cfg.filename} needs files that do not exist (relative to {Path.cwd()}):\n' + '\n'.join(missing))


def check_parts(cfg: Config, *keys: str) -> None:
    """Check that the given top-level keys of a config are dicts.

    Raises:
        InputError: A key is missing, or its value is not a dict.
    """
    for key in keys:
        if not isinstance(cfg.get(key), Mapping):
            raise InputError(f'{cfg.filename} has no {key}=dict(...)')


def with_config_dir(cfg: Config, text: str) -> str:
    """Make the commands in a text of a config right for its reader.

    ``{config_dir}`` becomes the folder of the config, also of a copied one; for a config of this package ``configs/...``, which is found
    from every folder (:mod:`mmbdg.compat.config_names`). Tools are named as the running one was started.
    """
    text = as_called(str(text))
    if not cfg.filename:
        return text
    folder = Path(cfg.filename).parent
    place = os.path.relpath(folder)
    if folder.resolve().is_relative_to(CONFIGS):
        name = Path('configs', folder.resolve().relative_to(CONFIGS))
        place = str(name) if not name.exists() or name.samefile(folder) else place
    return text.replace('{config_dir}', place)


def interpreter_config(path: str, options: Mapping[str, Any] | None, *needed: str) -> Config:
    """Read the config of a feature interpreter training.

    Args:
        path, options: See :func:`read_config`.
        *needed: Keys of ``train_dataloader.dataset`` that the caller needs.

    Raises:
        InputError: The config trains another model, or a key is missing.
    """
    cfg = read_config(path, options)
    model = cfg.get('model')
    if not isinstance(model, dict) or model.get('type') != 'mmbdg.InterpreterTraining' or not isinstance(model.get('generator'), dict):
        raise InputError(f'{path} trains no interpreter; give the config of the interpreter training')
    check_keys(cfg, 'model')
    data = value_at(cfg, ['train_dataloader', 'dataset'])
    if missing := [key for key in needed if not isinstance(data, dict) or key not in data]:
        raise InputError(f'{path} has no train_dataloader.dataset.{missing[0]}')
    return cfg


def generator_config(cfg: Config) -> dict:
    """Config of the generator, from ``generator = dict(...)`` or ``model = dict(generator=dict(...))``.

    Raises:
        InputError: The config has no generator.
    """
    model = cfg.get('model')
    generator = cfg.get('generator') or (model.get('generator') if isinstance(model, dict) else None)
    if not isinstance(generator, dict):
        raise InputError(f'{cfg.filename} has no generator=dict(...), neither at the top nor in its model')
    return generator
