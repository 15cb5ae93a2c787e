import re

import numpy as np
import pytest
from page import Page, check_needs_nothing

from mmbdg.analysis.report.charts import histogram_svg, shared_histogram


def test_shared_bins():
    rng = np.random.default_rng(0)
    a, b = rng.random(400), rng.random(300) ** 2
    a[5] = np.nan
    found = shared_histogram([a, b], bins=10, bounds=(0, 1))
    for i, values in enumerate((np.delete(a, 5), b)):
        assert found['shares'][i] == pytest.approx(np.histogram(values, np.linspace(0, 1, 11))[0] / len(values))
        assert found['medians'][i] == pytest.approx(np.median(values)) and found['n'][i] == len(values)


def test_what_lies_beyond_counts_in_the_outer_bins():
    values = np.concatenate([np.linspace(0, 1, 999), [1000]])
    found = shared_histogram([values], bins=4)
    assert found['edges'][-1] < 1.1 and sum(found['shares'][0]) == pytest.approx(1)
    low, high = np.percentile(values, [0.5, 99.5])
    assert found['edges'] == pytest.approx(np.linspace(low, high, 5))


def test_whole_numbers_have_a_bin_each():
    found = shared_histogram([np.array([1.0] * 6 + [2] * 3 + [0])], whole=True)
    assert found['edges'] == [-0.5, 0.5, 1.5, 2.5, 3.5] and found['shares'][0] == pytest.approx([0.1, 0.6, 0.3, 0])
    many = shared_histogram([np.arange(1000.0)], bins=5, whole=True)
    assert many['edges'] == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5] and many['shares'][0][-1] == pytest.approx(0.995)


def test_nothing_to_count():
    assert shared_histogram([np.array([np.nan]), np.array([])])['n'] == [0, 0]
    constant = shared_histogram([np.full(7, 3.0)], bins=4)
    assert sum(constant['shares'][0]) == pytest.approx(1)


def test_drawing():
    found = shared_histogram([np.array([0.1, 0.1, 0.1, 0.9]), np.array([0.9])], bins=2, bounds=(0, 1))
    svg = histogram_svg(found, 'a "b" <c>', 'ratio')
    page = Page(svg)
    assert page.tags.count('svg') == 1 and 'ratio' in page.words and '0%' in page.words and '0.90' in page.words
    assert '<c>' not in svg
    check_needs_nothing(page)
    points = [np.array(re.findall(r'([\d.]+) ([\d.]+)', drawn_path(svg, i)), float) for i in range(2)]
    heights = [path[0, 1] - path[:, 1] for path in points]  # SVG counts y from the top
    assert heights[0][1] == pytest.approx(3 * heights[0][3], rel=0.02), '3 of 4 and 1 of 4'
    assert heights[1][1] == 0 and heights[1][3] == pytest.approx(4 * heights[0][3], rel=0.02), 'all of the second'
    assert svg == histogram_svg(found, 'a "b" <c>', 'ratio'), 'the same file each time'
    alone = histogram_svg(shared_histogram([np.array([np.nan, 1, 2]), np.array([np.nan])]), 'x', 'y')
    assert 'id="set0"' in alone and 'id="set1"' not in alone


def drawn_path(svg, i):
    """Coordinates of the line of set i."""
    return re.search(rf'<g id="set{i}">.*?<path d="([^"]+)"', svg, re.DOTALL)[1]
