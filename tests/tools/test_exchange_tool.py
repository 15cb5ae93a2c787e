"""tools/exchange_rate.py: from the results of studies to a table, the numbers and a drawing."""

import copy
import json
import runpy
import sys

import pytest
from conftest import ROOT

from mmbdg.studies.results import Results, Run
from mmbdg.studies.study import Study

SIZES = dict(real=(50, 100, 500), synthetic=(500, 1000, 5000), more=(500, 1000, 5000))
FIGURES = dict(real=(50.0, 60.0, 68.0), synthetic=(50.0, 60.0, 68.0), more=(40.0, 45.0, 59.0))


def results(rows=('real', 'synthetic', 'more'), seeds=(0, 1, 2), figures=('mIoU', 'accuracy')):
    """Content of a file of tools/study.py, by the class that writes it."""
    sizes = sorted({size for row in rows for size in SIZES[row]})
    step = dict(name='train', tool='train.py', arguments=[])
    content = dict(
        rows=[dict(name=row, title=f'{row} $x_1$', columns=[str(size) for size in SIZES[row]], steps=[step]) for row in rows],
        columns=[dict(name=str(size), value=size) for size in sizes],
        figures=[dict(name=name, read=f'test.json:{name}', unit='%') for name in figures],
        seeds=list(seeds),
    )
    study = Study.model_validate(content, strict=True)
    found = Results(study)
    for row in rows:
        for size, figure in zip(SIZES[row], FIGURES[row], strict=True):
            for seed in seeds:
                found.add(row, str(size), seed, Run(dict.fromkeys(figures, figure + (seed - 1) / 10)))
    return json.loads(json.dumps(found.as_json('study.py')))


