"""The files, commands and names in README.md and in the pages of docs/ exist, and README.md is short."""

import re

from conftest import ROOT

README = (ROOT / 'README.md').read_text()


def test_two_commands():
    commands = [line for line in README.splitlines() if line.startswith('pip install -e ')]
    assert len(commands) == 2
    assert commands[0].endswith('python tools/train.py configs/densecl_biggan_fpn.py') and commands[1].endswith('python -m pytest')


def test_short():
    assert len(README.splitlines()) <= 150


def test_paths_exist():
    pages = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
    found = {
        page: set(re.findall(r'(?<![\w./])(?:configs|tools|mmbdg|tests)/[\w./-]+\.(?:py|sh|md|png|npz|json)', page.read_text()))
        for page in pages
    }
    missing = [f'{page}: {name}' for page, names in found.items() for name in names if not (ROOT / name).exists()]
    assert sum(map(len, found.values())) > 300 and len(found[pages[0]]) > 10 and not missing


def test_nothing_of_one_machine():
    files = [ROOT / 'README.md', ROOT / 'setup.py', ROOT / '.ci/run']
    files += [
        path
        for folder in ('mmbdg', 'configs', 'tools', 'tests')
        for path in (ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.md', '.sh')
    ]
    for path in files:
        assert not re.search(r'(?<![\w.])/(?:work|root|home)/', path.read_text()) or path.name == 'test_readme.py', path
