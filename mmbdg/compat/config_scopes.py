"""``mmseg::`` and ``mmbdg::`` in ``_base_``, also of a config that knows nothing else of us."""

from collections.abc import Callable
from typing import Any

from mmengine.config import config as mmengine_config
from mmengine.config.utils import MODULE2PACKAGE

SCOPE = 'mmbdg'
DEFAULT_SCOPE = 'mmpretrain'  # of configs/_base_/runtime.py: what names without a package mean in our files


def register_config_scopes() -> None:
    """Idempotent. Three things are mended in how mmengine reads ``_base_ = 'package::file.py'``.

    * It looks for mmseg under the name of its old distribution, and knows no mmbdg. By module name it finds either release.
    * It wants a folder in the file's name; ours has configs without one.
    * It adds ``_scope_`` to what it inherits. A function that collates samples gets that as an argument it does not know, in configs of
      any package; and names in our files are those of the package in their ``default_scope``, which mmbdg's registries do not have.
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
        if scope == SCOPE:  # cfg is a whole file then; its parts come here with the scope it got
            scope = cfg.get('default_scope', DEFAULT_SCOPE)
        cfg = convert(cfg, scope, has_scope)
        if isinstance(cfg, dict) and isinstance(cfg.get('collate_fn'), dict):
            cfg['collate_fn'].pop('_scope_', None)
        return cfg

    return dict_to_config_dict
