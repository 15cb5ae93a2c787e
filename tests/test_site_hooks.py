"""What docs/hooks makes of links, docstrings, tools, configs and cards. ``python -m mkdocs build --strict`` (.ci/run) uses all of them."""

import json
import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / 'docs' / 'hooks'))
from docstrings import arguments, inline, summary
from heading_anchors import anchor_of, anchors
from markdown import Markdown
from mkdocs.exceptions import PluginError
from model_zoo import model_zoo
from own_resources import Loaded
from repository_links import RepositoryLinks, RepositoryLinksExtension

CONFIG = '../configs/densecl_biggan_fpn.py'
ADDRESS = 'https://example.org/mmbdg'


def html(text: str, page: str = 'online.md', repo_url: str | None = None) -> str:
    config = SimpleNamespace(docs_dir=str(ROOT / 'docs'), config_file_path=str(ROOT / 'mkdocs.yml'), repo_url=repo_url)
    links = RepositoryLinks(config)
    links.page = page
    return Markdown(extensions=[RepositoryLinksExtension(links)]).convert(text)


@pytest.mark.parametrize(
    ('text', 'page', 'repo_url', 'made'),
    [
        (f'[a]({CONFIG})', 'online.md', None, '<span>a</span>'),
        (f'[a]({CONFIG})', 'online.md', f'{ADDRESS}/', f'<a href="{ADDRESS}/blob/main/configs/densecl_biggan_fpn.py">a</a>'),
        ('[a](../configs/own)', 'online.md', ADDRESS, f'<a href="{ADDRESS}/tree/main/configs/own">a</a>'),
        (
            f'[`a`](../{CONFIG})',
            'transfer/data.md',
            ADDRESS,
            f'<a href="{ADDRESS}/blob/main/configs/densecl_biggan_fpn.py"><code>a</code></a>',
        ),
        ('[a](../README.md#results)', 'online.md', None, '<a href="index.md#results">a</a>'),
        ('[a](../../README.md)', 'transfer/data.md', None, '<a href="../index.md">a</a>'),
        ('[a](docs/transfer/data.md#x)', 'index.md', None, '<a href="transfer/data.md#x">a</a>'),
        ('[a](LICENSE)', 'index.md', None, '<span>a</span>'),
        ('![a](docs/samples.png)', 'index.md', None, '<img alt="a" src="samples.png" />'),
        ('[a](#x), [b](https://example.org/b)', 'online.md', None, '<a href="#x">a</a>, <a href="https://example.org/b">b</a>'),
        ('[a](no_such_page.md)', 'online.md', None, '<a href="no_such_page.md">a</a>'),  # MkDocs refuses it
        ('`[a](../none.py)`', 'online.md', None, '<code>[a](../none.py)</code>'),
    ],
)
def test_links(text, page, repo_url, made):
    assert html(text, page, repo_url) == f'<p>{made}</p>'


@pytest.mark.parametrize('repo_url', [None, ADDRESS])
@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[a](../configs/none.py)', 'no file of the repository'),
        ('[a](../../outside.py)', 'no file of the repository'),
        ('[a](../configs/own/README.md#no-such-heading)', 'no heading #no-such-heading'),
        (f'[a]({CONFIG}#x)', 'no heading #x'),
        ('![a](../mmbdg/picture.png)', 'no picture of docs/'),
    ],
)
def test_dead_links(text, message, repo_url):
    with pytest.raises(PluginError, match=message):
        html(text, repo_url=repo_url)


def test_anchors_are_githubs():
    assert anchor_of('Copies of `x.py`: a/b & "c" - d', '-') == 'copies-of-xpy-ab--c---d'
    assert 'installation' not in anchors(ROOT / 'README.md') and {'install', 'results', 'licence-and-citation'} <= anchors(
        ROOT / 'README.md'
    )


def test_docstrings():
    class Example:
        """Sum of :class:`~mmbdg.errors.InputError` and ``a|b``,
        with <c> | *d*.

        Args:
            first, second: Numbers.
        """

        def __init__(self, first: int, second: int) -> None: ...

    assert summary(Example) == r'Sum of `InputError` and ``a|b``, with \<c\> \| \*d\*.'
    assert arguments(Example) == dict(first='Numbers.', second='Numbers.')
    assert inline(':func:`mmbdg.x` of snake_case and _this_') == r'`mmbdg.x` of snake_case and \_this\_'


def test_every_figure_of_the_zoo_is_on_a_card():
    (text,) = model_zoo(ROOT).values()
    cards = [card for path in (ROOT / 'mmbdg/assets').glob('*/cards.json') for card in json.loads(path.read_text()).values()]
    known = json.dumps([card.get('quality') for card in cards]).replace(',', '')
    rows = [line.split(' | ')[1].strip(' |').replace(',', '') for line in text.splitlines() if line.startswith('| `')]
    assert len(rows) > 20 and all(value in known for value in rows)
    assert all(f'SHA-256: `{card["sha256"]}`' in text for card in cards)


@pytest.mark.parametrize(
    ('page', 'foreign'),
    [
        ('<script src="https://example.org/a.js"></script>', ['https://example.org/a.js']),
        ('<link rel="preload stylesheet" href="//example.org/a.css">', ['//example.org/a.css']),
        ('<a href="https://example.org">a</a><link rel="canonical" href="https://example.org"><img src="a.png">', []),
    ],
)
def test_a_page_loads_only_what_is_its_own(page, foreign):
    found = Loaded()
    found.feed(page)
    assert found.foreign == foreign


def test_tools_and_configs_are_read(tmp_path):
    from config_reference import _comments_of
    from tools_reference import _section

    text = '\n'.join(_section(ROOT / 'tools' / 'verify.py', ROOT))
    assert text.startswith('## tools/verify.py') and '\nusage: verify.py [-h] [--repair]' in text
    assert '\n| `--repair` | make damaged blocks again |\n' in text
    assert '```text\npython tools/verify.py data/biggan_sim\n' in text and '\nAll files are read. Checked are: ' in text
    path = tmp_path / 'config.py'
    path.write_text('a = 1  # the first\nb = dict(\n    c=2,  # not of a variable\n)\n')
    assert _comments_of(path) == dict(a='the first')
