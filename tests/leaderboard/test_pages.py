"""The pages by their values; the HTML page also in a headless browser."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT
from made_entries import CONFIG, content, written
from page import Page

from mmbdg.errors import InputError
from mmbdg.html_page import html_page, without_schemes
from mmbdg.leaderboard import read_entries, write_pages
from mmbdg.leaderboard.links import Links, checked_prefix
from mmbdg.leaderboard.paper_table2 import ROWS

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
HOSTILE = '<script src="https://x.org/y.js">alert(1)</script>'
GARMENTS = ('fgbg', 'bag', 'boot', 'classes', 'long-tailed')
OFFLINE = dict(training=['annotated'], pretraining=['biggan-off'], synthetic=1000, images=10_000, labels=10_000, masks=50)
ONLINE = dict(training=['biggan-on'], pretraining=[], synthetic=None, images=0, labels=0, masks=50, note='masks: "interpreters"')


def some_entries() -> list[dict]:
    """Entries whose order differs by method, by FG/BG, by classes and by the mean over the tasks."""
    complete = {name: [50.0 + i, 52.0 + i, 57.0 + i] for i, name in enumerate(GARMENTS)}
    return [
        content('c offline', dict(fgbg=[70.0, 80.0], classes=[9.0, 11.0]), data=OFFLINE),
        content('a complete', complete, note='a note', submitted_by='a group', docs='docs/online.md', weights='https://example.org/w.pth'),
        content('b online', dict(fgbg=[100.0]), data=ONLINE),
        content(
            'd ' + HOSTILE,
            dict(classes=[55.5]),
            note='[x](javascript:alert(1)) "quoted" \'too\' & | *bold*',
            pretraining=HOSTILE,
            backbone='www.y.org *bold* _x_ [a](javascript:b)',
        ),
        content('e of ImageNet', dict(dog=[88.0], mc992=[30.0]), domain='imagenet'),
    ]


@pytest.fixture(scope='module')
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp('leaderboard')
    entries = read_entries([written(folder / 'entries', *some_entries())], ROOT)
    write_pages(entries, folder / 'out', Links(ROOT, folder / 'out', 'https://example.org/mmbdg/blob/main'))
    assert sorted(path.name for path in (folder / 'out').iterdir()) == ['leaderboard.html', 'leaderboard.json', 'leaderboard.md']
    return folder / 'out'


@pytest.fixture(scope='module')
def numbers(out):
    return {domain['name']: domain for domain in json.loads((out / 'leaderboard.json').read_text())['domains']}


def test_means_and_spreads(numbers):
    complete, *others = numbers['fashion']['entries']
    assert complete['method'] == 'a complete', 'the only one with a mean comes first'
    values = np.array([complete['tasks'][name]['mIoU'] for name in GARMENTS])
    assert [complete['tasks'][name]['mean'] for name in GARMENTS] == pytest.approx(values.mean(1))
    assert [complete['tasks'][name]['spread'] for name in GARMENTS] == pytest.approx(values.std(1, ddof=1))
    assert complete['mean'] == pytest.approx(values.mean()) and complete['spread'] == pytest.approx(values.mean(0).std(ddof=1))
    assert [entry['method'][0] for entry in others] == ['c', 'b', 'd'], 'then by the number of tasks, and their mean'
    assert [entry['mean'] for entry in others] == [None] * 3
    assert others[1]['tasks']['fgbg']['spread'] is None and others[1]['file'] == '2.json'
    assert others[0]['data'] == OFFLINE | dict(note='')


def test_the_paper_is_only_with_imagenet(numbers):
    assert numbers['fashion']['paper'] is None
    assert [row['mean'] for row in numbers['imagenet']['paper']['rows']] == [row.mean for row in ROWS]
    assert 'Table 2' in numbers['imagenet']['paper']['source']


def table_of(text: str, heading: str) -> list[list[str]]:
    """Rows of the first Markdown table after a heading."""
    lines = text.split(f'{heading}\n')[1].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith('|'))
    last = next(i for i, line in enumerate([*lines, ''][first:], first) if not line.startswith('|'))
    return [[cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]] for line in lines[first:last]]


def test_markdown(out):
    text = (out / 'leaderboard.md').read_text()
    heads, _, complete, offline, *_ = table_of(text, '## Embedded garments')
    assert heads[:6] == ['Method', 'Pre-training', 'Backbone', 'Trained on', 'Consumed', 'FG/BG'] and heads[-1] == 'Date'
    link = f'https://example.org/mmbdg/blob/main/{CONFIG}'
    assert complete[5] == f'[53.0](<{link}>) ± 3.6' and complete[-3:] == ['55.0 ± 3.6', '3', '2026-11-01']
    assert offline[1] == 'random (BigGAN-sim, offline)' and offline[4] == '10,000 images, 10,000 labels, 50 masks'
    assert offline[5:10] == [f'[75.0](<{link}>) ± 7.1', '–', '–', f'[10.0](<{link}>) ± 1.4', '–'] and offline[10] == '–'
    paper = table_of(text, "### The paper's figures")
    assert paper[2] == ['Rand', 'annotated samples', '56.4', '35.7', '44.7', '13.9', '4.0', '3.6', '2.3', '22.9'] and len(paper) == 20
    assert 'Not measured here.' in text


def test_markdown_is_escaped(out):
    text = (out / 'leaderboard.md').read_text()
    assert '<script' not in text and 'x.org' in text and 'https://x.org' not in text
    assert r'www\.y.org \*bold\* \_x\_ \[a\](javascript:b)' in text
    assert {line.count('|') - line.count('\\|') for line in text.splitlines() if line.startswith('| ')} <= {14, 16, 11}


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('https:/https:///x.org', 'x.org'),
        ('éhttps://x.org', 'éx.org'),
        ('x_www.x.org', r'x\_www\.x.org'),
        ('a@x.org', 'a@<!-- -->x.org'),
    ],
    ids=['a scheme in a scheme', 'after a letter', 'after a sign', 'e-mail'],
)
def test_nothing_becomes_a_link_in_markdown(text, shown, tmp_path):
    """What GitHub's Markdown (cmark-gfm) makes links of although nothing looks like a link."""
    write_pages(read_entries([written(tmp_path / 'entries', content(text))], ROOT), tmp_path, Links(ROOT, tmp_path))
    assert table_of((tmp_path / 'leaderboard.md').read_text(), '## Embedded garments')[2][0] == shown


