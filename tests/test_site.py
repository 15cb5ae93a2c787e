"""The documentation site is complete: its navigation, the names in docs/contributing.md, the version in CITATION.cff and the changelog.

``python -m mkdocs build --strict`` (.ci/run) checks the links and makes the pages of docs/hooks.
"""

import ast
import re
from collections.abc import Iterator

import pytest
import yaml
from conftest import ROOT

from mmbdg import __version__, registry

DOCS = ROOT / 'docs'
CONTRIBUTING = (DOCS / 'contributing.md').read_text()


class SiteLoader(yaml.SafeLoader):
    """Reads mkdocs.yml, where ``!ENV`` stands for a variable of the environment."""


SiteLoader.add_constructor('!ENV', lambda loader, node: None)
SITE = yaml.load((ROOT / 'mkdocs.yml').read_text(), SiteLoader)


def pages(entry: object) -> Iterator[str]:
    """The pages below an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
    for part in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from pages(part)


NAV = list(pages(SITE['nav']))
CONFIGS = sorted((ROOT / 'configs').rglob('*.py'))


def made() -> set[str]:
    """The pages that docs/hooks makes."""
    registries = {name for name, value in vars(registry).items() if isinstance(value, registry.Registry) and value.scope == 'mmbdg'}
    configs = {path.parts[0] if len(path.parts) > 1 else 'index' for path in [p.relative_to(ROOT / 'configs') for p in CONFIGS]}
    packages = {
        path.parent.name for path in [ROOT / 'mmbdg/__init__.py', *(ROOT / 'mmbdg').glob('*/__init__.py')] if has_public_names(path)
    }
    return {
        *('index.md', 'model_zoo.md', 'reference/tools.md', 'reference/settings.md'),
        *(f'reference/registry/{name.lower()}.md' for name in registries if not name.startswith('MMENGINE')),
        *(f'reference/configs/{name}.md' for name in configs - {'_base_'}),
        *(f'api/{name}.md' for name in packages),
        *(f'tutorials/{path.stem}_notebook.md' for path in DOCS.rglob('*.ipynb')),
    }


def has_public_names(path) -> bool:
    return any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__' for node in ast.parse(path.read_text()).body)


def test_each_page_is_in_the_navigation_once():
    assert len(NAV) == len(set(NAV)) > 50
    assert set(NAV) == made() | {path.relative_to(DOCS).as_posix() for path in DOCS.rglob('*.md')}


@pytest.mark.parametrize('path', sorted(set(re.findall(r'`((?:tests|mmbdg|tools|configs)/[\w./-]+)`', CONTRIBUTING))))
def test_a_path_for_contributors(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(('path', 'name'), sorted(set(re.findall(r'`(tests/[\w/]+\.py)::(\w+)`', CONTRIBUTING))))
def test_a_test_for_contributors(path, name):
    assert re.search(rf'^def {name}\(', (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize('name', sorted(set(re.findall(r'`(test_\w+)`', CONTRIBUTING))))
def test_a_named_test_for_contributors(name):
    assert any(f'def {name}(' in path.read_text() for path in (ROOT / 'tests').rglob('test_*.py'))


def test_version():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == __version__
    assert f'\n## {__version__} (' in (DOCS / 'changelog.md').read_text()


def test_no_placeholder_is_left():
    """A line of capitals alone stands for something that was to be written."""
    left = [
        f'{path.relative_to(ROOT)}:{number}'
        for path in (ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md')))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.fullmatch(r'\s*[A-Z][A-Z_]{3,}\s*', line)
    ]
    assert not left
