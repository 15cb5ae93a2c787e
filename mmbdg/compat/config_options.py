"""Check ``--cfg-options``: the key of each option must be known, and the option must have an effect."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mmengine.config import Config

from mmbdg.arguments import Split
from mmbdg.compat.config_keys import FREE, node_at
from mmbdg.errors import InputError, nearest

BESIDE = ('model_wrapper_cfg', 'find_unused_parameters', 'sync_bn', 'activation_checkpointing', 'efficient_conv_bn_eval', 'compile')
"""Keys that a Runner reads from its config in addition to its arguments."""

TOOLS = ('synthesis', 'selection', 'senses', 'prompts', 'generator', 'classifier', 'annotation_seed', 'custom_imports')
"""Keys that the tools of this package, or mmengine while it reads the config, use."""

SAID = ('requires', 'next_step')
"""Keys that only hold texts for the user."""


@cache
def runner_keys() -> frozenset[str]:
    """Top-level keys of a config that a Runner uses."""
    import inspect

    from mmengine.runner import Runner

    return frozenset({*inspect.signature(Runner.__init__).parameters, *BESIDE} - {'self', 'cfg'})


def as_meant(cfg: Config, options: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Normalise options: remove the plus before keys, and decide for values with commas whether they are a list or a path.

    Args:
        cfg: Config without options.
        options: Values by dotted key, as given on the command line.

    Returns:
        The normalised options, and the keys given with a plus, which need not be known.

    Raises:
        InputError: A key is given both with and without a plus.
    """
    given: dict[str, Any] = {}
    for name, value in options.items():
        key = name.removeprefix('+')
        if key in given:
            raise InputError(f'--cfg-options gives {key} twice')
        present = value_at(cfg, key.split('.'))
        if isinstance(value, Split):
            path = any(sign in value.text for sign in ('/', os.sep)) and not isinstance(present, list | tuple)
            value = value.text if path else list(value)
        given[key] = value
    return given, {name[1:] for name in options if name.startswith('+')}


def value_at(cfg: Any, keys: Sequence[str]) -> Any:
    """Value at a position of a config; None if the position does not exist."""
    for key in keys:
        if isinstance(cfg, Mapping | Config) and key in cfg:
            cfg = cfg[key]
        elif isinstance(cfg, list | tuple) and key.isdigit() and int(key) < len(cfg):
            cfg = cfg[int(key)]
        else:
            return None
    return cfg


def check_known(before: Config, after: Callable[[], Config], key: str) -> None:
    """Check that the config has the key of an option, or that something accepts it.

    Args:
        before: Config without the options.
        after: Function that returns the config with the options.
        key: Dotted key of the option.

    Raises:
        InputError: The key is unknown; the message suggests the most similar known key.
    """
    keys = key.split('.')
    if keys[0] == 'launcher':
        raise InputError('launcher is set by --launcher, not by --cfg-options')
    node: Any = before
    for number, name in enumerate(keys):
        if isinstance(node, Mapping | Config):
            if name not in node:
                return _check_new(before, after(), keys, number)
            node = node[name]
        elif isinstance(node, list | tuple):
            if not (name.isdigit() and int(name) < len(node)):
                raise InputError(f'--cfg-options {key}: {".".join(keys[:number])} has {len(node)} entries, 0 to {len(node) - 1}')
            node = node[int(name)]
        elif node is None:
            return None
        else:
            raise InputError(f'--cfg-options {key}: {".".join(keys[:number])} is {node!r}, which has no parts')
    return None


def _check_new(before: Config, after: Config, keys: list[str], first: int) -> None:
    """Part of :func:`check_known` for the keys from number ``first`` on, which the config does not have."""
    settable = {*runner_keys(), *TOOLS, *SAID}
    for number in range(first, len(keys)):
        name, above = keys[number], '.'.join(keys[:number])
        if number == 0:
            right, known = name in settable, {*before.keys(), *settable}
        else:
            node, present = node_at(after, keys[:number]), value_at(before, keys[:number])
            right = node.may_hold(name) if node else None
            if node and right is False and not node.builds:  # plain data, or dicts by free names
                right = number > first or (node.role.by_name and 'type' in (value_at(after, keys[: number + 1]) or ()))
            known = {*(present if isinstance(present, Mapping) else ()), *((node and node.takes) or ())}
        if right is False:
            place = f'there is no "{name}" in {above}' if above else f'there is no "{name}"'
            raise InputError(
                f'--cfg-options {".".join(keys)}: {place} of {before.filename}, and nothing takes it{nearest(name, known - FREE)} '
                f'(+{".".join(keys)}=... sets it anyway)'
            )


def check_arrival(read: Callable[[Collection[str]], Config], options: Mapping[str, Any], key: str, used: Collection[str]) -> None:
    """Check that an option for a variable has an effect: the variable is used, and other options do not override it everywhere.

    Args:
        read: Function that returns the config with a subset of the options, given by their keys.
        options: All options.
        key: Dotted key of the option to check.
        used: Top-level keys from which something is built.

    Raises:
        InputError: The option has no effect; the message says which key to set instead.
    """
    if key.split('.')[0] in {*used, *SAID}:
        return
    after, before = read(options), read([name for name in options if name != key])
    as_before = not list(differences(value_at(before, key.split('.')), options[key]))  # a list equals a tuple with the same entries
    if as_before or any(differences(before, after, used)):
        return
    plain, alone = read([]), read([key])
    places = list(differences(plain, alone, used))
    for place in places:
        others = [name for name in options if name != key and f'{place}.'.startswith(f'{name}.')]
        if others and value_at(after, place.split('.')) != value_at(alone, place.split('.')):
            raise InputError(f'{key} and {others[0]} are both given, and {key} decides {place}: give one of them')
    if not places:
        same = list(_alike(plain, key, used))
        instead = f'set {", ".join(same)}' if same else 'set the place itself'
        raise InputError(f'--cfg-options {key}: nothing uses {key.split(".")[0]} of {plain.filename}, so it has no effect; {instead}')


def differences(before: Any, after: Any, keys: Collection[str] | None = None, place: str = '') -> Iterator[str]:
    """Yield the dotted keys at which two configs differ; ``keys`` restricts the top-level keys, default None: all."""
    if isinstance(before, Mapping | Config) and isinstance(after, Mapping | Config):
        for key in dict.fromkeys([*before.keys(), *after.keys()]):
            if keys is None or key in keys:
                if key in before and key in after:
                    yield from differences(before[key], after[key], None, f'{place}{key}.')
                else:
                    yield f'{place}{key}'
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, None, f'{place}{number}.')
    elif before != after:
        yield place[:-1]


def _alike(cfg: Config, key: str, used: Collection[str], most: int = 3) -> Iterator[str]:
    """Variables and positions with the same value as a variable: an equal string, or an equal value under the same name."""
    name, value = key.split('.')[-1], value_at(cfg, key.split('.'))

    def search(node: Any, place: str) -> Iterator[str]:
        for part, below in node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list | tuple) else ():
            here = f'{place}.{part}'
            if below == value and (part == name or (isinstance(value, str) and len(value) > 3)):
                yield here
            yield from search(below, here)

    places = [place for top in cfg if top in used for place in search(cfg[top], top)]
    variables = [top for top in cfg if top not in {*used, *SAID, key} and places and isinstance(value, str) and cfg[top] == value]
    return iter([*variables, *places][:most])
