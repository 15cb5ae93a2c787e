"""Reading a config: what the command line overrides arrives everywhere, and what is missing is named before anything is built."""

import ast
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmbdg.assets import SCHEME, resolve
from mmbdg.errors import InputError
from mmbdg.image_files import set_image_limits


def read_config(path: str, options: dict | None = None) -> Config:
    """A config file with ``--cfg-options`` merged into it and its variables applied.

    Raises:
        InputError: There is no such file, a package that it inherits from is not installed, or ``reach`` names something that is not
            there.
    """
    if not Path(path).is_file():
        raise InputError(f'there is no config at {path}')
    try:
        cfg = Config.fromfile(path)
    except ModuleNotFoundError as error:  # of a base, mmdet::... say
        raise InputError(f'{path} needs a package: {error}. OpenMMLab\'s are installed by pip install "mmbdg[onedl,det]"') from error
    if options:
        cfg.merge_from_dict(options)
    apply_variables(cfg, options)
    set_image_limits(cfg.get('image_limits'))
    return cfg


def apply_variables(cfg: Config, options: dict | None = None) -> None:
    """Let top-level variables that were changed reach the places that ``reach`` lists for them.

    mmengine copies a variable into the model while it reads the file; what a child config or ``--cfg-options`` sets later does not
    arrive there. ``reach = dict(pretrained=['model.backbone.init_cfg.checkpoint'])`` makes it arrive. A place that is overridden itself
    keeps what it was given. ``'val_evaluator.ann_file={}/val.json'`` puts the value where the braces are.

    Args:
        cfg: With ``options`` merged into it.
        options: Of the command line, by dotted key.

    Raises:
        InputError: ``reach`` names an unknown variable or an unknown place, or a variable and one of its places are both overridden.
    """
    options = options or {}
    changed = set(options) | (_changed_variables(cfg.filename) if cfg.filename else set())
    for variable in cfg.get('reach', {}):
        if variable not in cfg:
            raise InputError(f'reach names the variable "{variable}", which the config does not set')
        spread(cfg, variable, options, changed=variable in changed)


def spread(cfg: Config, variable: str, options: dict | None = None, changed: bool = True) -> None:
    """Write a variable's value into the places that ``reach`` lists for it; one that is overridden itself keeps what it was given.

    Args:
        cfg: With ``options`` merged into it.
        variable: At the top of the config.
        options: Of the command line, by dotted key.
        changed: Else nothing is written, the places are looked up only.

    Raises:
        InputError: A place is unknown, or it and the variable are both overridden.
    """
    options = options or {}
    for entry in cfg.get('reach', {}).get(variable, ()):
        place, _, pattern = entry.partition('=')
        value = pattern.format(cfg[variable]) if pattern else cfg[variable]
        given = [key for key in options if f'{key}.'.startswith(f'{place}.') or f'{place}.'.startswith(f'{key}.')]
        node = _owner(cfg, place)
        if node is None:
            continue
        key = place.split('.')[-1]
        if given and variable in options and node[key] != value:
            raise InputError(f'{variable} and {given[0]} are both given, and {variable} decides {place}: give one of them')
        if changed and not given:
            node[key] = value


def _changed_variables(path: str) -> set[str]:
    """Names that a config or its bases set above the file whose ``reach`` lists them first: there the places have an older value."""
    return _changed_and_listed(path)[0]


def _changed_and_listed(path: str) -> tuple[set[str], set[str]]:
    """Those names, and all that ``reach`` lists in the config or its bases."""
    assigned, listed = set(), set()
    for node in ast.parse(Path(path).read_text(encoding='utf-8')).body:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        assigned |= names
        if 'reach' in names and isinstance(node.value, ast.Call):
            listed |= {keyword.arg for keyword in node.value.keywords}
    below = [_changed_and_listed(Config._get_cfg_path(base, path)[0]) for base in Config._get_base_files(path)]
    listed_below = set().union(*(names for _, names in below))
    changed = set().union(assigned, *(names for names, _ in below))
    return changed - (listed - listed_below), listed | listed_below


def _owner(cfg: Config, place: str) -> Any:
    """The dict or list that holds a place; None where a part above it was switched off, e.g. ``init_cfg=None``."""
    *above, last = place.split('.')
    node: Any = cfg
    for key in above:
        node = node[int(key)] if isinstance(node, list | tuple) else node.get(key)
        if node is None:
            return None
    if last not in node:
        raise InputError(f'reach names "{place}", but the config has nothing there')
    return node


def check_requirements(cfg: Config) -> None:
    """``requires = {path: how to get it}`` of a config: all that is missing is named at once, before anything is built.

    A key may be the name of a top-level variable that holds the path.

    Raises:
        InputError: A path does not exist.
    """
    requires = {cfg.get(path, path): how for path, how in cfg.get('requires', {}).items()}
    local = {path: how for path, how in requires.items() if path is not None and ('://' not in path or path.startswith(SCHEME))}
    missing = [f'  {path}\n      {how}' for path, how in local.items() if not resolve(path).exists()]
    if missing:
        raise InputError(f'{cfg.filename} needs what is not there (relative to {Path.cwd()}):\n' + '\n'.join(missing))


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
