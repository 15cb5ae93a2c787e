"""Pages of the configs: what each one is for, and its variables with values and comments."""

import ast
import inspect
import re
import tokenize
from pathlib import Path
from typing import Any

from docstrings import inline
from markdown_tables import table

from mmbdg.compat.config_options import SAID, TOOLS, runner_keys
from mmbdg.compat.config_variables import evaluated, is_plain

STUDIES = 'study'
"""Key that only tools/study.py reads."""


def config_reference(root: Path) -> dict[str, str]:
    """Text by page: ``reference/configs/FOLDER.md`` for each folder of configs/, ``reference/configs/index.md`` for the files in it."""
    folders: dict[str, list[Path]] = {}
    for path in sorted((root / 'configs').rglob('*.py')):
        parts = path.relative_to(root / 'configs').parts
        if parts[0] != '_base_':  # the files that configs inherit from
            folders.setdefault(parts[0] if len(parts) > 1 else 'index', []).append(path)
    return {f'reference/configs/{folder}.md': _page(folder, paths, root) for folder, paths in folders.items()}


def _page(folder: str, paths: list[Path], root: Path) -> str:
    title = 'Joint pre-training' if folder == 'index' else f'configs/{folder}'
    lines = [f'# {title}', '']
    lines += ['Set a variable with `--cfg-options NAME=VALUE`, or in a config that inherits from the file:']
    lines += ['[how a config is read](../../configs.md).']
    lines += ['The values are those without options. This page is made from the configs.', '']
    for path in paths:
        lines += _section(path, root)
    return '\n'.join(lines)


def _section(path: Path, root: Path) -> list[str]:
    text = inspect.cleandoc(ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or '')
    first, _, rest = text.partition('\n\n')
    lines = [f'## {path.relative_to(root).as_posix()}', '', inline(first) or '(no description)', '']
    if rest:
        lines += ['```text', *inspect.cleandoc(rest).splitlines(), '```', '']
    files: list[str] = []
    cfg = evaluated(str(path), {}, runner_keys(), files)
    comments = _comments(path, files)
    used = {*runner_keys(), *TOOLS, *SAID, STUDIES}
    variables = [(key, value) for key, value in cfg.items() if key not in used and is_plain(value)]
    rows = [[f'`{key}`', f'`{_short(value)}`', comments.get(key, '')] for key, value in variables]
    if rows:
        lines += table(['variable', 'value', 'meaning'], rows)
    return lines


def _comments(path: Path, files: list[str]) -> dict[str, str]:
    """Comments of assignments by name, of the config and the files it inherits from; the file nearest to the config counts."""
    found: dict[str, str] = {}
    for file in dict.fromkeys([str(path), *files]):
        found = _comments_of(Path(file)) | found
    return found


def _comments_of(path: Path) -> dict[str, str]:
    if path.suffix != '.py' or not path.is_file():
        return {}
    with tokenize.open(path) as source:
        tokens = list(tokenize.generate_tokens(source.readline))
    comments = {token.start[0]: token.string.lstrip('# ') for token in tokens if token.type == tokenize.COMMENT}
    found = {}
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.lineno in comments:
            found[node.targets[0].id] = inline(re.sub(r'^noqa.*', '', comments[node.lineno]))
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:79]}…'
