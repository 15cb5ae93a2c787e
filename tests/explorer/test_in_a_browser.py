"""The tool, and its page in a headless browser: load, change a slider, draw with the mouse and by touch, save; then the files are right."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSER, Browser
from conftest import ROOT, TINY_CLASSES
from explored import page  # noqa: F401  skips where starlette is missing
from forked import start_forked
from ranked import chosen, write_ranked

from mmbdg.datasets import AnnotatedLatents
from mmbdg.sources import LabelledGenerator

TOOL = str(ROOT / 'tools' / 'explore.py')
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no browser: apt-get install chromium')


class Server:
    """The tool in a process of its own, until the end of the block."""

    def __init__(self, log: Path, *arguments: object) -> None:
        self.log = log
        self.process = start_forked([TOOL, *map(str, arguments), '--port', '0'], log.parent, os.environ | dict(OMP_NUM_THREADS='1'), log)

    def __enter__(self) -> str:
        end = time.monotonic() + 120
        while 'http://' not in (text := self.log.read_text() if self.log.exists() else ''):
            assert self.process.is_alive() and time.monotonic() < end, text
            time.sleep(0.05)
        return next(word for word in text.split() if word.startswith('http://'))

    def __exit__(self, *_: object) -> None:
        os.kill(self.process.pid, signal.SIGINT)
        self.process.join(30)
        code = self.process.exitcode
        self.process.kill()
        assert code == 130 and 'Traceback' not in self.log.read_text(), (code, self.log.read_text())


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp('profile'), 1280, 900) as one:
        yield one
        assert not one.said, 'the page reported no errors'


def opened(browser: Browser, index: int) -> list[float]:
    """Open a sample, and return left, top and side of the canvas in pixels of the window."""
    browser.run('delete document.body.dataset.opened')
    browser.click(f'figure[data-index="{index}"] .open')
    browser.wait('document.body.dataset.opened')
    box = 'document.getElementById("canvas").getBoundingClientRect()'
    return browser.run(f'[{box}.left, {box}.top, {box}.width]')


def draw(browser: Browser, box: list[float], pixels: list[tuple[int, int]], touch: bool = False) -> None:
    """Draw a line from the middle of a pixel of the mask to that of the next one."""
    left, top, side = box
    browser.drag([(left + (x + 0.5) * side / 16, top + (y + 0.5) * side / 16) for x, y in pixels], touch)


def saved(browser: Browser) -> None:
    before = browser.run('Number(document.body.dataset.saved || 0)')
    browser.click('#save')
    browser.wait(f'document.body.dataset.saved > {before}')


def test_draw_and_save(browser, tiny_labelled_generator, tmp_path):
    with Server(tmp_path / 'log', tiny_labelled_generator, '--out', 'out', '--per-page', 12) as address:
        browser.open(address)
        browser.wait('document.body && document.body.dataset.loads == 1')
        assert browser.run('document.querySelectorAll("#grid figure").length') == 12
        first = browser.run('document.querySelector("#grid img").src')
        browser.set('#class', 1)
        browser.set('#truncation', 0.5)
        browser.wait('document.body.dataset.loads == 2')
        assert browser.run('document.querySelector("#grid img").src') != first
        browser.set('#uncertainty', 0.5)
        browser.wait('document.body.dataset.loads == 3')
        assert browser.run('document.querySelectorAll("#grid figure.dropped").length') == 6
        assert browser.run('document.getElementById("counts").textContent') == '12 candidates · 6 after uncertainty · 6 kept'

        generator = LabelledGenerator.load(tiny_labelled_generator, truncation=0.5)
        box = opened(browser, 4)
        wanted = np.where(generator.sample(1, 4)[1] > 0, 255, 0)
        browser.set('#size', 1)
        browser.click('[data-label="255"]')
        draw(browser, box, [(2, 3), (7, 3)])
        wanted[3, 2:8] = 255
        browser.click('[data-label="0"]')
        draw(browser, box, [(0, 10), (0, 14), (3, 14)])
        wanted[10:15, 0] = wanted[14, 0:4] = 0
        draw(browser, box, [(9, 9), (9, 12)])
        browser.click('#undo')
        saved(browser)

        browser.resize(390, 844, touch=True)
        browser.click('#close')
        assert browser.run('document.documentElement.scrollWidth') == 390, 'nothing runs over the margin'
        box = opened(browser, 5)
        touched = np.where(generator.sample(1, 5)[1] > 0, 255, 0)
        browser.click('[data-label="128"]')
        draw(browser, box, [(6, 1), (6, 5)], touch=True)
        touched[1:6, 6] = 128
        saved(browser)
        browser.click('#close')
        browser.wait('document.querySelectorAll("#grid .saved").length == 2')
        browser.click('figure[data-index="7"] [data-mark=annotate]')
        browser.click('#save-annotate')
        browser.wait('document.getElementById("said").textContent.startsWith("Written")')
        browser.resize(1280, 900)
    dataset = AnnotatedLatents(str(tmp_path / 'out/annotated'), 'biggan16', 12, 16, class_names=TINY_CLASSES, allow_missing_classes=True)
    masks = {item['stem']: item['mask'] for item in dataset.data_list}
    assert list(masks) == ['square-s0-t0.5_1_4', 'square-s0-t0.5_1_5'], 'and no other file'
    assert (masks['square-s0-t0.5_1_4'] == wanted).all()
    assert (np.where(touched > 0, 255, 0) == masks['square-s0-t0.5_1_5']).all()
    dataset = AnnotatedLatents(
        str(tmp_path / 'out/annotated'), 'biggan16', 12, 16, class_names=TINY_CLASSES, allow_missing_classes=True, ignore_value=128
    )
    assert (dataset.data_list[1]['mask'] == touched).all()
    assert [path.name for path in (tmp_path / 'out/to_annotate').rglob('*.npy')] == ['square-s0-t0.5_1_7.npy']


def test_mark_samples_of_a_dataset(browser, tmp_path):
    root = write_ranked(tmp_path / 'data')
    with Server(tmp_path / 'log', root, '--out', 'out') as address:
        browser.open(address)
        browser.wait('document.body && document.body.dataset.loads == 1 && document.querySelectorAll("#grid figure").length == 5')
        visible = '[...document.querySelectorAll("#controls label")].filter((one) => one.offsetParent).map((one) => one.firstChild.data)'
        shown = ['Class', 'Layer', 'Order', 'Uncertainty drops', 'Least foreground', 'Most foreground', 'Dropped samples']
        assert browser.run(visible) == shown, 'no seed, no truncation, no rejection'
        for index in (9, 3):
            browser.click(f'figure[data-index="{index}"] [data-mark=exclude]')
        browser.click('#save-exclude')
        browser.wait('document.getElementById("said").textContent.startsWith("Written")')
        assert [name for name in chosen(root, 'explored') if 'cat' in name] == ['cat/00000005', 'cat/00000008', 'cat/00000011']
        browser.open('about:blank')
        browser.open(address)
        browser.wait('document.body && document.body.dataset.loads == 1')
        assert browser.run('document.querySelectorAll("#grid figure.exclude").length') == 2, 'the marks are there again'
        browser.click('figure[data-index="9"] [data-mark=exclude]')
        browser.click('#save-exclude')
        browser.wait('document.getElementById("said").textContent.startsWith("Written")')
        assert 'cat/00000009' in chosen(root, 'explored')
        browser.open('about:blank')
        browser.open(address.partition('#')[0])
        browser.wait('document.body && document.body.dataset.loads == 1')
        browser.click('#save-exclude')
        browser.wait('document.getElementById("said").textContent.startsWith("only the page at the address")')
        browser.said.clear()  # the browser logs the refusal
