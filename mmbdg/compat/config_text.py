"""The config that a checkpoint carries, read without running it: mmengine keeps it as Python text."""

import ast
from typing import Any

from mmbdg.errors import InputError

CONSTANTS = {'inf': float('inf'), 'nan': float('nan')}  # as mmengine writes these numbers


def read_config_text(text: str, source: str) -> dict:
    """The variables of a config that mmengine dumped (``Config.pretty_text``): assignments of plain values and calls of ``dict``.

    ``Config.fromstring`` would run the text, and whoever made the checkpoint wrote it.

    Raises:
        InputError: There is anything else in it; ``source`` says whose text it is.
    """
    try:
        return {name: _value(node) for name, node in map(_assignment, ast.parse(text).body)}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InputError(f'the config in {source} is not read: it holds more than plain values ({error})') from error


def _assignment(node: ast.stmt) -> tuple[str, ast.expr]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    raise ValueError(f'line {node.lineno}')


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple() | ast.Set():
            return {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)](map(_value, node.elts))
        case ast.Dict() if None not in node.keys:
            return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
        case ast.Call(func=ast.Name(id='dict'), args=args) if len(args) <= 1 and all(word.arg for word in node.keywords):
            return dict(*map(_value, args), **{word.arg: _value(word.value) for word in node.keywords})
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
    raise ValueError(f'line {node.lineno}')
