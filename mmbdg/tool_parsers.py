"""The argument parser of a tool, without running the tool. Completion scripts, the documentation and tests read options from it."""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any
from unittest import mock


class _Parsing(BaseException):
    """Carries the parser out of ``main()``; no ``except Exception`` of a tool catches it."""


def parser_of(tool: Path) -> argparse.ArgumentParser:
    """Argument parser of a tool: its ``main()`` runs up to the point where it parses the command line.

    Args:
        tool: File of the tool.

    Raises:
        ImportError: The tool imports a package that is not installed.
        RuntimeError: ``main()`` ended without parsing a command line.
    """

    def parse(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise _Parsing(parser)

    spec = importlib.util.spec_from_file_location(f'tool_{tool.stem}', tool)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, 'path', [str(tool.parent), *sys.path]):
        spec.loader.exec_module(module)
        with mock.patch.object(argparse.ArgumentParser, 'parse_known_args', parse):
            try:
                module.main()
            except _Parsing as found:
                return found.args[0]
    raise RuntimeError(f'{tool}: main() parses no arguments')
