"""Parse the config stored in a checkpoint without running it: mmengine stores it as Python source."""

import ast
from typing import Any

from mmbdg.errors import InputError

CONSTANTS = {'inf': float('inf'), 'nan': float('nan')}  # mmengine writes these numbers as names


def read_config_text(text: str, source: str) -> dict:
    """Variables of a config written by mmengine (``Config.pretty_text``): assignments of plain values and of calls of ``dict``.

    ``Config.fromstring`` would run the text, which comes from the author of the checkpoint.

    Args:
        text: Source of the config.
        source: Name of the file that holds the text, for the message.

    Raises:
        InputError: The text contains anything else.
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
