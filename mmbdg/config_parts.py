"""Looks up the class of an exchangeable part of a config, such as a source or filter, and checks its arguments."""

import inspect
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from mmengine.registry import Registry
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from mmbdg.errors import InputError, nearest
from mmbdg.schema import validated


def part_class(registry: Registry, base: type, config: Any, where: str, given: tuple[str, ...] = ('seed',)) -> type:
    """Find the class that a config names and check its arguments. Nothing is built.

    Args:
        registry: Registry of the parts.
        base: Base class of all parts.
        config: ``dict(type='mmbdg.NAME', ...)``. The type may also be a class.
        where: Key in the config, for messages.
        given: Arguments that the caller passes and that a config must not contain. Default: ('seed',).

    Raises:
        InputError: The type is missing or unknown, an argument is unknown or missing, or a value has the wrong type.
    """
    known = _names(registry, base)
    if not isinstance(config, Mapping) or 'type' not in config:
        raise InputError(f'{where} must be a dict with a type ({", ".join(known)}), got {config!r:.80}')
    name = config['type']
    kind = name if isinstance(name, type) else registry.get(str(name)) if _may_be(registry, name) else None
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise InputError(f'{where}: there is no {registry.name} {name!r}{nearest(str(name), known)}; there are {", ".join(known)}')
    parameters = inspect.signature(kind).parameters
    takes = {key for key, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD} - set(given)
    is_open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for key in config:
        if key != 'type' and key not in takes and not (is_open and key not in given):
            raise InputError(f'{where}: {name} takes no "{key}"{nearest(key, takes)}; it takes {", ".join(sorted(takes)) or "nothing"}')
    for key, parameter in parameters.items():
        needed = parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if needed and key not in config and key not in given:
            raise InputError(f'{where}.{key} is missing: {name} needs it')
    validated(_types(kind), {key: value for key, value in config.items() if key != 'type'}, where)
    return kind


def known_arguments(registry: Registry, base: type) -> frozenset[str]:
    """Names of the arguments of all parts of a registry, and ``type``."""
    names = {'type'}
    for name in _names(registry, base):
        names |= set(inspect.signature(registry.get(name)).parameters)
    return frozenset(names)


@cache
def _types(kind: type) -> type:
    """Schema with the types of the arguments of a class. Values are not converted."""
    hints = {key: hint for key, hint in typing.get_type_hints(kind.__init__).items() if key != 'return'}
    return with_config(ConfigDict(strict=True, allow_inf_nan=False))(TypedDict('types', hints, total=False))


def _names(registry: Registry, base: type) -> list[str]:
    registry.import_from_location()
    kinds = registry.module_dict.items()
    return sorted(f'{registry.scope}.{name}' for name, kind in kinds if isinstance(kind, type) and issubclass(kind, base))


def _may_be(registry: Registry, name: Any) -> bool:
    """Whether a name is registered. Other names are not looked up, because mmengine's registries import any unknown dotted name."""
    registry.import_from_location()
    return isinstance(name, str) and (name in registry.module_dict or name.removeprefix(f'{registry.scope}.') in registry.module_dict)
