"""Markdown of text and numbers that come from data."""

import re
from html import escape


def plain_markdown(text: str) -> str:
    """Text from a dataset, shown as it is: no HTML, link, picture or further line comes of it."""
    return re.sub(r'([\[\]`\\])', r'\\\1', escape(' '.join(text.split()), quote=False))


def markdown_table(heads: list[str], rows: list[list[str]]) -> str:
    """The first column is text, all others are figures."""
    lines = [heads, ['---'] + ['---:'] * (len(heads) - 1), *rows]
    return '\n'.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |' for line in lines)
