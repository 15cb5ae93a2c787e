"""Reports on images without masks."""

import pytest
from image_sets import Drawn, drawn
from page import Page, check_needs_nothing
from test_report import POOLED, reference

from mmbdg.analysis.report.report import analyse
from mmbdg.analysis.report.report_html import as_html
from mmbdg.analysis.report.report_text import as_markdown
from mmbdg.errors import InputError


class WithoutMasks(Drawn):
    """The same images, without their masks."""

    def __init__(self, samples):
        super().__init__(samples)
        self.labels = ()

    def mask(self, i):
        raise InputError('drawn has no masks')

    def uncertainty_of(self, i):
        return None


@pytest.mark.parametrize('masked_reference', [True, False])
def test_distances_of_images_are_the_same_without_masks(masked_reference):
    own, other = drawn(), reference().samples
    full = analyse(Drawn(own), Drawn(other), POOLED, progress=False)
    plain = analyse(WithoutMasks(own), (Drawn if masked_reference else WithoutMasks)(other), POOLED, progress=False)
    assert plain.numbers['distances']['images'] == full.numbers['distances']['images']
    assert 'masked' not in plain.numbers['distances'] and 'labels' not in plain.numbers['distances']
    row = plain.numbers['table1'][0]
    assert row['size'] == 18 and row['MI'] is None and row['images_kernel'] == full.numbers['table1'][0]['images_kernel']
    assert plain.numbers['summary']['dataset']['all']['without_foreground'] is None
    assert plain.numbers['nearest']['median'] == full.numbers['nearest']['median']
    page = Page(as_html(plain))
    check_needs_nothing(page)
    assert '18 images without masks in 3 classes' in page.all_words and not plain.shapes
    assert ('Distribution of the masks' in page.all_words) == masked_reference
    text = as_markdown(plain)
    assert ('| MI |' in text.split('For comparison')[0]) == masked_reference
    assert 'KD-pooled' in text


def test_without_a_reference():
    page = Page(as_html(analyse(WithoutMasks(drawn(2)), progress=False)))
    check_needs_nothing(page)
    assert 'Distribution of the masks' not in page.all_words and len(page.pictures) == 6
