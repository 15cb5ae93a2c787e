"""Reading a config: what the command line overrides arrives everywhere, and what is missing is named before anything is built."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmbdg.assets import SCHEME, resolve
from mmbdg.compat.checkpoint import refuse_pickle
from mmbdg.errors import InputError


def read_config(path: str, options: dict | None = None) -> Config:
    """A config file with ``--cfg-options`` merged into it and its variables applied.

    Raises:
        InputError: There is no such file, or ``reach`` names something that is not there.
    """
    refuse_pickle()
    if not Path(path).is_file():
        raise InputError(f'there is no config at {path}')
    cfg = Config.fromfile(path)
    if options:
        cfg.merge_from_dict(options)
    apply_variables(cfg)
    return cfg


def apply_variables(cfg: Config) -> None:
    """Let top-level variables reach the places that ``reach`` lists for them.

    mmengine copies a variable into the model while it reads the file; what a child config or ``--cfg-options`` sets later does not
    arrive there. ``reach = dict(pretrained=['model.backbone.init_cfg.checkpoint'])`` makes it arrive.

    Raises:
        InputError: ``reach`` names an unknown variable or an unknown place.
    """
    for variable, places in cfg.get('reach', {}).items():
        if variable not in cfg:
            raise InputError(f'reach names the variable "{variable}", which the config does not set')
        for place in places:
            _assign(cfg, place.split('.'), cfg[variable], place)


def _assign(node: Any, keys: list[str], value: Any, place: str) -> None:
    for key in keys[:-1]:
        node = node[int(key)] if isinstance(node, list | tuple) else node.get(key)
        if node is None:  # a part that was switched off, e.g. init_cfg=None
            return
    if keys[-1] not in node:
        raise InputError(f'reach names "{place}", but the config has nothing there')
    node[keys[-1]] = value


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
