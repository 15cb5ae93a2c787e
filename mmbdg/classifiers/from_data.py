"""Check the config of a classifier that comes from an untrusted data file: only a closed list of types, and no config programs."""

import re
from collections.abc import Mapping
from typing import Any

from mmbdg.classifiers.build import KINDS
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

LIBRARY_KEYS = ('type', 'model', 'weights', 'classes', 'prefix', 'in_order')
FILE_KEYS = ('type', 'config', 'checkpoint', 'classes', 'prefix', 'in_order')
OF_THE_PACKAGE = re.compile(r'mmpretrain::[\w-]+(/[\w-]+)*\.py')
TYPE_NAME = re.compile(r'((mmpretrain|mmbdg)\.)?(\w+)')
HOMES = ('mmpretrain.models.', 'mmbdg.', 'mmcv.cnn.', 'mmengine.model.', 'torch.nn.')
"""Beginnings of the modules whose classes may be built."""
FOREIGN = re.compile(r'timm|hugging|torchvision|multimodal|retriever')
"""Modules of mmpretrain that load models of other libraries or download files; their classes may not be built."""
DEEPEST = 8


def check_classifier_from_data(config: Any, where: str) -> None:
    """Check that the config of a classifier names only allowed networks.

    Args:
        config: Config for :func:`~mmbdg.classifiers.build_classifier`.
        where: File and position in it, for messages.

    Raises:
        InputError: The config names a config file (which is a program), a type that is not allowed, or unknown options.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get('type'), str):
        raise InputError(f'{where} is not the config of a classifier')
    if config['type'] in KINDS:
        from_file = config['type'] == 'mmpretrain'
        if further := set(config) - set(FILE_KEYS if from_file else LIBRARY_KEYS):
            raise InputError(f'{where} has the keys {sorted(further)}, which are not allowed in data')
        if from_file and not OF_THE_PACKAGE.fullmatch(str(config.get('config'))):
            raise InputError(f'{where} names the config {config.get("config")!r}; configs are programs, which are not allowed in data')
        if not from_file and not re.fullmatch(r'[\w.]+', str(config.get('model'))):
            raise InputError(f'{where} names the model {config.get("model")!r}, which is not a valid name')
        return
    try:
        import mmpretrain.models  # noqa: F401  registers its types
    except ImportError as error:
        raise InputError(f'this classifier needs mmpretrain, which cannot be imported ({error}): pip install "mmbdg[onedl]"') from error
    _check_types(config, where, 0)


def _check_types(value: Any, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise InputError(f'{where} is nested too deeply')
    if isinstance(value, list):
        for i, part in enumerate(value):
            _check_types(part, f'{where}.{i}', depth + 1)
    if not isinstance(value, Mapping):
        return
    is_initialisation = where.endswith('init_cfg')
    if 'type' in value and not _is_known(value['type'], is_initialisation):
        raise InputError(f'{where} names the type {str(value["type"])[:80]!r}, which is not allowed in data')
    if value.get('_scope_', 'mmpretrain') != 'mmpretrain':
        raise InputError(f'{where} names the scope {str(value["_scope_"])[:80]!r}, which is not allowed in data')
    for key, part in value.items():
        _check_types(part, f'{where}.{key}', depth + 1)


def _is_known(name: Any, is_initialisation: bool) -> bool:
    """Whether a registry already holds the type. The registries are not searched, because a search imports modules by name."""
    from mmengine.registry import MODELS as ROOT
    from mmengine.registry import WEIGHT_INITIALIZERS
    from mmpretrain.registry import MODELS as MMPRETRAIN

    if not isinstance(name, str) or not (found := TYPE_NAME.fullmatch(name)):
        return False
    if is_initialisation:
        return found[3] in WEIGHT_INITIALIZERS.module_dict
    for registry in (MMPRETRAIN, MODELS, ROOT):
        if home := getattr(registry.module_dict.get(found[3]), '__module__', ''):
            return f'{home}.'.startswith(HOMES) and not FOREIGN.search(home)
    return False
