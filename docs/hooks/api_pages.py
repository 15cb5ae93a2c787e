"""Pages of the public classes and functions, for mkdocstrings: the names in ``__all__`` of each package of mmbdg."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from docstrings import summary

SETTINGS = {
    'synthesis': ('mmbdg.synthesis.plan.Synthesis', 'mmbdg.sources.truncation.Truncation', 'mmbdg.storage.label_spaces.LabelSpace'),
    'selection': ('mmbdg.synthesis.selections.plan.SelectionPlan',),
    'study': tuple(f'mmbdg.studies.study.{name}' for name in ('Study', 'Row', 'Column', 'Step', 'Consumed')),
    'senses': ('mmbdg.sources.sense_plan.SensePlan',),
    'prompts': ('mmbdg.sources.prompts.PromptPlan',),
}
"""Classes whose fields are the keys of a config's ``NAME = dict(...)``."""


def api_pages(root: Path) -> dict[str, str]:
    """Text by page: ``api/ROOM.md`` for each package with public names, ``reference/settings.md`` for the dicts that tools read."""
    pages = {'reference/settings.md': _settings()}
    for name, names in public_names(root):
        module = import_module(name)
        lines = [f'# {name}', '', summary_of_module(module.__doc__), '']
        lines += [line for entry in names for line in _directive(name, entry, getattr(module, entry))]
        pages[f'api/{name.rpartition(".")[2]}.md'] = '\n'.join(lines)
    return pages


def public_names(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Packages of mmbdg with the names in their ``__all__`` that they define, without ``__version__``; read, not imported."""
    for path in sorted([root / 'mmbdg' / '__init__.py', *(root / 'mmbdg').glob('*/__init__.py')]):
        for node in ast.parse(path.read_text(encoding='utf-8')).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
                names = [name for name in ast.literal_eval(node.value) if not name.startswith('__')]
                yield '.'.join(path.parent.relative_to(root).parts), names


def summary_of_module(text: str | None) -> str:
    """First paragraph of a module's docstring."""
    return (text or '').split('\n\n')[0].replace('``', '`')


def _directive(package: str, name: str, value: object) -> list[str]:
    """A block of mkdocstrings. Not documented: a name of another package, and a value without a docstring, such as a tuple of words."""
    own = package == 'mmbdg' or getattr(value, '__module__', '').startswith(f'{package}.')
    return [f'::: {package}.{name}', ''] if own and summary(value) else []


def _settings() -> str:
    lines = ['# Settings of the tools', '', 'Keys of the dicts in configs that tools read beside the keys of a Runner.', '']
    for key, names in SETTINGS.items():
        lines += [f'## {key} = dict(...)', '']
        for name in names:
            lines += [f'::: {name}', '    options:', '      heading_level: 3', '      members: false', '']
    return '\n'.join(lines)
