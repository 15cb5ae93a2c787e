"""Reading a config: what the command line sets arrives, and what is wrong or missing is named before anything is built."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmbdg.assets import SCHEME, resolve
from mmbdg.compat.config_errors import plain_reading
from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.compat.config_options import TOOLS, as_meant, check_arrival, check_known, runner_keys, value_at
from mmbdg.compat.config_variables import evaluated
from mmbdg.errors import InputError, listed
from mmbdg.image_files import set_image_limits
from mmbdg.paths import check_regular

SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def read_config(path: str | os.PathLike, options: Mapping[str, Any] | None = None, used: Collection[str] | None = None) -> Config:
    """A config file with ``--cfg-options``.

    An option for a variable of the file, or for a part of one, holds from its assignment on: what is computed from it follows, in the
    files that inherit too. An option for a part of what is built is set in the end. See docs/configs.md.

    Args:
        path: The file.
        options: By dotted key; a plus before the key lets it be one that nothing knows.
        used: Top-level keys that the caller builds something from; an option for a variable must change one of them. Default: what a
            Runner takes, and what our tools do.

    Raises:
        InputError: There is no such file, it or what it inherits from cannot be evaluated, or an option is for nothing.
    """
    path = str(path)
    if not Path(path).exists():
        raise InputError(f'there is no config at {path}')
    check_regular(path)
    if Path(path).suffix not in SUFFIXES:
        raise InputError(f'{path} is no config: its name ends in none of {", ".join(SUFFIXES)}')
    plain = with_options(path, {})  # as the files say
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
    if 'label_classes' in plain:  # they decide num_labels, see fit_labels
        used = {*used, 'label_space', 'label_classes'}
    for key in wanted:
        check_arrival(read, given, key, used)
    set_image_limits(cfg.get('image_limits'))
    return cfg


def with_options(path: str, options: Mapping[str, Any]) -> Config:
    """A config file with options that were checked before; :func:`read_config` checks them.

    Args:
        path: The file.
        options: Values by dotted key.

    Raises:
        InputError: The file cannot be evaluated, or the options do not fit it.
    """
    files: list[str] = []
    variables = {key: value for key, value in options.items() if key.split('.')[0] not in runner_keys()}
    with plain_reading(path, files):
        cfg = evaluated(path, variables, runner_keys(), files)
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f'--cfg-options do not fit {path}: {str(error).strip(chr(34))}') from error
    return cfg


def check_keys(cfg: Config, *parts: str) -> None:
    """Refuse keys that the classes which a config names do not take.

    Args:
        cfg: The config.
        *parts: Top-level keys to look through; default: all that something is built from.

    Raises:
        InputError: There are some; all are listed with their places.
    """
    if problems := list(unknown_keys(cfg, parts or TOP)):
        raise InputError(f'{cfg.filename}: ' + (problems[0] if len(problems) == 1 else f'unknown keys:\n  {listed(problems)}'))


def check_requirements(cfg: Config, paths: Collection[str] | None = None) -> None:
    """``requires = {path: how to get it}`` of a config: all that is missing is named at once, before anything is built.

    A key may be the name of a top-level variable that holds the path. ``{config_dir}`` in the text is the folder of the config.

    Args:
        cfg: The config.
        paths: Those that the caller needs; default: all.

    Raises:
        InputError: A path does not exist.
    """
    given = cfg.get('requires') or {}
    if not isinstance(given, Mapping):
        raise InputError(f'{cfg.filename}: requires must be a dict of paths and how to get them, got {given!r}')
    requires = [(cfg.get(path, path), how) for path, how in given.items() if paths is None or cfg.get(path, path) in paths]
    local = {path: how for path, how in requires if isinstance(path, str) and ('://' not in path or path.startswith(SCHEME))}
    missing = [f'  {path}\n      {with_config_dir(cfg, how)}' for path, how in local.items() if not resolve(path).exists()]
    if missing:
        raise InputError(f'{cfg.filename} needs what is not there (relative to {Path.cwd()}):\n' + '\n'.join(missing))


def check_parts(cfg: Config, *keys: str) -> None:
    """See that a config has these parts.

    Raises:
        InputError: It lacks one, or one is no dict.
    """
    for key in keys:
        if not isinstance(cfg.get(key), Mapping):
            raise InputError(f'{cfg.filename} has no {key}=dict(...)')


def with_config_dir(cfg: Config, text: str) -> str:
    """What a config says, with its own folder for ``{config_dir}``: whoever copies a folder of configs is told the commands of the copy."""
    return str(text).replace('{config_dir}', os.path.relpath(Path(cfg.filename).parent)) if cfg.filename else str(text)


def interpreter_config(path: str, options: Mapping[str, Any] | None, *needed: str) -> Config:
    """The config of the training of feature interpreters: what annotated latents are made for.

    Args:
        path, options: As :func:`read_config`.
        *needed: Keys of ``train_dataloader.dataset`` that the caller reads.

    Raises:
        InputError: It trains something else, or a key is missing.
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
    """The generator of a config, ``generator = dict(...)`` or ``model = dict(generator=dict(...))``.

    Raises:
        InputError: There is none.
    """
    model = cfg.get('model')
    generator = cfg.get('generator') or (model.get('generator') if isinstance(model, dict) else None)
    if not isinstance(generator, dict):
        raise InputError(f'{cfg.filename} has no generator=dict(...), neither at the top nor in its model')
    return generator
