import shutil
import subprocess

import numpy as np
import pytest
from image_sets import Drawn, drawn
from page import Page, check_needs_nothing
from PIL import Image
from test_report import POOLED, reference

from mmbdg.analysis.report.report import ReportSettings, analyse
from mmbdg.analysis.report.report_html import as_html
from mmbdg.visualization.contact_sheet import outlined, thumbnail

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)


@pytest.fixture(scope='module')
def report():
    images = Drawn(drawn())
    images.name = 'a <script src="https://x.org/y.js">set</script> & more'
    images.facts = dict(
        source='drawn',
        licence='CC, https://creativecommons.org/',
        filters={name: dict(candidates=60, after_rejection=12, after_uncertainty=6) for name in images.classes},
    )
    return analyse(images, reference(), POOLED, ReportSettings(n=15), progress=False)


@pytest.fixture(scope='module')
def text(report):
    return as_html(report)


def test_page_needs_nothing(text):
    page = Page(text)
    check_needs_nothing(page)
    assert 'a <script src="x.org/y.js">set</script> & more' in page.words, 'as text'
    assert 'CC, creativecommons.org/' in page.words


def test_page_shows_everything(report, text):
    page = Page(text)
    row = report.numbers['table1'][0]
    for figure in (f'{row["MI"]:.3f}', f'{row["labels_kernel"]:.2f}', f'{row["SD"]:.2f}', '16.98', '10.0 %'):
        assert figure in page.words
    shapes = sum(len(s.shares) for _, own, other in report.shapes for s in (own, other) if s is not None)
    samples = len(report.gallery) + len(report.reference_gallery) + len(report.certain) + len(report.uncertain) + 2 * len(report.nearest)
    assert len(page.pictures) == shapes + samples
    image, mask = thumbnail(report.images.image(report.gallery[0].index), report.images.mask(report.gallery[0].index), 256)
    assert np.array_equal(page.pictures[0], outlined(image, mask, report.images.palette, 255, width=3))
    assert page.tags.count('svg') == len(report.numbers['histograms']) + 1
    figures = [word for word in page.words if word.startswith('Figure ')]
    assert figures == [f'Figure {i}.' for i in range(1, len(figures) + 1)] and len(figures) == 7


def test_page_without_reference():
    page = Page(as_html(analyse(Drawn(drawn()), progress=False)))
    check_needs_nothing(page)
    assert 'Nearest reference images' not in page.words and not any(word.startswith('FID') for word in page.words)


def test_large_pictures_are_shrunk():
    rng = np.random.default_rng(0)
    samples = [(rng.integers(0, 256, (300, 400, 3), np.uint8), np.pad(np.ones((100, 100), np.uint8), ((50, 150), (50, 250))), 0)] * 4
    page = Page(as_html(analyse(Drawn(samples), progress=False)))
    assert page.pictures[0].shape == (96, 128, 3)
    assert len(page.text) < 3e6


@pytest.mark.skipif(BROWSER is None, reason='no browser: apt-get install chromium')
def test_page_in_a_browser(text, tmp_path):
    """A headless browser without network shows the page: white background, dark text, coloured samples."""
    path = tmp_path / 'report.html'
    path.write_text(text, encoding='utf-8')
    options = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', f'--user-data-dir={tmp_path / "profile"}']
    options += ['--host-resolver-rules=MAP * ~NOTFOUND', '--window-size=1200,4000', f'--screenshot={tmp_path / "page.png"}']
    subprocess.run([BROWSER, *options, path.as_uri()], check=True, capture_output=True, timeout=120)
    picture = np.asarray(Image.open(tmp_path / 'page.png').convert('RGB')).astype(int)
    assert picture.shape[1] == 1200
    white, dark = (picture == 255).all(2).mean(), (picture.max(2) < 80).mean()
    colourful = (np.ptp(picture, axis=2) > 60).mean()
    assert 0.4 < white < 0.97 and dark > 0.01 and colourful > 0.03
    assert (picture[:, :60] == 255).all(), 'nothing runs over the margin'
