"""Variables of a config: what the command line or a child config sets is what the files compute with.

mmengine evaluates a config file, then merges into it what overrides it: ``data_root = 'a'; dataset = dict(data_root=data_root)`` keeps 'a'
in the dataset whatever ``data_root`` is set to. Here a file is evaluated with the new value from the assignment on, so that all that is
computed from a variable follows it.
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
"""A file below those that inherit from it, the one that was asked for first."""

Values = dict[Chain, dict[str, Any]]
"""Of variables, by the chain of the file that assigns them."""

NAMES_US = re.compile(r'\bmmbdg(\.|::)')
"""In a file whose variables a child sets too, or in a base of it. Files of other packages are evaluated as they were written: there a
child often gives a variable of its base another meaning."""

PASSES = 4
PLACEHOLDER = re.compile(r'_[\w.]+_[0-9a-f]{6}')
"""What mmengine puts in the place of ``{{_base_.x}}`` until it has merged the bases."""

_current: ContextVar['Evaluation | None'] = ContextVar('evaluation', default=None)


class Evaluation:
    """One evaluation of a config file and its bases.

    Args:
        options: Values for variables or parts of them, by dotted key; they hold in every file.
        settled: Values of variables that files above a file have given; they hold in that file.
    """

    def __init__(self, options: Mapping[str, Any], settled: Values) -> None:
        self.options, self.settled = options, settled
        self.chain: Chain = ()
        self.files: list[str] = []
        self.ours: set[str] = set()
        self.given: Values = {}  # as each file assigns them
        self.plain: dict[Chain, set[str]] = {}  # variables that hold a plain value in a file itself

    def assigned(self, name: str, value: Any) -> Any:
        """What a variable of the present file holds after an assignment."""
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
        """While a file is evaluated; its errors remember it."""
        if path in self.chain:
            raise InputError('a config inherits from itself: ' + ' -> '.join([*self.chain, path]))
        if not os.path.isfile(path):
            raise InputError(f'{self.chain[-1] if self.chain else path} inherits from {path}, which is not there')
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
        """Variables of a file that its own bases assign too: the chains of those bases.

        Args:
            fixed: Names that are no variables.
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
    """A config file, evaluated with other values of variables; what it assigns to its bases' variables holds in these too.

    A value that is computed from the base's own of the same name (``iterations = _base_.iterations * 2``) is what that gives at first.

    Args:
        path: The file.
        options: Values for variables or parts of them, by dotted key. What no file assigns has no effect.
        fixed: Names that are no variables: each file has its own value, and mmengine merges them.
        files: Gets the files that were read, for messages.
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
    """A number, a string, a bool, None, or a list or tuple of such."""
    if isinstance(value, list | tuple):
        return all(is_plain(part) for part in value)
    return value is None or (isinstance(value, bool | int | float | str) and not (isinstance(value, str) and PLACEHOLDER.fullmatch(value)))


def is_data(value: Any) -> bool:
    """A plain value, or a dict or list of such."""
    if isinstance(value, dict):
        return all(map(is_data, value.values()))
    return all(map(is_data, value)) if isinstance(value, list | tuple) else is_plain(value)


def _undeleted(value: Any) -> Any:
    """Without the key by which mmengine lets a dict take the place of what a base has."""
    return {key: part for key, part in value.items() if key != '_delete_'} if isinstance(value, dict) else value


def replaced(value: Any, keys: Sequence[str], new: Any) -> Any:
    """A copy of a value with another one at a place in it; where it has no such place, the value itself."""
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
    """Let :func:`evaluated` work: mmengine evaluates config files through what is put here. Idempotent; other readings are as they were."""
    if hasattr(mmengine_config, '_variables_of_mmbdg'):
        return
    mmengine_config._variables_of_mmbdg = True
    for name in ('RemoveAssignFromAST', 'ImportTransformer'):  # what each kind of config file is passed through before it is evaluated
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
    """Where a package has a config, or that its index does not say: mmengine reads the index and all it lists each time, 0.1 s."""
    found: dict[tuple[str, str], str | ValueError] = {}

    @wraps(find)
    def path_in_package(package_path: str, cfg_path: str) -> str:
        key = package_path, cfg_path
        if key not in found:
            try:
                found[key] = find(package_path, cfg_path)
            except ValueError as error:
                found[key] = error
        if isinstance(answer := found[key], ValueError):
            raise answer
        return answer

    return path_in_package


def _noticing(transformer: type[ast.NodeTransformer]) -> type[ast.NodeTransformer]:
    class Noticing(transformer):
        def visit(self, node: ast.AST) -> Any:
            node = super().visit(node)
            if isinstance(node, ast.Module) and _current.get() is not None:
                node.body = _noticed(node.body)
                ast.fix_missing_locations(node)
            return node

    return Noticing


def assigned(name: str, value: Any) -> Any:
    """Called by a config file after each assignment to a variable."""
    evaluation = _current.get()
    return value if evaluation is None else evaluation.assigned(name, value)


def _noticed(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Statements, each assignment followed by a call of :func:`assigned`; functions and classes have variables of their own."""
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
            found.append(ast.copy_location(ast.parse(call).body[0], statement))
    return found


def _names(statement: ast.stmt) -> list[str]:
    """Names that an assignment gives a value to, or a part of a value."""
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
