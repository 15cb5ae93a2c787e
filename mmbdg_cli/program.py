"""The command-line program ``mmbdg``: finds the tool of a verb and runs it. Torch is imported by tools, never to list or to refuse."""

import ast
import difflib
import sys
from collections.abc import Sequence
from typing import NoReturn

from mmbdg_cli.places import CONFIGS, PACKAGE, TOOLS, config_names, verbs
from mmbdg_cli.run import run_tool

USAGE = """usage: mmbdg VERB [options]

Labelled images from generators, and backbones from labelled images (BigDatasetGAN for OpenMMLab).

  mmbdg train densecl_biggan_fpn                 # a config by its name, or a file of yours
  mmbdg VERB --help                              # what a verb does, with examples
  mmbdg configs [TEXT ...]                       # names of the configs, those that contain all TEXTs
  mmbdg configs --folder                         # the folder in which they lie
  mmbdg completion bash|zsh|fish                 # prints a script for the shell: docs/command_line.md
  mmbdg --version
"""
FIRST = ('train', 'test', 'annotate', 'synthesize', 'verify', 'analyze', 'explore', 'study', 'extract_backbone')
"""Verbs that the list begins with. All others follow in alphabetical order."""
SHELLS = ('bash', 'zsh', 'fish')


def main(words: Sequence[str] | None = None) -> None:
    """Run the program; the exit code of a wrong command line is 2.

    Args:
        words: Command line without the name of the program; default None: that of this process.
    """
    verb, *arguments = (sys.argv[1:] if words is None else words) or ['--help']
    if verb in ('--help', '-h'):
        print(USAGE)
        print('\n'.join(table()))
    elif verb == '--version':
        print(f'mmbdg {version()}')
    elif verb == 'configs':
        print_configs(arguments)
    elif verb == 'completion':
        print_completion(arguments)
    elif verb in verbs():
        run_tool(verb, f'mmbdg {verb}', arguments)
    elif not verbs():
        refuse(f'there are no tools in {TOOLS}: install mmbdg with pip; in a checkout, pip install -e .')
    else:
        close = difflib.get_close_matches(verb, [*verbs(), 'configs', 'completion'], 3)
        refuse(f'there is no verb "{verb}"{"; did you mean " + ", ".join(close) + "?" if close else ""} (mmbdg --help lists the verbs)')


def table() -> list[str]:
    """A line for each verb, with the first sentence of its help."""
    there = verbs()
    order = [verb for verb in FIRST if verb in there]
    order += sorted((verb for verb in there if verb not in FIRST), key=lambda verb: ('/' in verb, verb))
    return [f'  {verb:<{max(map(len, order))}}  {summary(verb)}' for verb in order]


def summary(verb: str) -> str:
    """First line of a tool's docstring; the tool is not imported."""
    docstring = ast.get_docstring(ast.parse(verbs()[verb].read_text(encoding='utf-8'))) or ''
    return docstring.partition('\n')[0]


def version() -> str:
    """Version of the package, without importing it."""
    tree = ast.parse((PACKAGE / 'version.py').read_text(encoding='utf-8'))
    return next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))


def print_configs(arguments: Sequence[str]) -> None:
    """``mmbdg configs``: print the names that contain all given texts, or the folder of the configs."""
    if any(word.startswith('-') and word != '--folder' for word in arguments) or ('--folder' in arguments and len(arguments) > 1):
        refuse('mmbdg configs takes texts that a name must contain, or --folder alone')
    if '--folder' in arguments:
        print(CONFIGS)
        return
    found = [name for name in config_names() if all(text in name for text in arguments)]
    if not found:
        refuse(f'no config has a name with {" and ".join(arguments)} (mmbdg configs lists all)')
    print('\n'.join(found))


def print_completion(arguments: Sequence[str]) -> None:
    """``mmbdg completion SHELL``: print the completion script. It imports the tools for their options, which takes some seconds."""
    if len(arguments) != 1 or arguments[0] not in SHELLS:
        refuse(f'mmbdg completion takes the name of a shell, one of {", ".join(SHELLS)}')
    from mmbdg.completion import completion_script
    from mmbdg.errors import plain_errors

    with plain_errors():
        print(completion_script(arguments[0]))


def refuse(message: str) -> NoReturn:
    """End with exit code 2 and one line, as :func:`mmbdg.errors.stop` does."""
    print(f'\nerror: {message}', file=sys.stderr)
    sys.exit(2)


if __name__ == '__main__':
    main()
