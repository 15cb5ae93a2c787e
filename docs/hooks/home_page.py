"""The first page of the site is the README.md of the repository, so that its text exists once."""

from pathlib import Path


def home_page(root: Path) -> dict[str, str]:
    """Text by page. The hook repository_links.py turns the README's links into links between pages."""
    return {'index.md': (root / 'README.md').read_text(encoding='utf-8')}
