"""Configs that come from data, built from a closed list of types.

A registry of mmengine imports any dotted name: ``type='os.system'`` in a file would run a command. What a file that is read describes (the
card of a labelled generator) is therefore built from types that are registered with ``mmbdg`` and of a stated kind, and from plain values.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import Registry
from torch.overrides import TorchFunctionMode

from mmbdg.errors import InputError
from mmbdg.paths import check_regular

FORBIDDEN = ('init_cfg', '_scope_', '_delete_', '_base_')
"""Keys by which mmengine reads files or changes what names mean."""
LARGEST, LONGEST, DEEPEST = 2**24, 256, 8
"""Of numbers, of lists and of nesting: a network whose description is larger is none that fits into memory."""


def checked_config(config: Any, registry: Registry, kinds: Sequence[type], where: str) -> dict:
    """A plain copy of a config from data, if it may be built.

    Args:
        config: ``dict(type='mmbdg.NAME', ...)``; dicts within it may have a type too.
        registry: That knows the types.
        kinds: Classes; each type must be one or derive from one.
        where: File and place in it, for messages.

    Raises:
        InputError: A type is not registered with ``mmbdg`` or of another kind, or a value is none that such a description has.
    """
    allowed = {
        f'{registry.scope}.{name}'
        for name, entry in registry.module_dict.items()
        if isinstance(entry, type) and issubclass(entry, tuple(kinds))
    }
    if not isinstance(config, Mapping) or 'type' not in config:
        raise InputError(f'{where} must be a config with a type, got {_short(config)}')
    return _copied(config, allowed, where, 0)


def check_weights_hold(config: dict, registry: Registry, what: str, weights: Path) -> None:
    """Refuse a description of a network that has more numbers than the file of its weights has bytes, before memory is taken for it.

    Args:
        config: By :func:`checked_config`.
        registry: That builds it.
        what: It is, for the message.
        weights: The file.

    Raises:
        InputError: It has, there is no such file, or it cannot be built.
    """
    size = check_regular(weights).st_size
    with torch.device('meta'), _NoInitialisation():
        network = build_plainly(registry, config, what)
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    if numbers > size:
        raise InputError(f'{what} has {numbers:,} numbers, its weights {weights} {size:,} bytes: they are not those of this network')


class _NoInitialisation(TorchFunctionMode):
    """Inside, initialisations leave tensors as they are: on the meta device they would load half of torch for nothing."""

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if getattr(function, '__module__', '') == 'torch.nn.init':
            return args[0] if args else kwargs['tensor']
        return function(*args, **(kwargs or {}))


def build_plainly(registry: Registry, config: dict, what: str) -> Any:
    """Build a config; what does not fit together is an :class:`~mmbdg.errors.InputError`.

    Args:
        registry: That builds it.
        config: From data or from a user's config.
        what: It is, for the message: "the generator".

    Raises:
        InputError: There is no such type, an argument is missing, unknown or of the wrong type, or sizes do not fit each other.
    """
    try:
        return registry.build(dict(config))
    except InputError:
        raise
    except (
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        ArithmeticError,
        AttributeError,
        AssertionError,
        IndexError,
        MemoryError,
    ) as error:
        # what a wrong value raises depends on which it is
        raise InputError(f'{what} cannot be built: {str(error) or type(error).__name__}') from error


def _copied(value: Any, allowed: set[str], where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise InputError(f'{where} is nested too deeply')
    if isinstance(value, Mapping):
        if 'type' in value and value['type'] not in allowed:
            raise InputError(
                f'{where} names the type {_short(value["type"])}; what is read from data is built from {", ".join(sorted(allowed))} only'
            )
        for key in value:
            if not isinstance(key, str) or key in FORBIDDEN:
                raise InputError(f'{where} has the key {_short(key)}, which has no place in data')
        return {key: _copied(part, allowed, f'{where}.{key[:80]}', depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > LONGEST:
            raise InputError(f'{where} lists {len(value):,} values; at most {LONGEST:,} are read')
        return [_copied(part, allowed, f'{where}.{i}', depth + 1) for i, part in enumerate(value)]
    if value is not None and not isinstance(value, str | bool | int | float):
        raise InputError(f'{where} is a {type(value).__name__}; configs in data hold plain values')
    if isinstance(value, int | float) and not abs(value) <= LARGEST:
        raise InputError(f'{where} is {_short(value)}; numbers up to {LARGEST:,} are read')
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + '...'
