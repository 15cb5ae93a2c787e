"""Which keyword arguments a class or function takes, as far as its signature tells."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def accepted_arguments(target: Callable) -> frozenset[str] | None:
    """Names of the arguments of a function, or of what a class is made with.

    ``**kwargs`` that a constructor does nothing with but hand them to ``super().__init__`` are those of the next class.

    Returns:
        The names; None where the signature does not tell: ``**kwargs`` that are used otherwise, a decorator, a class written in C, one that
        is not made by its ``__init__`` alone.
    """
    if not inspect.isclass(target):
        names, more = _named(target)
        return frozenset(names) if more is None else None
    if type(target).__call__ is not type.__call__ or any('__new__' in vars(base) for base in target.__mro__ if base is not object):
        return None
    found: set[str] = set()
    for base in target.__mro__:
        constructor = vars(base).get('__init__')
        if constructor is None:
            continue
        if base is object:
            break
        names, more = _named(constructor)
        found |= set(names[1:])
        if more is None:
            return frozenset(found)
        if not more or not _only_handed_on(constructor, more, base.__name__):
            return None
    return frozenset(found)


def _named(function: Any) -> tuple[list[str], str | None]:
    """Names of a function's arguments, and of its ``**kwargs``: None if it has none, '' if that cannot be told."""
    if not inspect.isroutine(function) or hasattr(function, '__wrapped__'):
        return [], ''
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return [], ''
    more = next((one.name for one in parameters if one.kind is one.VAR_KEYWORD), None)
    return [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)], more


def _only_handed_on(constructor: Callable, name: str, owner: str) -> bool:
    """Whether the one use of ``**name`` is in a call of ``super().__init__``, but for looks at it by ``.get``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(constructor)))
    except (OSError, TypeError, SyntaxError):
        return False
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    uses -= sum(isinstance(node, ast.Attribute) and node.attr == 'get' and ast.unparse(node.value) == name for node in ast.walk(tree))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_super_init(node.func, owner)]
    handed = [_first_of_union(word.value) for call in calls for word in call.keywords if word.arg is None]
    return uses == 1 and [value.id for value in handed if isinstance(value, ast.Name)] == [name]


def _first_of_union(value: ast.expr) -> ast.expr:
    """``kwargs`` of ``**kwargs | dict(...)``."""
    return value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) else value


def _is_super_init(function: ast.expr, owner: str) -> bool:
    """Of ``super().__init__``, or ``super(OWNER, self).__init__``: with another class one is passed over."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr == '__init__'
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == 'super'
        and (not function.value.args or (isinstance(function.value.args[0], ast.Name) and function.value.args[0].id == owner))
    )
