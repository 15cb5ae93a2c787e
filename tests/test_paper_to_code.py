"""The files, names and types in docs/paper_to_code.md exist, and each table and figure of the paper has a row."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from mmbdg import registry

PAGE = (ROOT / 'docs/paper_to_code.md').read_text()
QUOTED = re.findall(r'`([^`]+)`', PAGE)
PATHS = sorted({text for text in QUOTED if re.fullmatch(r'(?:configs|tools|mmbdg|docs|tests)/[\w./-]+', text)})
TYPES = sorted({text for text in QUOTED if re.fullmatch(r'mmbdg\.[A-Z]\w*', text)})
NAMES = sorted(
    {(path, name) for path, names in re.findall(r'`(mmbdg/[\w/]+\.py)`: (`\w+`(?:, `\w+`)*)', PAGE) for name in names.split(', ')}
)
REGISTRIES = [value for value in vars(registry).values() if isinstance(value, registry.Registry)]
TERMS = [
    *('truncation trick', 'rejection sampling', 'mix-conv', 'high-level group', 'mid-level group', 'low-level group', 'Jensen-Shannon'),
    *('offline sampling', 'online sampling', 'BigGAN-off', 'BigGAN-on', 'Dog, Bird', 'FG/BG', 'MC-16', 'MC-100', 'MC-128', 'MC-992'),
    *('DenseCL', 'DeepLabv3', 'SupCon', 'SupSelfCon', 'leaderboard'),
]
STATES = ('run small', 'tested', 'partly', 'not built')


def rows() -> list[list[str]]:
    """The cells of all table rows, without the header rows."""
    lines = [[cell.strip() for cell in line.split('|')[1:-1]] for line in PAGE.splitlines() if line.startswith('| ')]
    return [line for line in lines if line[0] not in ('paper', '---')]


def defined_in(path: str) -> set[str]:
    """Names of the functions, classes and assigned variables of a file."""
    found = re.findall(r'^ *(?:def|class) (\w+)|^ *(?:self\.)?(\w+) = ', (ROOT / path).read_text(), re.MULTILINE)
    return {name for pair in found for name in pair}


def headings(path: Path) -> list[str]:
    """The headings of a Markdown file as GitHub's anchors."""
    return [re.sub(r'[^\w -]', '', head.lower()).replace(' ', '-') for head in re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)]


def test_something_is_named():
    assert len(PATHS) > 60 and len(TYPES) > 15 and len(NAMES) > 30


@pytest.mark.parametrize('path', PATHS)
def test_path(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(('path', 'name'), NAMES)
def test_name(path, name):
    assert name.strip('`') in defined_in(path)


@pytest.mark.parametrize('name', TYPES)
def test_type(name):
    assert any(known.get(name) for known in REGISTRIES)


@pytest.mark.parametrize('what', [*(f'Table {n}' for n in range(1, 7)), *(f'Figure {n}' for n in range(1, 12))])
def test_row(what):
    assert len([row for row in rows() if row[0].startswith(f'{what},')]) == 1


@pytest.mark.parametrize('term', TERMS)
def test_term(term):
    assert any(term in row[0] for row in rows())


@pytest.mark.parametrize('section', ['3.1', '3.2', '4', '5.1', '5.2', '5.3'])
def test_section(section):
    assert re.search(rf'^## Section {section}\b', PAGE, re.MULTILINE)


def test_every_row_says_its_state():
    assert all(len(row) == 4 and row[3].startswith(STATES) for row in rows())


@pytest.mark.parametrize('link', sorted(set(re.findall(r'\]\((?!http)([^)]+)\)', PAGE))))
def test_link(link):
    path, _, anchor = link.partition('#')
    target = ROOT / 'docs' / path
    assert target.exists()
    assert not anchor or anchor in headings(target)
