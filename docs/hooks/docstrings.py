"""Docstrings as Markdown."""

import inspect
import re
from collections.abc import Callable

import griffe

ROLE = re.compile(r':(?:class|func|meth|mod|attr|data):`(~?)([^`]+)`')
CODE = re.compile(r'(``?[^`]+``?)')


def roles_as_code(text: str) -> str:
    """Cross-references of Sphinx as code: ``:class:`~mmbdg.errors.InputError``` becomes the code ``InputError`` without its modules."""
    return ROLE.sub(lambda match: f'`{match[2].split(".")[-1] if match[1] else match[2]}`', text)


def inline(text: str) -> str:
    """Text of a docstring as one line of Markdown, also for a cell of a table: only its code is formatted."""
    parts = CODE.split(roles_as_code(' '.join(text.split())))
    plain = [re.sub(r'([\\*\[\]<>|]|(?<!\w)_|_(?!\w))', r'\\\1', part) if number % 2 == 0 else part for number, part in enumerate(parts)]
    return ''.join(plain)


def summary(thing: object) -> str:
    """First paragraph of a docstring as Markdown; empty without a docstring of its own."""
    own = vars(thing).get('__doc__') if inspect.isclass(thing) else inspect.getdoc(thing)
    return inline(inspect.cleandoc(own).split('\n\n')[0]) if own else ''


def arguments(thing: Callable) -> dict[str, str]:
    """Descriptions of arguments by name, from the sections ``Args`` and ``Attributes``, also of base classes."""
    found: dict[str, str] = {}
    for part in reversed(thing.__mro__) if inspect.isclass(thing) else [thing]:
        for docstring in (part.__doc__, getattr(vars(part).get('__init__'), '__doc__', None) if inspect.isclass(part) else None):
            if not isinstance(docstring, str):
                continue
            for section in griffe.Docstring(inspect.cleandoc(docstring), lineno=1).parse('google', warnings=False):
                if section.kind in (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes):
                    found |= {name.strip(' *'): inline(entry.description) for entry in section.value for name in entry.name.split(',')}
    return found
