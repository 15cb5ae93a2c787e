"""Override variables of a config at their assignment, so that values computed from them change too.

mmengine first evaluates a config file and then merges overrides into the result: ``data_root = 'a'; dataset = dict(data_root=data_root)``
keeps 'a' in the dataset whatever ``data_root`` is set to. Here the file is evaluated with the new value from the assignment on.
"""

import ast
import copy
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config import config as mmengine_config

from mmbdg.errors import InputError

Chain = tuple[str, ...]
"""Inheritance chain of a file: the config that was asked for first, then its bases, down to the file itself."""

Values = dict[Chain, dict[str, Any]]
"""Values of variables by name, by the chain of the file that assigns them."""

NAMES_US = re.compile(r'\bmmbdg(\.|::)|^(study|synthesis|selection|senses|prompts) *=', re.MULTILINE)
"""Pattern that marks a file, or a file with such a base, as written for mmbdg: it names something of mmbdg, or sets a key that only tools
of mmbdg use. In files of other packages a child's variable does not override the variable of its base: there the same name often has
another meaning."""

PASSES = 4
"""Largest number of evaluations until the values of variables must be stable."""
PLACEHOLDER = re.compile(r'_[\w.]+_[0-9a-f]{6}')
"""Placeholder that mmengine uses for ``{{_base_.x}}`` until it has merged the bases."""

_current: ContextVar['Evaluation | None'] = ContextVar('evaluation', default=None)


class Evaluation:
    """One evaluation of a config file and its bases.

    Args:
        options: New values of variables or of parts of variables, by dotted key; used in every file.
        settled: Values of a file's variables that files which inherit from it have set, by the chain of the file.
    """

    def __init__(self, options: Mapping[str, Any], settled: Values) -> None:
        self.options, self.settled = options, settled
        self.chain: Chain = ()
        self.files: list[str] = []
        self.ours: set[str] = set()
        self.given: Values = {}  # values assigned by each file
        self.plain: dict[Chain, set[str]] = {}  # names of the variables to which a file itself assigns a plain value

    def assigned(self, name: str, value: Any) -> Any:
        """Value of a variable of the current file after an assignment of ``value``, with overrides applied."""
        plain = self.plain.setdefault(self.chain, set())
        plain.discard(name)
        if is_plain(value):
            plain.add(name)
        settled = self.settled.get(self.chain, {})
        value = copy.deepcopy(settled[name]) if name in settled else value
        for key, new in self.options.items():
            first, *rest = key.split('.')
            if first == name:
                value = replaced(value, rest, new)
        given = self.given.setdefault(self.chain, {})
        given.pop(name, None)
        if is_data(value):
            given[name] = copy.deepcopy(value)
        return value

    @contextmanager
    def inside(self, path: str) -> Iterator[None]:
        """Context around the evaluation of one file; its errors get the path as attribute ``config_file``."""
        if path in self.chain:
            raise InputError('a config inherits from itself: ' + ' -> '.join([*self.chain, path]))
        if not os.path.isfile(path):
            raise InputError(f'{self.chain[-1] if self.chain else path} inherits from {path}, which does not exist')
        self.chain += (path,)
        self.files.append(path)
        if NAMES_US.search(Path(path).read_text(encoding='utf-8', errors='replace')):
            self.ours |= set(self.chain)
        try:
            yield
        except Exception as error:
            if not hasattr(error, 'config_file'):
                error.config_file = path
            raise
        finally:
            self.chain = self.chain[:-1]

    def set_above(self, fixed: frozenset[str]) -> dict[tuple[Chain, str], list[Chain]]:
        """Variables that both a file and its bases assign: chains of the bases, by the chain of the file and the name.

        Args:
            fixed: Names that are not treated as variables.
        """
        found: dict[tuple[Chain, str], list[Chain]] = {}
        for chain, names in self.plain.items():
            if chain[-1] in self.ours:
                for name in names - fixed:
                    above = next((chain[:n] for n in range(1, len(chain)) if name in self.given.get(chain[:n], {})), None)
                    if above:
                        found.setdefault((above, name), []).append(chain)
        return found


def evaluated(path: str, options: Mapping[str, Any], fixed: frozenset[str], files: list[str] | None = None) -> Config:
    """Evaluate a config file with new values of variables; a value it assigns to a variable of a base is used in the base too.

    A value computed from the base's variable of the same name (``iterations = _base_.iterations * 2``) is computed once, from the base's
    original value.

    Args:
        path: Path of the config file.
        options: New values of variables or of parts of variables, by dotted key. A variable that no file assigns is ignored.
        fixed: Names that are not treated as variables: each file keeps its own value, and mmengine merges the values.
        files: List to which the paths of all files read are added, for messages; default None.
    """
    settled: Values = {}
    earlier: list[dict[tuple[Chain, str], Any]] = []
    while True:
        cfg, evaluation = _once(path, options, settled, files)
        above = evaluation.set_above(fixed)
        values = {(chain, name): _undeleted(evaluation.given[chain][name]) for chain, name in above}
        if len(earlier) == PASSES or (earlier and values == earlier[-1]) or not values:
            return cfg
        earlier.append(values)
        settled = {}
        restless = [key for key in values if earlier[-2].get(key) != values[key]] if len(earlier) == PASSES else []
        for (chain, name), below in above.items():
            value = earlier[0][chain, name] if (chain, name) in restless else values[chain, name]
            for place in [*below, *([chain] if (chain, name) in restless else [])]:
                settled.setdefault(place, {})[name] = value


