"""Configs that come from data, built from a closed list of types.

A registry of mmengine imports any dotted name: ``type='os.system'`` in a file would run a command. What a file that is read describes (the
card of a labelled generator) is therefore built from types that are registered with ``mmbdg`` and of a stated kind, and from plain values.
"""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine.registry
import torch
from mmengine.registry import Registry
from torch.overrides import TorchFunctionMode

from mmbdg.errors import InputError, nearest
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
    with building(what):
        return registry.build(dict(config))


UNBUILT = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError),
    *(RuntimeError, ArithmeticError, ImportError, MemoryError),
)
"""What a wrong value raises depends on which it is."""


@contextmanager
def building(what: str) -> Iterator[None]:
    """Around the building of what a config describes: its errors become errors of the input.

    Args:
        what: Is built, for the message: "the generator".

    Raises:
        InputError: Instead of what was raised.
    """
    try:
        yield
    except InputError:
        raise
    except UNBUILT as error:
        if type(error).__name__ == 'OutOfMemoryError':  # torch's: nothing is wrong with the config
            raise
        raise InputError(f'{what} cannot be built: {unbuilt_text(error)}') from error


def unbuilt_text(error: BaseException) -> str:
    """Why something cannot be built; of a type that is not known the nearest one."""
    text = ' '.join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    if found := re.match(r'(\S+) is not in the (?:\S+?::)?(.+?) registry', text):
        names = _registered_names(found[2])
        same = [name for name in sorted(names) if name.endswith(f'.{found[1]}')]
        return f'there is no {found[2]} "{found[1]}"' + (f'; did you mean "{same[0]}"?' if same else nearest(found[1], names - {found[1]}))
    if isinstance(error, KeyError) and 'must contain the key "type"' in text:
        return f'it has no type: {_short(text.partition("but got ")[2])}'
    if isinstance(error, KeyError) and len(text.split()) == 1:
        return f'it has no "{text}"'
    if len(text) > 200:
        text = text.partition(', but got')[0]
    if not text:  # an assertion: what it asserts says most
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f'{type(error).__name__} at {frame.filename}:{frame.lineno}: {frame.line}'
    return text if len(text) <= 500 else f'{text[:500]}...'


def _registered_names(kind: str) -> set[str]:
    """Names of a kind, with the package before them unless it is mmengine's."""
    names: set[str] = set()
    for root in (entry for entry in vars(mmengine.registry).values() if isinstance(entry, Registry) and entry.name == kind):
        names |= root.module_dict.keys()
        for scope, child in root.children.items():
            names |= {name for known in child.module_dict for name in (known, f'{scope}.{known}')}
    return names


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
