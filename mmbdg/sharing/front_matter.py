"""YAML of names and texts that others wrote: each text stays a text, whatever it contains, in any YAML parser."""

from typing import Any
from unicodedata import category

import yaml

from mmbdg.markdown import markdown_table

DIRECTIONS = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'
"""Characters that change the direction of what follows: with them a text can look like another."""


class _Quoted(str):
    """A text that is written in double quotes: without them ``no``, ``1e3`` or ``- x`` would be read as another type."""


class _Dumper(yaml.SafeDumper):
    """Dumper that indents lists, as the hub writes them, and writes no references."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar('tag:yaml.org,2002:str', text, style='"'))


def one_line(text: str) -> str:
    """A text on one line: white space, control characters and changes of the writing direction become single spaces."""
    signs = text.encode('utf-8', 'replace').decode()
    return ' '.join(''.join(' ' if sign in DIRECTIONS or category(sign) in ('Cc', 'Zl', 'Zp') else sign for sign in signs).split())


def code_span(text: str) -> str:
    """A text in Markdown as inline code: no HTML, link, image or formula in it has an effect."""
    return f'`{one_line(text).replace("`", chr(39)) or "-"}`'


def yaml_text(content: dict) -> str:
    """YAML of dicts, lists, numbers and texts. Texts are put on one line and quoted; keys are the program's own and are not."""
    return yaml.dump(_quoted(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9)


def card(data: dict, body: list[str]) -> str:
    """Text of a ``README.md`` with YAML metadata.

    Args:
        data: Metadata, in its order.
        body: Paragraphs in Markdown.
    """
    return '---\n' + yaml_text(data) + '---\n\n' + '\n\n'.join(part.strip() for part in body if part.strip()) + '\n'


def file_table(files: dict[str, dict], most: int = 50) -> str:
    """Markdown table of files with bytes and SHA-256; of more than ``most`` files the number only, ``hashes.json`` lists them.

    Args:
        files: Content of :mod:`mmbdg.file_hashes`.
    """
    total = sum(facts['bytes'] for facts in files.values())
    if len(files) > most:
        return f'{len(files):,} files, {total:,} bytes; `hashes.json` lists size and SHA-256 of each.'
    rows = [[code_span(name), f'{facts["bytes"]:,}', f'`{facts["sha256"]}`'] for name, facts in files.items()]
    return markdown_table(['file', 'bytes', 'SHA-256'], rows)


def _quoted(value: Any) -> Any:
    if isinstance(value, str):
        return _Quoted(one_line(value))
    if isinstance(value, dict):
        return {key: _quoted(one) for key, one in value.items()}
    return [_quoted(one) for one in value] if isinstance(value, list | tuple) else value
