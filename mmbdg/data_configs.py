"""Build configs that are read from data files, from a closed list of types.

An mmengine registry imports any dotted name: ``type='os.system'`` in a file would run a command. A config from a file (such as the card of
a labelled generator) may therefore only name types that are registered in scope ``mmbdg`` and derive from given classes, and plain values.
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
"""Keys that let mmengine read files or change the meaning of names."""
LARGEST, LONGEST, DEEPEST = 2**24, 256, 8
"""Limits: largest number, longest list, deepest nesting. A network beyond them would not fit into memory."""


def checked_config(config: Any, registry: Registry, kinds: Sequence[type], where: str) -> dict:
    """Check that a config from a data file is safe to build, and return a plain copy.

    Args:
        config: ``dict(type='mmbdg.NAME', ...)``; nested dicts may have a type too.
        registry: Registry of the types.
        kinds: Allowed base classes; each type must be one of them or a subclass. Inside a config of a class with ``part_types``, these
            types are allowed too: the class builds them from a closed list.
        where: File and position in it, for messages.

    Returns:
        The copy, made of dicts, lists and plain values.

    Raises:
        InputError: A type is not in the registry or has another base class, or a value is not allowed in such a config.
    """
    entries = {
        f'{registry.scope}.{name}': entry
        for name, entry in registry.module_dict.items()
        if isinstance(entry, type) and issubclass(entry, tuple(kinds))
    }
    parts = {name: set(entry.part_types) for name, entry in entries.items() if getattr(entry, 'part_types', ())}
    if not isinstance(config, Mapping) or 'type' not in config:
        raise InputError(f'{where} must be a config with a type, got {_short(config)}')
    return _copied(config, set(entries), parts, where, 0)


def check_weights_hold(config: dict, registry: Registry, what: str, weights: Path) -> None:
    """Check, before memory is allocated, that a network has no more parameters and buffers than its weights file has bytes.

    Args:
        config: Config of the network, returned by :func:`checked_config`.
        registry: Registry that builds it.
        what: Name of the network in messages, such as 'the generator'.
        weights: Path of the weights file.

    Raises:
        InputError: The network has more of them, the file is missing, or the network cannot be built.
    """
    size = check_regular(weights).st_size
    with torch.device('meta'), _NoInitialisation():
        network = build_plainly(registry, config, what)
    tensors = network.state_dict(keep_vars=True) | dict(network.named_buffers())  # also buffers that no file of weights holds
    numbers = sum(tensor.numel() for tensor in tensors.values())
    if numbers > size:
        raise InputError(
            f'{what} has {numbers:,} numbers, but its weights {weights} have {size:,} bytes: they are the weights of another network'
        )


class _NoInitialisation(TorchFunctionMode):
    """Skip ``torch.nn.init`` inside this context: on the meta device it has no effect, but imports large parts of torch."""

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if getattr(function, '__module__', '') == 'torch.nn.init':
            return args[0] if args else kwargs['tensor']
        return function(*args, **(kwargs or {}))


def build_plainly(registry: Registry, config: dict, what: str) -> Any:
    """Build a config; an error in the config becomes an :class:`~mmbdg.errors.InputError`.

    Args:
        registry: Registry that builds it.
        config: Config from a data file or from the user.
        what: Name of the object in messages, such as 'the generator'.

    Raises:
        InputError: The type is unknown; an argument is missing, unknown or of the wrong type; or sizes do not match.
    """
    with building(what):
        return registry.build(dict(config))


UNBUILT = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError),
    *(RuntimeError, ArithmeticError, ImportError, MemoryError),
)
"""Exceptions that a wrong value in a config can raise."""


@contextmanager
def building(what: str) -> Iterator[None]:
    """Context in which errors raised while an object is built from a config become input errors.

    Args:
        what: Name of the object in messages, such as 'the generator'.

    Raises:
        InputError: In place of any exception in :data:`UNBUILT`.
    """
    try:
        yield
    except InputError:
        raise
    except UNBUILT as error:
        if type(error).__name__ == 'OutOfMemoryError':  # torch's exception: the config itself is valid
            raise
        raise InputError(f'{what} cannot be built: {unbuilt_text(error)}') from error


def unbuilt_text(error: BaseException) -> str:
    """Reason why an object cannot be built, in words; for an unknown type with the nearest known name."""
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
    if not text:  # an assertion without a message: show the asserted line
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f'{type(error).__name__} at {frame.filename}:{frame.lineno}: {frame.line}'
    return text if len(text) <= 500 else f'{text[:500]}...'


def _registered_names(kind: str) -> set[str]:
    """Registered names of a kind, prefixed with their scope unless it is mmengine."""
    names: set[str] = set()
    for root in (entry for entry in vars(mmengine.registry).values() if isinstance(entry, Registry) and entry.name == kind):
        names |= root.module_dict.keys()
        for scope, child in root.children.items():
            names |= {name for known in child.module_dict for name in (known, f'{scope}.{known}')}
    return names


def _copied(value: Any, allowed: set[str], parts: Mapping[str, set[str]], where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise InputError(f'{where} is nested too deeply')
    if isinstance(value, Mapping):
        if 'type' in value:
            if not isinstance(value['type'], str) or value['type'] not in allowed:
                known = ', '.join(sorted(allowed))
                raise InputError(f'{where} names the type {_short(value["type"])}; configs in data may use only these types: {known}')
            allowed = allowed | parts.get(value['type'], set())
        for key in value:
            if not isinstance(key, str) or key in FORBIDDEN:
                raise InputError(f'{where} has the key {_short(key)}, which is not allowed in data')
        return {key: _copied(part, allowed, parts, f'{where}.{key[:80]}', depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > LONGEST:
            raise InputError(f'{where} lists {len(value):,} values; at most {LONGEST:,} are read')
        return [_copied(part, allowed, parts, f'{where}.{i}', depth + 1) for i, part in enumerate(value)]
    if value is not None and not isinstance(value, str | bool | int | float):
        raise InputError(f'{where} is a {type(value).__name__}; configs in data may contain only plain values')
    if isinstance(value, int | float) and not abs(value) <= LARGEST:
        raise InputError(f'{where} is {_short(value)}; numbers up to {LARGEST:,} are read')
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + '...'
