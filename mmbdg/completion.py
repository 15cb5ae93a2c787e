"""Completion scripts of the program ``mmbdg`` for bash, zsh and fish, made by shtab from the argument parsers of the tools."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from mmbdg.arguments import Parser
from mmbdg.errors import InputError
from mmbdg.tool_parsers import parser_of
from mmbdg_cli.places import verbs
from mmbdg_cli.program import SHELLS, summary
from mmbdg_cli.run import started_as

CONFIGS = dict(bash='_mmbdg_configs', zsh='_mmbdg_configs', fish='(mmbdg configs; __fish_complete_path (commandline -ct))')
"""What completes a config: a function of the script, or a command of the shell."""
PREAMBLE = dict(
    bash='_mmbdg_configs() {\n  compgen -W "$(mmbdg configs)" -- "$1"\n  compgen -f -- "$1"\n}',
    zsh="_mmbdg_configs() {\n  _alternative 'configs:config:($(mmbdg configs))' 'files:file:_files'\n}",
    fish='',
)


def completion_script(shell: str) -> str:
    """Completion script with all verbs and their options.

    A tool that cannot be imported, because a package is missing, is completed without options; a line on stderr says so.

    Args:
        shell: Name of the shell, see :data:`~mmbdg_cli.program.SHELLS`.

    Raises:
        InputError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise InputError('completion scripts are made by shtab, which is not installed: pip install "mmbdg[completion]"') from error
    with _started_as('mmbdg'):
        return shtab.complete(program_parser(), shell, preamble=PREAMBLE)


def program_parser() -> argparse.ArgumentParser:
    """Parser of the whole program, with a sub-command for each verb. It serves completion; the program itself imports one tool only."""
    import shtab

    parsers = {verb: _parser(verb, path) for verb, path in verbs().items()}
    for parser in parsers.values():
        for action in _actions(parser):
            if completed := _completed(action, shtab.FILE):
                action.complete = completed
    parser = Parser(prog='mmbdg')
    parser.add_argument('--version', action='store_true', help='print the version')
    commands = parser.add_subparsers(metavar='VERB', parser_class=lambda prog, **_: parsers[prog.removeprefix('mmbdg ')])
    for verb in parsers:
        commands.add_parser(verb, help=summary(verb).replace('%', '%%'))
    parsers['configs'] = Parser(prog='mmbdg configs')
    parsers['configs'].add_argument('--folder', action='store_true', help='print the folder of the configs')
    commands.add_parser('configs', help='names of the configs')
    parsers['completion'] = Parser(prog='mmbdg completion')
    parsers['completion'].add_argument('shell', choices=SHELLS, help='shell for which the script is')
    commands.add_parser('completion', help='completion script for a shell')
    return parser


def _parser(verb: str, tool: Path) -> argparse.ArgumentParser:
    with _started_as(f'mmbdg {verb}'):
        try:
            return parser_of(tool)
        except ImportError as error:
            print(f'mmbdg {verb} is completed without its options: {error}', file=sys.stderr)
            return Parser()


@contextmanager
def _started_as(called: str) -> Iterator[None]:
    """Let :mod:`mmbdg.calling` see another start of the program."""
    with mock.patch.object(started_as, 'words', called):
        yield


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from _actions(verb)
        else:
            yield action


def _completed(action: argparse.Action, files: dict) -> dict | None:
    """What completes the value of an argument: names of configs, files, or None where neither is meant."""
    if action.dest in ('config', 'study'):
        return CONFIGS
    is_text = action.type in (None, Path) and not action.choices and action.nargs != 0 and type(action).__module__ == 'argparse'
    return files if is_text and (action.default is None or isinstance(action.default, Path)) else None
