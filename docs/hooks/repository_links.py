"""Links and pictures by their place in the repository, as the pages have them for readers of the repository itself.

A link to a file outside docs/, ``../configs/densecl_biggan_fpn.py``, becomes an address below ``repo_url``; without a ``repo_url`` its text
stays. README.md is the first page of the site (home_page.py): links in it and to it become links between pages. MkDocs checks all links
between pages.
"""

import os.path
import re
from pathlib import Path
from xml.etree.ElementTree import Element

from heading_anchors import anchors
from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

HOME = 'index.md'
README = 'README.md'


class RepositoryLinks(Treeprocessor):
    """Replaces the targets of one page's links and pictures.

    Args:
        config: Settings of the site.
    """

    def __init__(self, config: MkDocsConfig) -> None:
        super().__init__()
        self.docs, self.root, self.repo_url = Path(config.docs_dir), Path(config.config_file_path).parent.resolve(), config.repo_url
        self.page = HOME

    def run(self, root: Element) -> None:
        """Replace targets.

        Raises:
            PluginError: A target does not exist, or is outside the repository.
        """
        for element in root.iter():
            name = {'a': 'href', 'img': 'src'}.get(element.tag, '')
            if name and (target := element.get(name)) and not re.match(r'\w+:|/|#', target):
                self._replace(element, name, target)

    def _replace(self, element: Element, name: str, target: str) -> None:
        path, _, anchor = target.partition('#')
        folder = self.root if self.page == HOME else (self.docs / self.page).parent
        file = Path(os.path.normpath(folder / path))
        if file == self.root / README:
            file = self.docs / HOME
        if file.is_relative_to(self.docs):
            place = os.path.relpath(file, (self.docs / self.page).parent)
            element.set(name, f'{place}#{anchor}' if anchor else place)
            return
        if not file.is_relative_to(self.root) or not file.exists() or element.tag == 'img':
            raise PluginError(f'{self.page}: {target} is no {"picture of docs/" if element.tag == "img" else "file of the repository"}')
        if anchor and (file.suffix != '.md' or anchor not in anchors(file)):
            raise PluginError(f'{self.page}: {path} has no heading #{anchor}')
        if self.repo_url:
            kind = 'tree' if file.is_dir() else 'blob'
            element.set(name, f'{self.repo_url.rstrip("/")}/{kind}/main/{file.relative_to(self.root)}{"#" + anchor if anchor else ""}')
        else:
            element.tag = 'span'
            element.attrib.clear()


class RepositoryLinksExtension(Extension):
    """Adds :class:`RepositoryLinks` between Markdown's own links and MkDocs' check of links.

    Args:
        links: The tree processor.
    """

    def __init__(self, links: RepositoryLinks) -> None:
        super().__init__()
        self.links = links

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the tree processor; those of MkDocs have the priorities 5 to 0, and inline text 20."""
        md.treeprocessors.register(self.links, 'repository_links', 10)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the extension."""
    global links
    links = RepositoryLinks(config)
    config.markdown_extensions.append(RepositoryLinksExtension(links))
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Note which page is rendered next."""
    links.page = page.file.src_uri
    return markdown
