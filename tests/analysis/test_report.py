import json

import numpy as np
import pytest
from image_sets import CLASSES, Drawn, drawn
from torch.nn import functional as F

from mmbdg.analysis.distances.distribution_distances import distances
from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.distances.picture_features import KINDS, picture_features
from mmbdg.analysis.distances.picture_features import drawn as drawn_indices
from mmbdg.analysis.report.report import Report, ReportSettings, analyse
from mmbdg.analysis.report.report_text import as_markdown
from mmbdg.analysis.statistics import table1
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, summary
from mmbdg.analysis.statistics.mean_shapes import mean_shapes
from mmbdg.errors import InputError
from mmbdg.files import write_json

POOLED = FeatureNetwork(
    'pooled', 'FD-pooled', 'KD-pooled', 'pixels at 3x3', lambda images: F.adaptive_avg_pool2d(images.float() / 255, 3).flatten(1)
)


def reference(per_class: int = 5) -> Drawn:
    """A reference set with other shapes and pixels. One of its images is also in the dataset."""
    rng = np.random.default_rng(9)
    samples = [(rng.integers(0, 256, image.shape, np.uint8), np.roll(mask, 7, axis=1), c) for image, mask, c in drawn(per_class)]
    samples[7] = (drawn()[2][0], *samples[7][1:])
    images = Drawn(samples)
    images.name = 'others'
    return images


@pytest.fixture(scope='module')
def images() -> Drawn:
    images = Drawn(drawn())
    images.facts = dict(
        source='drawn', filters={'round': dict(candidates=60, after_rejection=12, after_uncertainty=6, kept=6), 'angular': dict(kept=6)}
    )
    return images


@pytest.fixture(scope='module')
def report(images) -> Report:
    return analyse(images, reference(), POOLED, ReportSettings(n=12, min_pixels=20), progress=False)


def test_numbers_are_those_of_their_parts(report, images):
    numbers = report.numbers
    for key, side in (('dataset', images), ('reference', reference())):
        expected = summary(mask_statistics(side, min_pixels=20, progress=False), progress=False)
        assert numbers['summary'][key] == expected
        row = numbers['table1'][('dataset', 'reference').index(key)]
        assert [row[column] for column in ('IN', 'MI', 'BI', 'MB', 'PL', 'SC', 'SD')] == [
            expected['all'][column] for column in ('IN', 'MI', 'BI', 'MB', 'PL', 'SC', 'SD')
        ]
        assert (row['name'], row['size']) == (side.name, len(side))
    assert (numbers['distances']['n'], numbers['distances']['frechet']) == (12, 'FD-pooled')


def test_distances_are_those_of_the_features(images):
    """Distances equal those computed from the features, with all 15 samples of the smaller set and 15 drawn from the larger."""
    others = reference()
    numbers = analyse(images, others, POOLED, ReportSettings(seed=3), progress=False).numbers
    assert numbers['distances']['n'] == 15
    chosen = drawn_indices(18, 15, 'distances', 3, 'dataset')
    own, theirs = picture_features(images, chosen, POOLED), picture_features(others, range(15), POOLED)
    for kind in KINDS:
        expected = distances(own[kind], theirs[kind], seed=3)
        found = numbers['distances'][kind]
        assert found['kernel'] == pytest.approx(expected.kernel) and found['kernel_full'] == pytest.approx(expected.kernel_full)
        assert found['frechet'] is None, 'below 500'
        assert numbers['table1'][0][f'{kind}_kernel'] == found['kernel'] and numbers['table1'][1][f'{kind}_kernel'] == 0
    assert len({round(numbers['distances'][kind]['kernel'], 6) for kind in KINDS}) == 3


def test_the_copied_image_is_found(images):
    report = analyse(images, reference(6), POOLED, progress=False)
    sample, other = report.nearest[0]
    assert (sample.index, other.index) == (2, 7) and report.numbers['nearest']['smallest'] == pytest.approx(0, abs=1e-4)
    assert report.numbers['nearest']['samples'][0] | dict(distance=0) == dict(choice='closest', sample='2', nearest='7', distance=0)
    closest = [pair[1].index for pair in report.nearest[:6]]
    assert len(set(closest)) == len(closest), 'each reference image once'
    samples = [pair[0].index for pair in report.nearest]
    assert len(set(samples)) == len(samples) == 12, 'what is drawn is not among the closest'


def test_acceptance(report):
    rows = {row['name']: row for row in report.numbers['classes']}
    assert rows['round']['acceptance'] == pytest.approx(0.1) and rows['round']['reference_n'] == 5 and rows['round']['n'] == 6
    assert rows['angular']['acceptance'] is None and rows['rough']['filters'] is None
    assert list(rows) == sorted(CLASSES, key=CLASSES.index)


