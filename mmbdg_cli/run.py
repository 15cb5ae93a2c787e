"""Runs a tool as ``mmbdg VERB`` or ``python -m mmbdg.VERB``: the file, options and exit codes are those of ``python tools/VERB.py``."""

import runpy
import sys
from collections.abc import Sequence
from types import SimpleNamespace

from mmbdg_cli.places import verbs

started_as = SimpleNamespace(words='')
"""How the running tool was started: ``mmbdg VERB``, ``python -m mmbdg.VERB``, or '' as a script. :mod:`mmbdg.calling` reads it."""


def run_tool(verb: str, called: str, arguments: Sequence[str]) -> None:
    """Run a tool in this process, as Python runs a script.

    Args:
        verb: Name of the tool, a key of :func:`~mmbdg_cli.places.verbs`.
        called: Words that started it, ``mmbdg VERB`` or ``python -m mmbdg.VERB``.
        arguments: Command line after the verb.
    """
    tool = verbs()[verb]
    started_as.words = called
    sys.argv[1:] = arguments
    sys.path.insert(0, str(tool.parent))  # a tool may import modules beside it
    runpy.run_path(str(tool), run_name='__main__')
