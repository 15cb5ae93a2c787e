import json
import runpy
import sys
from pathlib import Path

import pytest
from conftest import ROOT, plan_of, run_tool

from mmbdg.analysis.distances.distribution_distances import distances
from mmbdg.analysis.distances.feature_networks import classifier_features
from mmbdg.analysis.distances.picture_features import KINDS, picture_features
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, summary
from mmbdg.synthesis import synthesize

sys.path.append(str(ROOT / 'tests' / 'analysis'))
from page import Page, check_needs_nothing

TOOL = 'tools/analyze.py'


@pytest.fixture(scope='module')
def datasets(tmp_path_factory, tiny_labelled_generator) -> tuple[Path, Path]:
    """Two datasets of the same generator, with filters, other seeds and other sizes."""
    root = tmp_path_factory.mktemp('datasets')
    for name, seed, count in (('made', 0, 5), ('other', 1, 4)):
        plan = plan_of(str(tiny_labelled_generator), num_per_class=count, candidates=8, uncertainty_rate=0.5)
        synthesize(plan.changed(seed=seed), root / name)
    return root / 'made', root / 'other'


@pytest.fixture
def classifier_config(tmp_path, tiny_classifier) -> Path:
    path = tmp_path / 'tiny.py'
    path.write_text(f'classifier = {dict(tiny_classifier)!r}\n')
    return path


@pytest.fixture
def analyze(monkeypatch):
    """Function that runs tools/analyze.py in this process."""

    def run(*arguments) -> None:
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        runpy.run_path(str(ROOT / TOOL), run_name='__main__')

    return run


def test_report(datasets, classifier_config, tiny_classifier, tmp_path, analyze):
    made, other = datasets
    before = {path: path.read_bytes() for path in made.rglob('*') if path.is_file()}
    options = ['--classifier', classifier_config, '--classifier-size', '16', '--processes', '2', '--min-pixels', '5', '--name', 'A set']
    result = run_tool(ROOT / TOOL, made, '--reference', other, *options, cwd=tmp_path)
    out = tmp_path / 'work_dirs' / 'analysis' / 'made'
    assert sorted(path.name for path in out.iterdir()) == ['report.html', 'report.json', 'report.md']
    numbers = json.loads((out / 'report.json').read_text())

    sides = open_labelled_images(made), open_labelled_images(other)
    for key, side in zip(('dataset', 'reference'), sides, strict=True):
        expected = summary(mask_statistics(side, min_pixels=5, progress=False), progress=False)
        assert numbers['summary'][key] == expected
    network = classifier_features(tiny_classifier, 'tiny', size=16)
    assert numbers['distances']['n'] == 12 and numbers['distances']['kernel'] == 'KD-tiny'
    theirs = picture_features(sides[1], range(12), network)
    for kind in KINDS:
        assert numbers['distances'][kind]['frechet'] is None
        assert abs(numbers['distances'][kind]['kernel_full']) < 1e6
    analyze(other, '--reference', other, '--out', tmp_path / 'same', *options)
    whole = json.loads((tmp_path / 'same' / 'report.json').read_text())
    for kind in KINDS:  # the same set on both sides, with all its samples
        expected = distances(theirs[kind], theirs[kind])
        assert whole['distances'][kind]['kernel_full'] == pytest.approx(expected.kernel_full, rel=1e-3, abs=1e-3)
        assert whole['distances'][kind]['kernel'] == pytest.approx(expected.kernel, rel=1e-3, abs=1e-3)
    assert whole['nearest']['smallest'] == pytest.approx(0, abs=1e-4)

    for row in numbers['classes']:
        passed = sides[0].facts['filters'][row['name']]
        assert row['filters'] == passed and row['acceptance'] == pytest.approx(passed['after_uncertainty'] / passed['candidates'])
        assert (row['n'], row['reference_n']) == (5, 4)
    assert numbers['machine']['cores'] >= 1 and numbers['settings']['min_pixels'] == 5

    page = Page((out / 'report.html').read_text())
    check_needs_nothing(page)
    assert 'A set' in page.words and len(page.pictures) > 15 + 12
    assert (out / 'report.md').read_text().startswith('# A set\n') and '| A set | 15 |' in result.stdout
    assert 'KD-tiny of 12 samples a side; no FD-tiny below 500' in result.stdout and 'sample/s' in result.stdout
    assert {path: path.read_bytes() for path in made.rglob('*') if path.is_file()} == before, 'the dataset stays as it is'


def test_part_of_a_set_alone(datasets, tmp_path, analyze):
    analyze(datasets[0], '--max-samples', '7', '--out', tmp_path / 'out')
    numbers = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert numbers['dataset']['n'] == 7 and numbers['distances'] is None and len(numbers['table1']) == 1


def test_refusals(datasets, classifier_config, tmp_path, analyze, capsys):
    made, other = datasets
    plain = tmp_path / 'plain.py'
    plain.write_text('x = 1\n')
    for arguments, message in (
        ((tmp_path / 'none',), 'cannot be analysed'),
        ((made, '--n', '0'), '--n must be at least 1'),
        ((made, '--out', made), 'lies in the folder of a dataset'),
        ((made, '--out', made / 'masks' / 'x'), 'lies in the folder of a dataset'),
        ((made, '--reference', other, '--inception', tmp_path / 'none.pth'), 'there is no checkpoint at'),
        ((made, '--reference', other, '--classifier', plain), 'neither classifier=dict(...) nor model=dict(...)'),
        ((made, '--reference', other, '--max-samples', '3', '--classifier', classifier_config), 'at least 4 are needed'),
    ):
        out = () if '--out' in arguments else ('--out', tmp_path / 'out')
        with pytest.raises(SystemExit) as stopped:
            analyze(*arguments, *out)
        assert stopped.value.code == 2 and message in capsys.readouterr().err
    assert not list((tmp_path / 'out').iterdir()) and not (made / 'masks' / 'x').exists()