def test_what_is_shown(report, images):
    statistics = mask_statistics(images, progress=False)
    assert sorted({shown.caption for shown in report.gallery}) == sorted(CLASSES) and len(report.gallery) == 18
    assert len({shown.index for shown in report.gallery}) == len(report.gallery), 'no sample twice'
    assert [shown.index for shown in report.certain] == list(range(1, 9)), 'sample 0 has no uncertainty'
    assert [shown.index for shown in report.uncertain] == list(range(17, 9, -1))
    assert report.uncertain[0].note == '0.17 nats' and report.uncertain[0].caption == 'rough'
    name, own, other = report.shapes[1]
    expected = mean_shapes(statistics.crops[6:12], address='angular')
    assert name == 'angular' and np.array_equal(own.shapes, expected.shapes)
    assert other is not None and len(other.shares) == 5


def test_json_holds_it_all(report, tmp_path):
    write_json(tmp_path / 'report.json', report.numbers)
    text = (tmp_path / 'report.json').read_text()
    assert 'NaN' not in text and 'Infinity' not in text
    read = json.loads(text)
    assert read['table1'][0]['MI'] == report.numbers['table1'][0]['MI']
    assert {'dataset', 'reference', 'table1', 'distances', 'summary', 'classes', 'histograms', 'nearest', 'settings', 'machine'} <= set(
        read
    )
    assert read['machine']['cores'] and read['settings']['n'] == 12


def test_markdown(report):
    text = as_markdown(report)
    row = report.numbers['table1'][0]
    assert f'| drawn | 18 | {row["IN"]:.2f} | {row["MI"]:.3f} |' in text and f'| {row["masked_kernel"]:.2f} |' in text
    assert '| BigGAN-sim | 100k | 1.33 | 0.261 | 0.403 | 0.606 | 16.98 | 1.17 | 39.69 | 22.37 | 3.65 | 33.9 | 6.67 |' in text
    assert 'n = 12 a side' in text and 'Below 500 a side no Fréchet distance' in text and 'never with FID and KID' in text
    assert '| round | 6 | 5 | 60 | 12 | 6 | 10.0 % |' in text
    for line in text.splitlines():
        if line.startswith('| ---'):
            heads = text.splitlines()[text.splitlines().index(line) - 1]
            assert heads.count('|') == line.count('|')


def test_markdown_carries_no_html(images):
    """The Markdown report escapes HTML in names, licences and versions, because a dataset.json can contain any text."""
    hostile = '<img src=x onerror=alert(1)>[a](javascript:b) `c` <script>d</script>\n# e'
    others = Drawn(drawn())
    others.name, others.classes = hostile, tuple(hostile for _ in CLASSES)
    others.facts = dict(source=hostile, licence=hostile, versions={hostile: hostile}, filters={hostile: {hostile: 3, 'candidates': 9}})
    text = as_markdown(analyse(others, reference(), POOLED, ReportSettings(n=12), progress=False))
    lines = [line for line in text.splitlines() if 'onerror' in line]
    assert len(lines) > 6 and '<img' not in text and '<script' not in text and '\n# e' not in text
    assert all('[a]' not in line and '&lt;img src=x onerror=alert(1)&gt;\\[a\\](javascript:b)' in line for line in lines)


def test_alone(images):
    report = analyse(images, progress=False)
    assert report.numbers['distances'] is None and report.numbers['nearest'] is None and len(report.numbers['table1']) == 1
    assert 'FID' not in as_markdown(report).split('For comparison')[0]
    unclassed = analyse(Drawn(drawn(), classes=()), progress=False)
    assert unclassed.numbers['classes'] == [] and unclassed.shapes[0][0] == '' and len(unclassed.gallery) == 18


def test_refusals_come_before_the_work(images, monkeypatch):
    def work(*args, **options):
        pytest.fail('the long work began')

    monkeypatch.setattr('mmbdg.analysis.report.report.mask_statistics', work)
    with pytest.raises(InputError, match='drawn has 3 images; at least 4 are needed'):
        analyse(images, Drawn(drawn()[:3]), POOLED)
    with pytest.raises(InputError, match='drawn has 0'):
        analyse(Drawn([]))
    image, mask, c = drawn()[0]
    with pytest.raises(InputError, match='they must be equal'):
        analyse(Drawn([(image, mask[1:], c)] * 5))


def test_no_foreground_anywhere():
    empty = Drawn([(image, mask * 0, c) for image, mask, c in drawn(2)])
    with pytest.raises(InputError, match='none of 6 masks has any foreground'):
        analyse(empty, progress=False)


def test_cells():
    cells = [
        table1.cell(*of)
        for of in (('MI', None), ('size', '8k'), ('size', 12000), ('MI', 0.3149), ('masked_frechet', 1.0349), ('masked_frechet', 16.98))
    ]
    assert cells == ['–', '8k', '12,000', '0.315', '1.035', '16.98']
    assert [table1.cell(*of) for of in (('labels_kernel', 1.1649), ('labels_kernel', -0.02), ('SD', 0.4449))] == ['1.16', '-0.02', '0.44']
