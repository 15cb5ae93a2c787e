"""The page of the command-line tools: their help, taken from the parsers without starting a process."""

import argparse
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from docstrings import inline
from markdown_tables import table

from mmbdg.tool_parsers import parser_of

WIDTH = 80
"""Columns of the usage."""
COMMANDS = ('python ', 'torchrun ', 'tools/', 'pip ')
"""How a line of a docstring begins that is a command."""
SCRIPTS = ('dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh')


def tools_reference(root: Path) -> dict[str, str]:
    """Text by page."""
    lines = ['# Command-line tools', '', 'The help of each tool, `python tools/TOOL.py --help`. This page is made from the tools.', '']
    for path in sorted((root / 'tools').glob('*.py')):
        lines += _section(path, root)
    lines += ['## Several processes', '', 'Launchers of `tools/train.py` and `tools/test.py` on several GPUs or a cluster.', '']
    for name in SCRIPTS:
        head = [line for line in (root / 'tools' / name).read_text(encoding='utf-8').splitlines()[1:] if line.startswith('#')]
        lines += [f'`tools/{name}`', '', '```text', *(line.removeprefix('# ') for line in head), '```', '']
    lines += ['## Converters of datasets', '']
    for path in sorted((root / 'tools' / 'dataset_converters').glob('*.py')):
        lines += _section(path, root, level=3)
    return {'reference/tools.md': '\n'.join(lines)}


def _section(path: Path, root: Path, level: int = 2) -> list[str]:
    with _as_a_program(path):
        parser = parser_of(path)
        lines = [f'{"#" * level} {path.relative_to(root).as_posix()}', '', *_block(parser)]
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, verb in action.choices.items():
                    lines += [f'{"#" * (level + 1)} {path.name} {name}', '', *_block(verb)]
    return lines


def _block(parser: argparse.ArgumentParser) -> list[str]:
    """Usage, description and arguments of one parser."""
    lines = _description(parser.description or '')
    lines += ['```text', *parser.format_usage().rstrip().splitlines(), '```', '']
    formatter = parser._get_formatter()
    rows = []
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS and not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            meaning = formatter._expand_help(action) if action.help else ''
            rows.append([f'`{formatter._format_action_invocation(action)}`', inline(meaning)])
    return lines + table(['argument', 'meaning'], rows) if rows else lines


def _description(text: str) -> list[str]:
    """A docstring as Markdown: indented lines and commands are code, other paragraphs are text."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text).split('\n\n'):
        rows = paragraph.splitlines()
        if all(row.startswith((' ', *COMMANDS)) for row in rows):
            lines += ['```text', *inspect.cleandoc('\n' + paragraph).splitlines(), '```', '']
        else:
            lines += [inline(paragraph), '']
    return lines


@contextmanager
def _as_a_program(path: Path) -> Iterator[None]:
    """The command line and the terminal's width that the tool would see."""
    with (
        mock.patch.object(sys, 'argv', [str(path)]),
        mock.patch.dict(os.environ, COLUMNS=str(WIDTH)),
    ):
        yield
