"""Make ``mmseg::`` and ``mmbdg::`` work in ``_base_``, also in configs of other packages."""

from collections.abc import Callable
from typing import Any

from mmengine.config import config as mmengine_config
from mmengine.config.utils import MODULE2PACKAGE

SCOPE = 'mmbdg'
DEFAULT_SCOPE = 'mmpretrain'  # default_scope of configs/_base_/runtime.py: the scope of types without a scope in our configs


def register_config_scopes() -> None:
    """Fix three faults in the way mmengine reads ``_base_ = 'package::file.py'``. Idempotent.

    * mmengine looks for mmseg under the name of its old distribution and does not know mmbdg. With the module name it finds both.
    * mmengine requires a folder in the path; some configs of mmbdg lie in no folder.
    * mmengine adds ``_scope_`` to inherited dicts. ``collate_fn`` then gets an unknown argument, in configs of any package; and the types
      in our configs belong to their ``default_scope``, not to mmbdg.
    """
    MODULE2PACKAGE['mmseg'] = 'mmseg'
    MODULE2PACKAGE[SCOPE] = SCOPE
    if not hasattr(mmengine_config, '_mended_by_mmbdg'):
        mmengine_config._mended_by_mmbdg = True
        mmengine_config._get_package_and_cfg_path = _without_a_folder(mmengine_config._get_package_and_cfg_path)
        mmengine_config.Config._dict_to_config_dict = staticmethod(_with_scope(mmengine_config.Config._dict_to_config_dict))


def _without_a_folder(read: Callable[[str], tuple[str, str]]) -> Callable[[str], tuple[str, str]]:
    def package_and_path(cfg_path: str) -> tuple[str, str]:
        package, _, path = cfg_path.partition('::')
        return (SCOPE, path) if package == SCOPE and path and '/' not in path and '::' not in path else read(cfg_path)

    return package_and_path


def _with_scope(convert: Callable[..., Any]) -> Callable[..., Any]:
    def dict_to_config_dict(cfg: Any, scope: str | None = None, has_scope: bool = True) -> Any:
        if scope == SCOPE:  # cfg is the whole file; this function is then called for its parts with the new scope
            scope = cfg.get('default_scope', DEFAULT_SCOPE)
        cfg = convert(cfg, scope, has_scope)
        if isinstance(cfg, dict) and isinstance(cfg.get('collate_fn'), dict):
            cfg['collate_fn'].pop('_scope_', None)
        return cfg

    return dict_to_config_dict
