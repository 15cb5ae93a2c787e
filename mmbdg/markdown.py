"""Markdown of texts and numbers from data."""

import re
from html import escape


def plain_markdown(text: str) -> str:
    """Text from a dataset, escaped: it cannot create HTML, links, images or new lines."""
    return re.sub(r'([\[\]`\\])', r'\\\1', escape(' '.join(text.split()), quote=False))


def markdown_table(heads: list[str], rows: list[list[str]]) -> str:
    """Markdown table. The first column is aligned left, all others are aligned right."""
    lines = [heads, ['---'] + ['---:'] * (len(heads) - 1), *rows]
    return '\n'.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |' for line in lines)
