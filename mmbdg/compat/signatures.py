"""Find the keyword arguments that a class or function accepts, as far as they follow from its signature."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def accepted_arguments(target: Callable) -> frozenset[str] | None:
    """Names of the arguments of a function, or of the constructor of a class.

    If a constructor only passes its ``**kwargs`` to ``super().__init__``, the arguments of the next class are added.

    Returns:
        The names; None if the signature does not tell: ``**kwargs`` are used in another way, the function is decorated, or the class is
        written in C or has a ``__new__`` or a metaclass that creates its objects.
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
        if not more or not _only_passed_on(constructor, more, base.__name__):
            return None
    return frozenset(found)


def _named(function: Any) -> tuple[list[str], str | None]:
    """Names of the arguments of a function, and the name of its ``**kwargs``: None if it has none, '' if that is unknown."""
    if not inspect.isroutine(function) or hasattr(function, '__wrapped__'):
        return [], ''
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return [], ''
    more = next((one.name for one in parameters if one.kind is one.VAR_KEYWORD), None)
    return [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)], more


def _only_passed_on(constructor: Callable, name: str, owner: str) -> bool:
    """Whether ``**name`` is used only in one call of ``super().__init__`` and in calls of its ``.get``."""
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
    """The left operand of a union: ``kwargs`` in ``**kwargs | dict(...)``."""
    return value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) else value


def _is_super_init(function: ast.expr, owner: str) -> bool:
    """Whether an expression is ``super().__init__`` or ``super(OWNER, self).__init__``; another class would skip a base class."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr == '__init__'
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == 'super'
        and (not function.value.args or (isinstance(function.value.args[0], ast.Name) and function.value.args[0].id == owner))
    )
