"""The tables in the docs equal the tables of the stored JSON results."""

import json

import pytest
from conftest import ROOT

from mmbdg.studies import read_study
from mmbdg.studies.results import Results, Run, published_results
from mmbdg.studies.statistics import mean_and_spread, paired_difference
from mmbdg.studies.tables import as_markdown, latex_table, markdown_table, table


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)


def study(name):
    return read_study(f'configs/studies/{name}.py', ROOT / 'tools')


def lines_of(document):
    return [line.split(' | ') for line in (ROOT / document).read_text().splitlines() if line.startswith('| ')]


@pytest.mark.parametrize(
    ('name', 'document'),
    [
        ('frozen_linear', 'docs/pretraining_results.md'),
        ('frozen_fpn', 'docs/pretraining_results.md'),
        ('ablation', 'docs/ablation.md'),
        ('filters', 'docs/analysis.md'),
    ],
)
def test_by_reference(name, document):
    """Each row of the study is in the document, with all figures in order."""
    results = published_results(study(name))
    head, rows = table(results)
    assert len(rows) == len(results.study.rows)
    known = (ROOT / document).read_text().splitlines()
    first = len(head) - (5 if name == 'filters' else len(results.study.columns))
    for title, *cells in ([row[0], *row[first:]] for row in rows):
        assert any(line.startswith(f'| {title} |') and f'| {" | ".join(cells)} |' in line for line in known), (title, cells)


def test_scenes():
    results = Results(study('scenes'))
    for row, written in zip(results.study.rows, json.loads((ROOT / 'docs/transfer/scenes.json').read_text())['rows'], strict=True):
        assert (row.title or row.name) == written['title']
        for seed, found in written['validations'].items():
            figures = {figure.name: found[-1][figure.read.partition(':')[2]] * figure.scale for figure in results.study.figures}
            results.add(row.name, 'all', int(seed), Run(figures))
    text = markdown_table(table(results))
    assert len(text.splitlines()) == 5 and text in (ROOT / 'docs/transfer/scenes.md').read_text()


@pytest.mark.parametrize(
    ('name', 'figures', 'document', 'rows'),
    [
        ('sources', 'docs/sources/fashion32.json', 'docs/sources.md', 6),
        ('generators', 'docs/generators/fashion32.json', 'docs/generators_compared.md', 5),
        ('calibration', 'docs/generators/calibration_fashion32.json', 'docs/generators_compared.md', 3),
        ('diffusion_steps', 'docs/generators/steps_fashion32.json', 'docs/generators_compared.md', 4),
        ('paste', 'docs/paste/fashion_scenes.json', 'docs/paste.md', 3),
        ('diffusion_taps', 'docs/generators/taps_fashion32.json', 'docs/diffusion_generator.md', 14),
    ],
)
def test_all_runs(name, figures, document, rows):
    results = Results(study(name))
    for run in json.loads((ROOT / figures).read_text())['runs']:
        results.add(run['row'], run['column'], run['seed'], Run(run['figures']))
    assert len({cell[0] for cell in results.cells()}) == len(results.study.rows) == rows
    assert markdown_table(table(results)) in (ROOT / document).read_text()


@pytest.mark.parametrize(
    ('name', 'figures', 'document', 'rows'),
    [
        ('filters_downstream', 'docs/analysis/filters_downstream_fashion32.json', 'docs/analysis.md', 4),
        ('fifty_annotations', 'docs/transfer/fifty_annotations_colour32.json', 'docs/fifty_annotations.md', 13),
    ],
)
def test_all_runs_of_some_rows(name, figures, document, rows):
    results = Results(study(name))
    for run in json.loads((ROOT / figures).read_text())['runs']:
        results.add(run['row'], run['column'], run['seed'], Run(run['figures']))
    assert len({cell[0] for cell in results.cells()}) == rows
    assert markdown_table(table(results)) in (ROOT / document).read_text()


def test_interpreters():
    results = Results(study('interpreters'))
    names = {row.title or row.name: row.name for row in results.study.rows}
    for entry in json.loads((ROOT / 'docs/interpreters/fashion32.json').read_text())['table']:
        for seed, figures in enumerate(entry['seeds']):
            kept = {figure.name: figures[figure.name] for figure in results.study.figures}
            results.add(names[entry['row']], str(entry['per_class']), seed, Run(kept))
    _, rows = table(results)
    assert len(rows) == 10
    known = (ROOT / 'docs/interpreters.md').read_text().splitlines()
    for title, per_class, _, *cells in rows:
        assert f'| {title} | {per_class} | {" | ".join(cells)} |' in known


def test_mean_and_spread():
    assert mean_and_spread([1.0, 2.0, None, 3.0]) == '2.0 ± 1.0' and mean_and_spread([5.04]) == '5.0' and mean_and_spread([None]) == '-'
    assert mean_and_spread([0.5, 0.7], 2) == '0.60 ± 0.14'


def test_differences_by_hand():
    """The confidence interval uses t: for 0.975 and two degrees of freedom it is 4.3027."""
    found = paired_difference({0: 2.0, 1: 4.0, 2: 6.0, 5: 0.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert found.mean == 2 and found.spread == 1 and found.n == 3
    assert found.half_width == pytest.approx(4.3027 / 3**0.5, abs=1e-4) and found.told_apart is False
    single = paired_difference({0: 1.0}, {0: 3.0})
    assert single == (-2.0, None, None, 1) and single.told_apart is None
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_beside_the_papers_figures():
    results = Results(study('voc_segmentation'))
    results.add('densecl', 'all', 0, Run(dict(mIoU=68.0)))
    results.add('densecl', 'all', 1, Run(dict(mIoU=70.0)))
    assert as_markdown(results) == (
        '| pre-training | seeds | mIoU | paper | difference |\n| --- | --- | --- | --- | --- |\n'
        '| DenseCL | 2 | 69.0 ± 1.4 | 69.2 | -0.2 |\n'
        '\nMean ± standard deviation (n - 1) over the seeds; mIoU in %; paper: Table 4, semantic segmentation.\n'
    )
    assert latex_table((['a_b', 'AP^bb'], [['x', '1 ± 2 %']])) == (
        '\\begin{tabular}{lr}\n\\hline\na\\_b & $AP^{bb}$ \\\\\n\\hline\nx & 1 $\\pm$ 2 \\% \\\\\n\\hline\n\\end{tabular}\n'
    )
