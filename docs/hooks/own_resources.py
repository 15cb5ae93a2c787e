"""The built site loads nothing from other addresses: no script, style, font, frame or picture."""

from html.parser import HTMLParser
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError

LOADED_LINKS = {'stylesheet', 'icon', 'preload', 'prefetch', 'preconnect', 'dns-prefetch', 'modulepreload', 'manifest'}
"""Values of ``rel`` of a ``<link>`` for which a browser contacts the address."""


class Loaded(HTMLParser):
    """Collects the foreign addresses that a page loads by itself; addresses to click on are not among them."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        values = {name: value or '' for name, value in attrs}
        addresses = [values.get(name, '') for name in ('src', 'srcset', 'poster', 'data')]
        if tag == 'link' and LOADED_LINKS & set(values.get('rel', '').split()):
            addresses.append(values.get('href', ''))
        self.foreign += [address for address in addresses if address.startswith(('http:', 'https:', '//'))]


def on_post_build(config: MkDocsConfig) -> None:
    """Check all pages.

    Raises:
        PluginError: A page loads something from another address.
    """
    for path in sorted(Path(config.site_dir).rglob('*.html')):
        page = Loaded()
        page.feed(path.read_text(encoding='utf-8'))
        if page.foreign:
            raise PluginError(f'{path}: the page loads {page.foreign[0]}; put the file into docs/')
