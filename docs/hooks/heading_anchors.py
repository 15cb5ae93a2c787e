"""Anchors of headings as GitHub makes them, so that ``page.md#heading`` is the same link in the repository and on the site."""

import re
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from pymdownx.slugs import slugify

anchor_of = slugify(case='lower')
"""Function of a heading and of the sign between words."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace the anchors of the table of contents."""
    config.mdx_configs.setdefault('toc', {})['slugify'] = anchor_of
    return config


@cache
def anchors(file: Path) -> frozenset[str]:
    """Anchors of a Markdown file that is no page of the site."""
    headings = re.findall(r'^#+ +(.+?) *$', file.read_text(encoding='utf-8'), re.MULTILINE)
    return frozenset(anchor_of(re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading), '-') for heading in headings)
