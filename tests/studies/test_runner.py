"""tools/study.py with fast fake tools: which steps run, which are kept, and why a step runs again."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
from PIL import Image
from scipy.stats import ttest_rel
from tiny_study import TinyStudy

from mmbdg.errors import InputError
from mmbdg.studies import forked_tools
from mmbdg.studies.results import Results, Run


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setattr(forked_tools, 'import_openmmlab', lambda: None)
    return TinyStudy(tmp_path)


def score(number, iterations, seed):
    return float(number + iterations + seed)


def test_options_of_columns_reach_all_varied_steps(tiny):
    for row in tiny.content['rows']:
        add, read = row['steps']
        row['steps'] = [add, dict(add, name='again', options={}), dict(read, arguments=['{again.sum}', '{out}/figures.json'])]
    tiny.content |= dict(varied=['add', 'again'])
    notes, _ = tiny.run()
    options = [note['options'] for note in notes if note['tool'] == 'add']
    assert [float(values['iterations']) for values in options].count(100) == 7  # "add": two rows, three seeds; "again" is the same in all
    again = [values for values in options if 'randomness.seed' not in values]
    assert sorted(again, key=str) == [dict(iterations='100'), dict(iterations='200')]


def test_every_run_is_in_the_json(tiny):
    notes, runner = tiny.run()
    assert [note['tool'] for note in notes].count('add') == 2 * 2 * 3
    written = json.loads((tiny.out / 'tiny.json').read_text())
    found = {(run['row'], run['column'], run['seed']): run['figures']['score'] for run in written['runs']}
    numbers = dict(small=1, large=10)
    assert found == {(row, str(n), seed): score(numbers[row], n, seed) for row in numbers for n in (100, 200) for seed in (0, 1, 2)}
    (first, *_) = written['runs']
    assert [step['step'] for step in first['steps']] == ['add', 'read'] and first['steps'][0]['seconds'] >= 0
    assert first['steps'][0]['machine']['threads'] == 1 and first['steps'][0]['machine']['torch']
    text = (tiny.out / 'tiny.md').read_text()
    assert '| small | 102.0 ± 1.0 | 202.0 ± 1.0 |' in text and 'score in points' in text
    assert '| large | 100 | 3 | +9.0 ± 0.0 | yes |' in text and '| large | mean of all | 3 | +9.0 ± 0.0 | yes |' in text
    assert r'small & 102.0 $\pm$ 1.0 & 202.0 $\pm$ 1.0 \\' in (tiny.out / 'tiny.tex').read_text()
    with Image.open(tiny.out / 'tiny.png') as image:
        assert image.size == (600, 400) and len(image.getcolors(100_000)) > 10


def test_a_second_run_makes_nothing(tiny):
    tiny.run(seeds=[0])
    before = {path: path.stat().st_mtime_ns for path in tiny.out.glob('steps/*/*.json')}
    notes, runner = tiny.run(seeds=[0])
    assert not notes and not tiny.lines
    assert {path: path.stat().st_mtime_ns for path in tiny.out.glob('steps/*/*.json')} == before
    assert runner.missing(tiny.cells(runner, seeds=[0])) == ['nothing is missing']


def test_jobs_share_what_they_need(tiny):
    """Two rows with the same first step run it once. The result does not depend on the number of jobs."""
    tiny.content['rows'][1]['steps'][0] = tiny.content['rows'][0]['steps'][0]
    tiny.content['rows'][0]['steps'][0]['options']['randomness.seed'] = 0
    tiny.content['columns'] = [dict(name='all')]
    tiny.content['rows'][1]['steps'][1]['inputs'] = [str(tiny.root / 'config.py')]  # a different second step
    notes, runner = tiny.run(jobs=3, columns=['all'])
    assert [note['tool'] for note in notes].count('add') == 1 and [note['tool'] for note in notes].count('read') == 2
    assert {run.figures['score'] for seeds in runner.results.runs.values() for run in seeds.values()} == {1.0}


def test_a_part_keeps_the_others(tiny):
    tiny.run(rows=['small'], columns=['100'], seeds=[0])
    notes, _ = tiny.run(rows=['large'], columns=['100'], seeds=[1])
    assert len(notes) == 2
    written = json.loads((tiny.out / 'tiny.json').read_text())
    assert [(run['row'], run['column'], run['seed']) for run in written['runs']] == [('small', '100', 0), ('large', '100', 1)]


def test_an_edited_recipe(tiny):
    """After a change of an option, a config or a tool's code, the dependent steps run again and state the reason.

    Other steps are kept.
    """
    tiny.run(columns=['100'], seeds=[0])
    tiny.content['rows'][1]['steps'][0]['options']['train_cfg.val_interval'] = 20
    notes, runner = tiny.run(columns=['100'], seeds=[0])
    assert [note['tool'] for note in notes] == ['add', 'read'] and runner.results.values('large', '100', 'score') == {0: 120.0}
    first, second = tiny.lines
    assert first.startswith('add of large, 100, seed 0 runs again: its command has changed (it was: add.py ')
    assert 'train_cfg.val_interval (20, it was 10)' in first
    assert second.startswith('read of large, 100, seed 0 runs again: its input has changed: add.sum')

    (tiny.root / 'config.py').write_text((tiny.root / 'config.py').read_text() + "log_level = 'DEBUG'  # new\n")
    notes, _ = tiny.run(columns=['100'], seeds=[0], rows=['large'])
    assert [note['tool'] for note in notes] == ['add']  # the sum is the same, so the next step does not run
    assert (
        'small, 100, seed 0 is no longer valid and is omitted from the tables: add: its config has changed: log_level (DEBUG, '
        in tiny.lines[0]
    )
    assert tiny.lines[1] == 'add of large, 100, seed 0 runs again: its config has changed: log_level (DEBUG, it was missing)'
    assert [run['row'] for run in json.loads((tiny.out / 'tiny.json').read_text())['runs']] == ['large']

    tool = tiny.tools / 'read.py'
    tool.write_text('"""A docstring."""\n' + tool.read_text() + '# a comment\n')
    assert not tiny.run(columns=['100'], seeds=[0], rows=['large'])[0]
    tool.write_text(tool.read_text().replace('None', '1'))
    notes, _ = tiny.run(columns=['100'], seeds=[0], rows=['large'])
    assert [note['tool'] for note in notes] == ['read'] and tiny.lines[-1].endswith('runs again: the code has changed: tool')


def test_a_reverted_edit_makes_nothing(tiny):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    tiny.run(**part)
    options = tiny.content['rows'][0]['steps'][0]['options']
    options['train_cfg.val_interval'] = 5
    assert tiny.run(**part)[0]
    options['train_cfg.val_interval'] = 1
    notes, runner = tiny.run(**part)
    assert not notes and runner.results.values('small', '100', 'score') == {0: 101.0}


def test_lost_and_damaged_outputs(tiny):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    tiny.run(**part)
    (made,) = tiny.out.glob('steps/add-*/out/sum.txt')
    made.write_text('1')
    assert [note['tool'] for note in tiny.run(**part)[0]] == ['add']
    assert 'its output sum' in tiny.lines[0] and 'was changed' in tiny.lines[0]
    made.unlink()
    assert [note['tool'] for note in tiny.run(**part)[0]] == ['add'] and 'is missing' in tiny.lines[0]
    shutil.rmtree(made.parents[1])
    assert [note['tool'] for note in tiny.run(**part)[0]] == ['add'] and 'its folder is missing' in tiny.lines[0]
    next(tiny.out.glob('steps/add-*/result.json')).write_text('{')
    with pytest.raises(InputError, match='is cut off'):
        tiny.run(**part)


def test_a_killed_run_goes_on(tiny):
    """A runner killed with SIGKILL ends its tool too, and the next run resumes the step."""
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    tool = tiny.tools / 'add.py'
    tool.write_text(tool.read_text().replace('float(options.pop', "0 if '--resume' in more else 60 + float(options.pop"))
    pid = os.fork()
    if pid == 0:
        try:
            tiny.run(**part)
        finally:
            os._exit(1)
    until = time.monotonic() + 60
    while not (tiny.tools / 'notes.txt').exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not list(tiny.out.glob('steps/*/result.json'))
    assert [note['resumed'] for note in tiny.notes()] == [False]
    runner = tiny.runner()
    (line, *_) = runner.missing(tiny.cells(runner, **part))
    assert line == 'add of small, 100, seed 0: no such step ran before (it was interrupted: it resumes)'
    notes, runner = tiny.run(**part)
    assert [note.get('resumed') for note in notes] == [True, None] and runner.results.values('small', '100', 'score') == {0: 101.0}
    steps = json.loads((tiny.out / 'tiny.json').read_text())['runs'][0]['steps']
    assert [step['interrupted'] for step in steps] == [True, False]


def test_a_step_that_cannot_resume_starts_again_in_an_empty_folder(tiny):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    del tiny.content['rows'][0]['steps'][0]['resume']
    tiny.run(**part)
    (folder,) = tiny.out.glob('steps/add-*')
    (folder / 'result.json').unlink()
    (folder / 'out/left.txt').write_text('of a killed run')
    notes, _ = tiny.run(**part)
    assert [note['resumed'] for note in notes] == [False] and not (folder / 'out/left.txt').exists()
    assert 'it was interrupted: it starts again' in tiny.lines[0]


def test_dry_run(tiny):
    """A dry run estimates minutes from earlier runs and writes nothing."""
    runner = tiny.runner()
    lines = runner.missing(tiny.cells(runner, seeds=[0], columns=['100']), jobs=2)
    assert lines[0] == 'add of small, 100, seed 0: no such step ran before' and not tiny.out.exists()
    assert lines[-1] == '4 steps would run, about 0.0 minutes with 2 at once, and 4 steps of unknown time'
    tiny.run(rows=['small'], columns=['100'], seeds=[0])
    for path in tiny.out.glob('steps/*/result.json'):
        path.write_text(json.dumps(json.loads(path.read_text()) | dict(seconds=90.0)))
    runner = tiny.runner()
    lines = runner.missing(tiny.cells(runner, rows=['small'], columns=['100'], seeds=[0, 1]), jobs=2)
    assert lines == [
        'add of small, 100, seed 1: about 1.5 minutes',
        'read of small, 100, seed 1: about 1.5 minutes',
        '2 steps would run, about 1.5 minutes with 2 at once',
    ]


def test_a_failure(tiny):
    tiny.content['rows'][0]['steps'][0]['options'] = {'train_cfg.val_interval': 13}
    with pytest.raises(InputError, match=r'add\.py .* failed with 2: thirteen is refused; its output is in .*log\.txt'):
        tool = tiny.tools / 'add.py'
        tool.write_text(tool.read_text().replace("get('val_interval')", "get('train_cfg.val_interval')"))
        tiny.run(rows=['small'], columns=['100'], seeds=[0])


def test_what_a_step_does_not_make(tiny):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    tiny.content['figures'][0]['read'] = 'figures.json:metrics.scoer'
    with pytest.raises(InputError, match=r'figures\.json has no "scoer"; did you mean "score"\?'):
        tiny.run(**part)
    tiny.content['figures'][0]['read'] = 'figures.json:metrics'
    with pytest.raises(InputError, match='is no number'):
        tiny.run(**part)
    tiny.content['figures'][0]['read'] = 'validations:mIoU'
    with pytest.raises(InputError, match='no validation .* logs mIoU: check that the config has a validation'):
        tiny.run(**part)
    tiny.content['rows'][0]['steps'][0]['outputs'] = dict(sum='other.txt')
    with pytest.raises(InputError, match=r'add\.py did not write its output sum: .*other\.txt is missing'):
        tiny.run(**part)


def test_validations_of_two_trainings_are_kept(tiny):
    for tool, key, folder in (('add', 'mIoU_fgbg', 'out'), ('read', 'mIoU', 'Path(out).parent')):
        lines = '\\n'.join(json.dumps({key: step / 2, 'step': step}) for step in (1, 2))
        path = tiny.tools / f'{tool}.py'
        path.write_text(
            f"{path.read_text()}\nlog = {folder} / '1/vis_data'\nlog.mkdir(parents=True)\n(log / 'scalars.json').write_text('{lines}')\n"
        )
    tiny.content['figures'] = [
        dict(name='labels', read='validations:mIoU_fgbg', step='add'),
        dict(name='network', read='validations:mIoU'),
    ]
    _, runner = tiny.run(rows=['small'], columns=['100'], seeds=[0])
    run = runner.results.runs['small', '100'][0]
    assert run.figures == dict(labels=1.0, network=1.0)
    assert run.validations == [{key: step / 2, 'step': step} for key in ('mIoU_fgbg', 'mIoU') for step in (1, 2)]


def test_null_counts_as_not_known(tiny):
    tiny.content['figures'][0]['read'] = 'figures.json:metrics.nothing'
    _, runner = tiny.run(rows=['small'], columns=['100'], seeds=[0])
    assert runner.results.values('small', '100', 'score') == {}
    assert '| small | - |' in (tiny.out / 'tiny.md').read_text()


def test_the_folder_of_another_study(tiny):
    tiny.run(rows=['small'], columns=['100'], seeds=[0])
    (tiny.out / 'study.json').write_text(json.dumps(dict(study='other')))
    with pytest.raises(InputError, match='belongs to the study "other", and this one is "tiny": choose another folder'):
        tiny.runner()
    (tiny.out / 'study.json').unlink()
    with pytest.raises(InputError, match='contains other files and no study'):
        tiny.runner()


def test_beside_published_figures(tiny):
    published = {'figures': {'small': {'100': [100.0, 102.0, None]}}}
    (tiny.root / 'published.json').write_text(json.dumps(published))
    tiny.content['reference'] = f'{tiny.root}/published.json:figures.{{row}}.{{column}}.{{index}}'
    _, runner = tiny.run(seeds=[0, 1], columns=['100'])
    assert runner.compared() == [f'score: 2 runs are in {tiny.root}/published.json too; greatest difference 1.000']


def test_configs_are_checked_before_any_work(tiny):
    tiny.content['columns'][1]['options'] = dict(iteratoins=200)
    runner = tiny.runner()
    message = r'tiny\.py: row "small", column "200", step "add": .*there is no "iteratoins".*did you mean "iterations"'
    with pytest.raises(InputError, match=message):
        runner.check_configs(tiny.cells(runner))
    assert not tiny.out.exists()


def test_differences_against_scipy(tiny):
    """Differences are paired by seed and equal scipy's, also for a mean over columns."""
    study = tiny.read()
    results, values = Results(study), np.random.default_rng(0).standard_normal((2, 2, 3))
    for i, row in enumerate(('small', 'large')):
        for j, column in enumerate(('100', '200')):
            for seed in range(3):
                results.add(row, column, seed, Run(dict(score=float(values[i, j, seed]))))
    found = {column: difference for _, _, column, _, difference in results.differences()}
    pairs = {'100': values[:, 0], '200': values[:, 1], None: values.mean(1)}
    for column, (small, large) in pairs.items():
        interval = ttest_rel(large, small).confidence_interval(0.95)
        difference = found[column]
        assert difference.mean == pytest.approx(np.mean(large - small)) and difference.n == 3
        assert difference.mean - difference.half_width == pytest.approx(interval.low)
        assert difference.mean + difference.half_width == pytest.approx(interval.high)
        assert difference.told_apart == (interval.low > 0 or interval.high < 0)