@pytest.fixture(scope='module')
def page(out):
    return Page((out / 'leaderboard.html').read_text())


def cells_of(text: str, table: str) -> list[list[str]]:
    """Texts of the cells of a table of the page, without tags."""
    body = re.search(rf'<table class="board" id="{table}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)[1]
    rows = re.findall(r'<tr .*?</tr>', body, re.DOTALL)
    return [[' '.join(re.sub(r'<[^>]*>', ' ', cell).split()) for cell in re.findall(r'<td.*?</td>', row, re.DOTALL)] for row in rows]


def test_html(page):
    complete, offline, online, _ = cells_of(page.text, 'fashion')
    assert complete[:4] == ['a complete a note; by a group', 'entry', 'annotated samples', '53.0 ± 3.6']
    assert complete[8:12] == ['55.0 ± 3.6', '3', 'random', 'ResNet-18'] and complete[-2:] == ['2026-11-01', 'docs weights']
    assert offline[10] == 'random BigGAN-sim, offline' and offline[12:16] == ['1,000', '10,000', '10,000', '50']
    assert online[2:9] == ['BigGAN-sim, online masks: &#34;interpreters&#34;', '100.0', '–', '–', '–', '–', '–'] and online[12] == 'online'
    mine, *paper = cells_of(page.text, 'imagenet')
    assert mine[1] == 'entry' and [row[1] for row in paper] == ['paper'] * len(ROWS)
    assert paper[0][3:11] == ['56.4', '35.7', '44.7', '13.9', '4.0', '3.6', '2.3', '22.9']
    assert page.text.count('<tr class="paper"') == len(ROWS)


def test_html_is_escaped_and_needs_nothing(page, out):
    """Entries add text only. The one script is ours, and the policy of the page admits no other."""
    assert page.tags.count('script') == 1 and not {'link', 'iframe', 'object', 'embed', 'base', 'form', 'img'} & set(page.tags)
    script = re.search(r'<script>(.*?)</script>', page.text, re.DOTALL)[1]
    assert script == (ROOT / 'mmbdg/leaderboard/leaderboard.js').read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page.text
    allowed = {f'https://example.org/mmbdg/blob/main/{name}' for name in (CONFIG, 'docs/online.md')} | {'https://example.org/w.pth'}
    assert set(page.addresses) == allowed
    assert any('<script src="x.org/y.js">alert(1)</script>' in words for words in page.words), 'as text'
    rest = page.text
    for address in allowed:
        rest = rest.replace(f'href="{address}"', '')
    for forbidden in ('http:', 'https:', 'url(', '@import', '="//', 'onerror', 'onclick'):
        assert forbidden not in rest.lower(), forbidden


def test_links(tmp_path):
    assert Links(ROOT, ROOT / 'docs/leaderboard').target(CONFIG) == f'../../{CONFIG}'
    assert Links(ROOT, ROOT).target(CONFIG) == CONFIG
    outside = Links(ROOT, tmp_path)
    assert outside.target(CONFIG) is None and outside.target('https://a.org/x') == 'https://a.org/x' and outside.target(None) is None
    assert Links(ROOT, tmp_path, 'https://a.org/b/').target(CONFIG) == f'https://a.org/b/{CONFIG}'
    for bad in ('http://a.org', 'a/b', 'https://a.org/?x=', 'javascript:x', 'https://a.org/"x'):
        with pytest.raises(InputError, match='--links takes'):
            checked_prefix(bad)


def test_nothing_of_this_machine_outside_of_the_repository(tmp_path):
    write_pages(read_entries([written(tmp_path / 'entries', content())], ROOT), tmp_path / 'out', Links(ROOT, tmp_path / 'out'))
    for path in (tmp_path / 'out').iterdir():
        text = path.read_text()
        assert str(tmp_path) not in text and str(ROOT) not in text and 'href' not in text and '../' not in text


def test_the_same_bytes_again(out, tmp_path):
    entries = read_entries([out.parent / 'entries'], ROOT)
    write_pages(entries, tmp_path, Links(ROOT, tmp_path, 'https://example.org/mmbdg/blob/main'))
    for path in out.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_no_entries(tmp_path):
    write_pages([], tmp_path, Links(ROOT, tmp_path))
    assert len(cells_of((tmp_path / 'leaderboard.html').read_text(), 'imagenet')) == len(ROWS)
    assert (tmp_path / 'leaderboard.md').read_text().count('No entries yet.') == 2


def test_without_schemes():
    assert without_schemes({'a': ['HTTPS://x.org', ('http://y ftp://z',)], 'b': 'data:https://', 'c': 1}) == {
        'a': ['x.org', ['y z']],
        'b': 'data:https://',
        'c': 1,
    }
    for text in ('https:/https:///x', 'https:https:////x', 'https:/ftp:/http:////x', 'éhttps://x', '-http://ftp://x'):
        assert '://' not in without_schemes(text)


def test_a_missing_value_is_an_error(tmp_path):
    from jinja2 import UndefinedError

    (tmp_path / 'x.html').write_text('{{ a }} {{ b }}')
    assert html_page(tmp_path / 'x.html', dict(a='<', b=1)) == '&lt; 1\n'
    with pytest.raises(UndefinedError):
        html_page(tmp_path / 'x.html', dict(a=1))


ALL = ['a', 'b', 'c', 'd']
"""Methods of the garments by their first letters."""
VIEWS = {
    '': ['a', 'c', 'b', 'd'],
    'sort=fashion.method&order=asc': ALL,
    'sort=fashion.method&order=desc': ALL[::-1],
    'sort=fashion.fgbg': ['b', 'c', 'a', 'd'],
    'sort=fashion.fgbg&order=asc': ['a', 'c', 'b', 'd'],
    'sort=fashion.classes&order=asc': ['c', 'd', 'a', 'b'],
    'sort=fashion.images': ['c', 'a', 'b', 'd'],
    'sort=fashion.synthetic&order=asc': ['a', 'd', 'c', 'b'],
    'sort=fashion.nothing': ['a', 'c', 'b', 'd'],
    'data=biggan-off': ['c'],
    'data=biggan-on': ['b'],
    'data=annotated&sort=fashion.method': ['d', 'c', 'a'],
    'data=%3Cscript%3E': ['a', 'c', 'b', 'd'],
    'sort=imagenet.dog&data=biggan-off': ['c'],
}
"""Fragments of the address, and the rows that are shown."""
PAPER_VIEWS = {
    'sort=imagenet.dog': ['e', 'Sup.IN + BigGAN-on'],
    'sort=imagenet.mc992': ['MoCo-v3 + VQGAN-sim', 'MoCo-v3 + BigGAN-sim', 'e'],
    'sort=imagenet.mc992&paper=no': ['e'],
    'sort=imagenet.mean&order=asc': ['Rand', 'DINO'],
    'sort=imagenet.mean&data=vqgan-sim': ['MoCo-v3 + VQGAN-sim', 'SupSelfCon + VQGAN-sim', 'DenseCL + VQGAN-sim'],
}


class Shown(Page):
    """Rows of the tables that are not hidden, in their order."""

    def __init__(self, text: str) -> None:
        self.table, self.rows, self.hidden, self.sorted = '', {}, False, {}
        super().__init__(text)

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        values = dict(attrs)
        if tag == 'table':
            self.table = values['id']
            self.rows[self.table] = []
        if tag == 'th' and 'aria-sort' in values:
            self.sorted[self.table] = (values['data-key'], values['aria-sort'])
        if tag == 'tr' and 'data-kinds' in values:
            self.hidden, self.first = 'hidden' in values, True
        if tag == 'td' and self.first:
            self.first = False
            if not self.hidden:
                self.rows[self.table].append(values['data-value'])


def dumped(path, fragment, profile) -> Shown:
    """The page as the browser has it after its script ran."""
    options = ['--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}', '--host-resolver-rules=MAP * ~NOTFOUND']
    options += ['--virtual-time-budget=1000']
    address = path.as_uri() + (f'#{fragment}' if fragment else '')
    result = subprocess.run([BROWSER, *options, '--dump-dom', address], check=True, capture_output=True, text=True, timeout=120)
    return Shown(result.stdout)


@pytest.mark.skipif(BROWSER is None, reason='no browser: apt-get install chromium')
@pytest.mark.parametrize('fragment', VIEWS)
def test_sorted_and_filtered_in_a_browser(fragment, out, tmp_path):
    shown = dumped(out / 'leaderboard.html', fragment, tmp_path)
    assert [name[0] for name in shown.rows['fashion']] == VIEWS[fragment]
    if fragment.startswith('sort=fashion.') and 'nothing' not in fragment:
        key, order = fragment.removeprefix('sort=fashion.').partition('&')[0], 'ascending' if 'asc' in fragment else 'descending'
        assert shown.sorted == dict(fashion=(key, order))
    assert f'{len(VIEWS[fragment])} of 4 rows' in shown.all_words


@pytest.mark.skipif(BROWSER is None, reason='no browser: apt-get install chromium')
@pytest.mark.parametrize('fragment', PAPER_VIEWS)
def test_the_paper_in_a_browser(fragment, out, tmp_path):
    rows = [name if name[:4] != 'e of' else 'e' for name in dumped(out / 'leaderboard.html', fragment, tmp_path).rows['imagenet']]
    assert rows[: len(PAPER_VIEWS[fragment])] == PAPER_VIEWS[fragment]
    assert len(rows) == dict.fromkeys([k for k in PAPER_VIEWS if 'paper=no' in k], 1).get(fragment, 3 if 'data=' in fragment else 19)


CLICKS = """<script>
const of = (key) => document.querySelector('#fashion th[data-key="' + key + '"] button');
of('classes').click();
setTimeout(() => of('classes').click(), 20);
const data = document.getElementById('data');
data.value = 'annotated';
data.dispatchEvent(new Event('change'));
</script></body>"""


@pytest.mark.skipif(BROWSER is None, reason='no browser: apt-get install chromium')
@pytest.mark.parametrize('policy', [True, False], ids=['with_policy', 'without_policy'])
def test_clicks_in_a_browser(policy, out, tmp_path):
    """A second click turns the order round. A script that is not ours runs only where the policy of the page is taken away."""
    text = (out / 'leaderboard.html').read_text().replace('</body>', CLICKS)
    path = tmp_path / 'page.html'
    path.write_text(text if policy else re.sub('<meta http-equiv="Content-Security-Policy".*?>', '', text))
    shown = dumped(path, '', tmp_path / 'profile')
    if policy:
        assert [name[0] for name in shown.rows['fashion']] == VIEWS[''] and not shown.sorted
    else:
        assert shown.sorted == dict(fashion=('classes', 'ascending'))
        assert [name[0] for name in shown.rows['fashion']] == ['c', 'd', 'a']
