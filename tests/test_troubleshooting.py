"""The messages quoted in docs/troubleshooting.md exist."""

import ast
import re
from functools import cache

import pytest
from conftest import ROOT

ROWS = re.findall(r'^\| `([^`]+)`[^|]* \| ([^|]*) \| ([^|]*) \|$', (ROOT / 'docs/troubleshooting.md').read_text(), re.MULTILINE)
OTHERS = ('undefined symbol',)
"""Messages of other packages."""


@cache
def texts() -> str:
    """All strings of the package, the tools and the configs, one a line, with ``…`` in place of formatted values."""
    found = []
    for path in [path for folder in ('mmbdg', 'tools', 'configs') for path in (ROOT / folder).rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append(''.join(part.value if isinstance(part, ast.Constant) else '…' for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return '\n'.join(text.replace('\n', ' ') for text in found).lower()


def test_there_are_rows():
    assert len(ROWS) > 25


@pytest.mark.parametrize('message', [message for message, _, _ in ROWS if message not in OTHERS])
def test_message(message):
    pattern = '.*'.join(re.escape(part.strip().lower()) for part in message.split('…'))
    assert re.search(pattern, texts()), f'nothing says "{message}" any more'
