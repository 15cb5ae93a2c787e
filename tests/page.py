"""Reads a report's page without loading anything."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

VOID = {'meta', 'img', 'br', 'line', 'path', 'link', 'input', 'hr'}
ADDRESSES = ('src', 'href', 'srcset', 'poster', 'data', 'action', 'formaction', 'background', 'cite', 'xlink:href')


class Page(HTMLParser):
    """Images, text and tags of a page. Tags that are not closed raise an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.open, self.tags, self.pictures, self.words, self.addresses = text, [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f'{self.open} stay open'

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ADDRESSES]
        if tag == 'img':
            source = dict(attrs)['src']
            assert source.startswith('data:image/png;base64,'), source[:60]
            picture = Image.open(io.BytesIO(base64.b64decode(source.partition(',')[2], validate=True)))
            assert picture.format == 'PNG'
            self.pictures.append(np.asarray(picture))
            assert (int(dict(attrs)['width']), int(dict(attrs)['height'])) == picture.size
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, f'</{tag}> does not fit'

    def handle_data(self, data):
        if data.strip():
            self.words.append(' '.join(data.split()))

    @property
    def all_words(self) -> str:
        return ' '.join(self.words)


def check_needs_nothing(page: Page) -> None:
    """Check that the page has only data URIs and ids of its own, runs no code and loads nothing."""
    assert all(address.startswith(('data:image/png;base64,', '#')) for address in page.addresses)
    assert not {'script', 'link', 'iframe', 'object', 'embed', 'base', 'form', 'video', 'audio'} & set(page.tags)
    rest = re.sub(r'data:image/png;base64,[A-Za-z0-9+/=]+', '', page.text)
    for forbidden in ('http', 'url(', '@import', '="//', "='//", 'xmlns', 'javascript:'):
        assert forbidden not in rest.lower(), f'{forbidden}: {rest[rest.lower().find(forbidden) - 60 :][:120]}'
