"""Version of the code of a step: checksums of the modules of this package that its tool uses.

Comments, docstrings and layout are not part of the checksum, so that editing them does not invalidate a table. A module is included if the
tool imports a name from it, directly or through other modules, or if the config names a class or function of it. A package that is imported
only to register its classes (``import mmbdg.engine``) is not included. The contents of the package's data files are included.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mmbdg.files import sha256
from mmbdg.reading import read_text

PACKAGE = Path(__file__).parents[1]
LIBRARIES = dict(
    numpy=('numpy',),
    torch=('torch',),
    torchvision=('torchvision',),
    mmengine=('onedl-mmengine', 'mmengine'),
    mmcv=('onedl-mmcv', 'mmcv'),
    mmpretrain=('onedl-mmpretrain', 'mmpretrain'),
    mmseg=('onedl-mmsegmentation', 'mmsegmentation'),
    mmdet=('onedl-mmdetection', 'mmdet'),
)
"""Numerical libraries, and the distributions that may provide them."""
OURS = re.compile(r'mmbdg(?:\.\w+)+')
DATA = ('.npz', '.safetensors')


def code_version(tool: Path, texts: Iterable[str]) -> dict[str, str]:
    """Checksums of the modules that a tool uses, by name. The checksum of the tool itself has the name ``tool``.

    Args:
        tool: Script of the tool.
        texts: Texts of its config and command line. Modules of names in them, e.g. ``mmbdg.DenseCL``, are included.
    """
    found = {'tool': checksum(tool)}
    names = {name for text in texts for name in OURS.findall(text)}
    waiting = sorted({*_imports(tool), *(module for name in names for module in _named(name))})
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if module in found or path is None:
            continue
        found[module] = checksum(path)
        waiting += _imports(path)
    return dict(sorted(found.items()))


@cache
def checksum(path: Path) -> str:
    """First 16 digits of the checksum of a module's code without comments, docstrings and layout."""
    return source_checksum(read_text(path))


def source_checksum(source: str) -> str:
    """See :func:`checksum`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for field in ('body', 'orelse', 'finalbody'):
            body = getattr(node, field, None)
            if isinstance(body, list):
                kept = [line for line in body if not _is_text(line)]
                setattr(node, field, kept or ([ast.Pass()] if body else []))
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def library_versions() -> dict[str, str]:
    """Versions of the installed numerical libraries, by name."""
    found = {}
    for name, distributions in LIBRARIES.items():
        for distribution in distributions:
            with suppress(PackageNotFoundError):
                found.setdefault(name, version(distribution))
    return found


@cache
def data_checksum() -> str:
    """Checksum of all weights and images in the package."""
    files = sorted(path for path in (PACKAGE / 'assets').rglob('*') if path.suffix in DATA)
    lines = [f'{path.relative_to(PACKAGE).as_posix()} {sha256(path)}' for path in files]
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()[:16]


def _path(module: str) -> Path | None:
    """File of a module of this package, or None."""
    place = PACKAGE.parent.joinpath(*module.split('.'))
    return next((path for path in (place.with_suffix('.py'), place / '__init__.py') if path.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(read_text(path))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Modules of this package from which a file imports names. Imports in functions are included, except in an ``__init__.py``."""
    tree = _tree(path)
    nodes = _top_level(tree) if path.name == '__init__.py' else ast.walk(tree)
    return tuple(sorted({module for node in nodes for module in _taken(node)}))


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        yield from node.body if isinstance(node, ast.Try) else (node,)


def _taken(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            path = _path(alias.name) if alias.name.split('.')[0] == 'mmbdg' else None
            if path is not None and (path.name != '__init__.py' or alias.name == 'mmbdg'):
                yield alias.name
    elif isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'mmbdg':
        for alias in node.names:
            yield from _where(node.module, alias.name)


def _where(module: str, name: str, depth: int = 0) -> Iterator[str]:
    """Module that defines the name of ``from module import name``."""
    path = _path(module)
    if _path(f'{module}.{name}') is not None:
        yield f'{module}.{name}'
    elif path is not None and path.name == '__init__.py' and depth < 5:
        for node in _tree(path).body:
            if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
                taken = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
                yield from _where(node.module or module, taken, depth + 1)
                return
        yield module
    else:
        yield module


@cache
def _definitions() -> dict[str, tuple[str, ...]]:
    """Modules by the names of the classes and functions that they define."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        module = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts).removesuffix('.__init__')
        if '.mim' in path.parts:
            continue
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.setdefault(node.name, []).append(module)
    return {name: tuple(modules) for name, modules in found.items()}


def _named(name: str) -> tuple[str, ...]:
    """Modules of a dotted name: a registered name such as ``mmbdg.DenseCL``, or an import path."""
    parts = name.split('.')
    if len(parts) == 2:
        return _definitions().get(parts[1], ())
    return tuple(module for n in range(len(parts), 1, -1) if _path(module := '.'.join(parts[:n])))[:1]


def texts_in(value: Any) -> Iterator[str]:
    """All texts in nested lists and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)