@pytest.fixture
def tool(monkeypatch, capsys):
    """Function that runs the tool in this process; it returns the exit code and the output."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['exchange_rate.py', *map(str, arguments)])
        try:
            runpy.run_path(str(ROOT / 'tools/exchange_rate.py'), run_name='__main__')
        except SystemExit as end:
            return end.code, capsys.readouterr().err
        return 0, capsys.readouterr().out

    return run


def test_table_numbers_and_drawing(tool, tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(results()))
    curves = [f'{tmp_path}/a.json:{row}' for row in SIZES]
    code, text = tool(*curves, tmp_path / 'out', '--figure', 'mIoU')
    assert code == 0
    assert '| 50 | 50 | 500; 500 to 500 | 10; 10 to 10 |' in text
    assert '| 500 | 68 | never (> 5,000) | > 10 |' in text and '3 seeds.' in text
    assert (tmp_path / 'out/exchange_rate.md').read_text() in text
    numbers = json.loads((tmp_path / 'out/exchange_rate.json').read_text())
    assert numbers['metric'] == dict(name='mIoU', title='mIoU', unit='%', read='test.json:mIoU') and numbers['confidence'] == 0.95
    answers = [(one['n'], one['by'].split()[0], one['amount']['answer']) for one in numbers['exchanges']]
    expected = dict(synthetic=('about', 'about', 'about'), more=('about', 'never', 'never'))
    assert answers == [(n, name, answer) for name, some in expected.items() for n, answer in zip(SIZES['real'], some, strict=True)]
    assert numbers['exchanges'][3]['amount']['images'] == pytest.approx(1000 * 5 ** (5 / 14))  # 50 points, between 45 and 59
    assert numbers['curves'][0]['values'][2] == pytest.approx([50.1, 60.1, 68.1]) and numbers['curves'][1]['sizes'] == [500, 1000, 5000]
    assert (tmp_path / 'out/exchange_rate.png').read_bytes().startswith(b'\x89PNG')
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [f'exchange_rate.{end}' for end in ('json', 'md', 'png')]
    before = (tmp_path / 'out/exchange_rate.json').read_bytes()
    assert tool(*curves, tmp_path / 'out', '--figure', 'mIoU')[0] == 0
    assert (tmp_path / 'out/exchange_rate.json').read_bytes() == before
    code, text = tool(*curves[:2], tmp_path / 'out', '--figure', 'mIoU', '--at', 70.7, 200)
    assert code == 0 and '| 70.7 | 55 | 707; 707 to 707 | 10; 10 to 10 |' in text


def test_curves_of_two_studies(tool, tmp_path):
    """Rows of the same title in two files; one seed has no interval."""
    for name in ('a', 'b'):
        (tmp_path / f'{name}.json').write_text(json.dumps(results(['real'], [1], ['mIoU'])))
    code, text = tool(f'{tmp_path}/a.json:real', f'{tmp_path}/b.json:real', tmp_path / 'out')
    assert code == 0 and '| 50 | 50 | 50 | 1 |' in text and 'A single seed has no interval' in text
    assert 'images of real $x_1$ (a.json:real)' in text and 'images of real $x_1$ (b.json:real)' in text


def test_what_is_refused(tool, tmp_path):
    content, a = results(), tmp_path / 'a.json'
    a.write_text(json.dumps(content))

    real, synthetic, choice = f'{a}:real', f'{a}:synthetic', ('--figure', 'mIoU')
    for curves, options, message in (
        ((real, synthetic), (), 'has several figures: choose one of mIoU, accuracy'),
        ((real, synthetic), ('--figure', 'mIOU'), 'has no figure "mIOU"; did you mean "mIoU"'),
        ((real, f'{a}:synthetik'), choice, 'has no row "synthetik"; did you mean "synthetic"'),
        ((real, str(tmp_path / 'a')), choice, 'FILE.json:ROW'),
        ((real, f'{tmp_path}/c.json:real'), choice, 'c.json'),
        ((real, real), choice, 'is given twice'),
        ((real, synthetic), (*choice, '--at', '0'), '--at must be above 0'),
        ((real, synthetic), (*choice, '--at', '10'), 'measured with 50 to 500 images, not with 10'),
    ):
        code, output = tool(*curves, tmp_path / 'out', *options)
        assert code == 2 and message in output

    def runs(keep):
        return lambda c: c.update(runs=[run for run in c['runs'] if keep(run)])

    def figures(value):
        return lambda c: [run['figures'].update(mIoU=value) for run in c['runs']]

    for change, message in (
        (lambda c: c['figures']['mIoU'].update(read='test.json:IoU'), 'read "test.json:mIoU" and read "test.json:IoU"; only curves of'),
        (lambda c: c['figures']['mIoU'].update(unit=''), 'unit "%" and unit ""'),
        (lambda c: c['columns']['1000'].update(value=None), 'column "1000" has no value: set value'),
        (lambda c: c['columns']['1000'].pop('value'), 'column "1000" has no value: set value'),
        (lambda c: c['columns']['1000'].update(value=500), 'columns "500" and "1000" have the same value 500'),
        (lambda c: c['columns']['1000'].update(value=-1), 'all must be above 0'),
        (figures(None), 'column "500", seed 0, has no mIoU'),
        (figures(float('nan')), 'finite number'),
        (lambda c: [run.update(seed=run['seed'] + 1) for run in c['runs']], 'has the seeds 0, 1, 2, synthetic $x_1$ has 1, 2, 3'),
        (runs(lambda run: run['column'] == '1000'), 'has 1 size of the training set'),
        (runs(lambda run: (run['column'], run['seed']) != ('1000', 2)), '1,000 images have 0, 1: run the study for all seeds'),
        (lambda c: c.pop('runs'), 'runs: Field required'),
        (lambda c: c['runs'][0].update(seed='0'), 'runs.0.seed'),
    ):
        other = copy.deepcopy(content)
        change(other)
        (tmp_path / 'b.json').write_text(json.dumps(other))
        code, output = tool(real, f'{tmp_path}/b.json:synthetic', tmp_path / 'out', *choice)
        assert code == 2 and message in output
    assert not (tmp_path / 'out').exists()
