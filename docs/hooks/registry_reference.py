"""Pages of the registries: every ``type='mmbdg.X'`` with the first paragraph of its docstring and its keys."""

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from docstrings import arguments, summary
from markdown_tables import table
from mmengine.registry import Registry

from mmbdg import registry

LONGEST = 60
"""Largest number of signs of a default value in a table."""
MODULES = re.compile(r'\b(?:typing|collections\.abc)\.')


def registry_reference() -> dict[str, str]:
    """Text by page, ``reference/registry/NAME.md``; NAME is the name of the registry in :mod:`mmbdg.registry`, in lower case."""
    return {f'reference/registry/{name.lower()}.md': _page(name, known) for name, known in registries()}


def registries() -> Iterator[tuple[str, Registry]]:
    """Name and registry, for all registries of this package."""
    for name, value in vars(registry).items():
        if isinstance(value, Registry) and value.scope == 'mmbdg' and not name.startswith('MMENGINE_'):
            yield name, value


def _page(name: str, known: Registry) -> str:
    for location in (*getattr(known, '_light', ()), *known._locations):
        import_module(location)
    lines = [
        f'# {name.replace("_", " ").capitalize()}',
        '',
        f'Names of the registry `mmbdg.registry.{name}`: values of `type` in configs. The keys beside',
    ]
    lines += ['`type` are the arguments of the class. This page is made from the code.', '']
    for entry, kind in sorted(known.module_dict.items(), key=lambda pair: pair[0].lower()):
        lines += [f'## mmbdg.{entry}', '', summary(kind) or '(no description)', '']
        if rows := list(_rows(kind)):
            lines += table(['key', 'default', 'type', 'meaning'], rows)
        lines += [f'Defined in `{kind.__module__}`.', '']
    return '\n'.join(lines)


def _rows(kind: Callable) -> Iterator[list[str]]:
    """One row for each argument."""
    meanings = arguments(kind)
    for key, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        default = 'required' if parameter.default is parameter.empty else f'`{_short(parameter.default)}`'
        if parameter.kind is parameter.VAR_KEYWORD:
            key, default = f'**{key}', ''
        yield [f'`{key}`', default, _type(parameter), meanings.get(key.lstrip('*'), '')]


def _short(value: Any) -> str:
    text = value.__name__ if inspect.isroutine(value) or inspect.isclass(value) else repr(value)
    return text if len(text) <= LONGEST else f'{text[: LONGEST - 1]}…'


def _type(parameter: inspect.Parameter) -> str:
    if parameter.annotation is parameter.empty:
        return ''
    text = parameter.annotation if isinstance(parameter.annotation, str) else inspect.formatannotation(parameter.annotation)
    return f'`{MODULES.sub("", text)}`'
