"""The page of the command-line tools: what ``--help`` prints, taken from the parsers without starting a process."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

WIDTH = 110
"""Columns of the texts."""
SCRIPTS = ('dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh')


class _Parsing(BaseException):
    """Carries the parser of a tool out of its ``main``; no ``except Exception`` of a tool catches it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def tools_reference(root: Path) -> dict[str, str]:
    """Text by page."""
    lines = ['# Command-line tools', '', 'What `python tools/TOOL.py --help` prints. This page is made from the tools themselves.', '']
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
        parser = _parser(path)
        lines = [f'{"#" * level} {path.relative_to(root).as_posix()}', '', *_block(parser)]
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, verb in action.choices.items():
                    lines += [f'{"#" * (level + 1)} {path.name} {name}', '', *_block(verb)]
    return lines


def _block(parser: argparse.ArgumentParser) -> list[str]:
    return ['```text', *(line.rstrip() for line in parser.format_help().strip().splitlines()), '```', '']


@contextmanager
def _as_a_program(path: Path) -> Iterator[None]:
    """The command line, the import path and the terminal's width that the tool would see."""
    with (
        mock.patch.object(sys, 'argv', [str(path)]),
        mock.patch.object(sys, 'path', [str(path.parent), *sys.path]),
        mock.patch.dict(os.environ, COLUMNS=str(WIDTH)),
    ):
        yield


def _parser(path: Path) -> argparse.ArgumentParser:
    """The parser of a tool, which ends when it begins to parse."""
    spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def parse(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise _Parsing(parser)

    with mock.patch.object(argparse.ArgumentParser, 'parse_known_args', parse):
        try:
            module.main()
        except _Parsing as found:
            return found.parser
    raise RuntimeError(f'{path}: main() parses no arguments')