def _once(path: str, options: Mapping[str, Any], settled: Values, files: list[str] | None) -> tuple[Config, Evaluation]:
    evaluation = Evaluation(options, settled)
    token = _current.set(evaluation)
    try:
        return Config.fromfile(path), evaluation
    finally:
        _current.reset(token)
        if files is not None:
            files[:] = dict.fromkeys([*files, *evaluation.files])


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a string, a bool, None, or a list or tuple of these."""
    if isinstance(value, list | tuple):
        return all(is_plain(part) for part in value)
    return value is None or (isinstance(value, bool | int | float | str) and not (isinstance(value, str) and PLACEHOLDER.fullmatch(value)))


def is_data(value: Any) -> bool:
    """Whether a value is a plain value, or a dict or list of these."""
    if isinstance(value, dict):
        return all(map(is_data, value.values()))
    return all(map(is_data, value)) if isinstance(value, list | tuple) else is_plain(value)


def _undeleted(value: Any) -> Any:
    """Copy without the key ``_delete_``, which makes mmengine replace a dict of a base instead of merging into it."""
    return {key: part for key, part in value.items() if key != '_delete_'} if isinstance(value, dict) else value


def replaced(value: Any, keys: Sequence[str], new: Any) -> Any:
    """Copy of a value with a new value at a position in it; the value itself if it has no such position."""
    if not keys:
        both = isinstance(value, dict) and isinstance(new, dict)
        return Config._merge_a_into_b(new, value, allow_list_keys=True) if both else copy.deepcopy(new)
    first, rest = keys[0], keys[1:]
    if isinstance(value, dict):
        changed = copy.copy(value)
        changed[first] = replaced(value.get(first, {} if rest else None), rest, new)
        return changed
    if isinstance(value, list | tuple) and first.isdigit() and int(first) < len(value):
        changed = list(value)
        changed[int(first)] = replaced(value[int(first)], rest, new)
        return type(value)(changed)
    return value


def install_variables() -> None:
    """Patch mmengine's evaluation of config files for :func:`evaluated`. Idempotent; other reading of configs is unchanged."""
    if hasattr(mmengine_config, '_variables_of_mmbdg'):
        return
    mmengine_config._variables_of_mmbdg = True
    for name in ('RemoveAssignFromAST', 'ImportTransformer'):  # AST transformers that mmengine applies to the two kinds of config files
        setattr(mmengine_config, name, _noticing(getattr(mmengine_config, name)))
    mmengine_config._get_external_cfg_path = _remembering(mmengine_config._get_external_cfg_path)
    for name in ('_file2dict', '_parse_lazy_import'):
        setattr(Config, name, staticmethod(_watched(getattr(Config, name))))


def _watched(read: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(read)
    def read_one(filename: str, *args: Any, **kwargs: Any) -> Any:
        if (evaluation := _current.get()) is None:
            return read(filename, *args, **kwargs)
        with evaluation.inside(os.path.realpath(os.path.expanduser(filename))):
            return read(filename, *args, **kwargs)

    return read_one


def _remembering(find: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """Cache the paths of configs in packages, and failed look-ups: mmengine reads the whole index each time, 0.1 s."""
    found: dict[tuple[str, str], str] = {}
    refused: dict[tuple[str, str], tuple] = {}  # arguments of the errors; an error itself would keep the objects in its frames alive

    @wraps(find)
    def path_in_package(package_path: str, cfg_path: str) -> str:
        key = package_path, cfg_path
        if key in refused:
            raise ValueError(*refused[key])
        if key not in found:
            try:
                found[key] = find(package_path, cfg_path)
            except ValueError as error:
                refused[key] = error.args
                raise
        return found[key]

    return path_in_package


def _noticing(transformer: type[ast.NodeTransformer]) -> type[ast.NodeTransformer]:
    class Noticing(transformer):
        def visit(self, node: ast.AST) -> Any:
            node = super().visit(node)
            if isinstance(node, ast.Module) and _current.get() is not None:
                node.body = _noticed(node.body)
            return node

    return Noticing


def assigned(name: str, value: Any) -> Any:
    """Value of a variable after an assignment; called by a config file after each one."""
    evaluation = _current.get()
    return value if evaluation is None else evaluation.assigned(name, value)


def _noticed(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Insert a call of :func:`assigned` after each assignment, except in functions and classes, whose variables are local."""
    found: list[ast.stmt] = []
    for statement in body:
        found.append(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in (statement, *getattr(statement, 'handlers', ()), *getattr(statement, 'cases', ())):
            for field in ('body', 'orelse', 'finalbody'):
                if isinstance(inner := getattr(part, field, None), list):
                    setattr(part, field, _noticed(inner))
        for name in _names(statement):
            call = f'{name} = __import__({__name__!r}, fromlist=["assigned"]).assigned({name!r}, {name})'
            found.append(ast.fix_missing_locations(ast.copy_location(ast.parse(call).body[0], statement)))
    return found


def _names(statement: ast.stmt) -> list[str]:
    """Names of the variables that an assignment changes, wholly or in part."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, 'target', None)]
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) or getattr(statement, 'value', None) is None:
        return []
    names, waiting = [], list(targets)
    while waiting:
        target = waiting.pop(0)
        if isinstance(target, ast.Name):
            names.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            waiting[:0] = target.elts
        elif isinstance(target, ast.Starred | ast.Subscript | ast.Attribute):
            waiting.insert(0, target.value)
    return [name for name in dict.fromkeys(names) if not name.startswith('_')]
