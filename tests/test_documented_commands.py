"""Every command of docs, README and docstrings of configs and tools: its options parse, its configs exist, its options have an effect."""

import ast
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from mmbdg.arguments import Parser
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError
from mmbdg.studies import read_study

COMMAND = re.compile(r'(?:^|\b)python (tools/[\w/]+\.py)\b(.*)$')


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Tool and words of each command in a text; a backslash at the end of a line joins it with the next one.

    Commands with variables of the shell are left out.
    """
    for line in re.sub(r'\\\n\s*', '', text).splitlines():
        for part in re.split(r' && | \| |``| \(', line):
            if (match := COMMAND.search(part)) and '$' not in part:
                yield match[1], [word for word in shlex.split(match[2], comments=True) if word != '...']


def sources() -> Iterator[Path]:
    yield ROOT / 'README.md'
    for folder, pattern in (('docs', '**/*.md'), ('configs', '**/*.py'), ('tools', '*.py'), ('tools', 'dataset_converters/*.py')):
        yield from sorted(path for path in (ROOT / folder).glob(pattern) if 'own' not in path.parts)  # configs/own: test_own_configs.py


def blocks(path: Path) -> str:
    """The code blocks of a page, the docstring of a tool, or all texts of a config: its docstring, next_step and requires."""
    text = path.read_text()
    if path.suffix == '.md':
        return '\n'.join(re.findall(r'^ *```\w*\n(.*?)^ *```', text, re.S | re.M))
    tree = ast.parse(text)
    if path.is_relative_to(ROOT / 'tools'):
        return ast.get_docstring(tree) or ''
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    texts = [''.join(piece_text(piece) for piece in getattr(node, 'values', [node])) for node in ast.walk(tree) if is_text(node, pieces)]
    return '\n'.join(texts).replace('{config_dir}', str(path.parent.relative_to(ROOT)))


def is_text(node: ast.AST, pieces: set[int]) -> bool:
    """Whether a node is a whole text: a string that is no piece of an f-string, or an f-string."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces)


def piece_text(piece: ast.AST) -> str:
    return str(piece.value) if isinstance(piece, ast.Constant) else 'VALUE'


CASES = sorted({(tool, tuple(words), str(path.relative_to(ROOT))) for path in sources() for tool, words in commands(blocks(path))})


class Parsed(Exception):
    pass


@pytest.fixture
def parsed(monkeypatch):
    """Function that runs a tool up to its parsed command line."""

    def parse(parser, *given):
        raise Parsed(super(Parser, parser).parse_args(*given))

    monkeypatch.setattr(Parser, 'parse_args', parse)
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))

    def run(tool, words):
        monkeypatch.setattr(sys, 'argv', [tool, *words])
        with pytest.raises(Parsed) as found:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        return found.value.args[0]

    return run


@pytest.mark.parametrize('tool', sorted({tool for tool, *_ in CASES}))
def test_commands(tool, parsed, monkeypatch):
    monkeypatch.chdir(ROOT)
    for _, words, place in (case for case in CASES if case[0] == tool and '--help' not in case[1]):
        try:
            args = parsed(tool, words)
            for word in words:
                if found := re.match(r'(?:mmbdg://)?(configs/[\w/.-]+\.py)', word):
                    assert (ROOT / found[1]).is_file(), f'there is no {found[1]}'
            if hasattr(args, 'study'):
                read_study(args.study, ROOT / 'tools', args.cfg_options)
            elif getattr(args, 'cfg_options', None) and str(getattr(args, 'config', '')).startswith('configs/'):
                read_config(args.config, args.cfg_options)
        except (InputError, AssertionError, SystemExit) as error:
            raise AssertionError(f'{place}: python {tool} {" ".join(words)}: {error}') from error


def test_there_are_commands():
    assert len(CASES) > 200 and len({tool for tool, *_ in CASES}) > 25
