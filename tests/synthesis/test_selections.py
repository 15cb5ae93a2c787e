"""Selections by rank over whole classes, compared with expected samples."""

import json
import os
import shutil
import time

import numpy as np
import pytest
from conftest import ROOT, plan_of, run_tool
from ranked import SAMPLES, chosen, write_ranked

from mmbdg.errors import InputError
from mmbdg.registry import SELECTIONS
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis import SelectionPlan, select, synthesize
from mmbdg.synthesis.selections import Choice, ForegroundBounds, LeastUncertain, RankedSelection, Selection

TOOL = ROOT / 'tools' / 'select_samples.py'


def run(root, *steps, name='s', **options):
    said = []
    select(root, SelectionPlan(name, list(steps)), log=said.append, **options)
    return chosen(root, name), said


def least(fraction, scope='class'):
    return dict(type='mmbdg.LeastUncertain', fraction=fraction, scope=scope)


@pytest.fixture
def root(tmp_path):
    return write_ranked(tmp_path / 'data')


@pytest.mark.parametrize(
    ('step', 'kept'),
    [
        (least(0.4), ['cat/00000005', 'cat/00000009', 'dog/00000002', 'eel/00000007']),  # 2 of 5, 1.2 of 3, 0.4 of 1: at least 1
        (least(0.5), ['cat/00000005', 'cat/00000009', 'dog/00000001', 'dog/00000002', 'eel/00000007']),  # 2.5 and 1.5: to the even number
        (least(0.01), ['cat/00000005', 'dog/00000002', 'eel/00000007']),
        (least(0.5, 'dataset'), ['cat/00000005', 'dog/00000000', 'dog/00000001', 'dog/00000002']),  # 4.5 of 9: to the even number, 4
        (least(0.34, 'dataset'), ['dog/00000000', 'dog/00000001', 'dog/00000002']),
        (
            dict(type='mmbdg.ForegroundBounds', min_foreground=0.1, max_foreground=0.9),  # samples at the bounds are kept
            ['cat/00000003', 'cat/00000008', 'cat/00000009', 'cat/00000011', 'dog/00000000', 'dog/00000001', 'eel/00000007'],
        ),
        (dict(type='mmbdg.ForegroundBounds', min_foreground=0.95), ['dog/00000002']),
        (dict(type='mmbdg.ListedSamples', samples=['eel/00000007', 'cat/00000009'], keep=True), ['cat/00000009', 'eel/00000007']),
        (
            dict(type='mmbdg.ListedSamples', samples=['eel/00000007', 'cat/00000009', 'dog/00000001', 'dog/00000001']),
            ['cat/00000003', 'cat/00000005', 'cat/00000008', 'cat/00000011', 'dog/00000000', 'dog/00000002'],
        ),
        (dict(type='mmbdg.ForegroundBounds', max_foreground=0.05), ['cat/00000005']),
    ],
)
def test_what_is_kept(root, step, kept):
    assert run(root, step)[0] == kept


@pytest.mark.parametrize('scope', ['class', 'dataset'])
def test_all_are_kept(root, scope):
    everything = [f'{folder}/{number:08d}' for folder, samples in SAMPLES.items() for number in samples]
    assert run(root, least(1, scope))[0] == run(root, dict(type='mmbdg.ForegroundBounds'), name='t')[0] == everything


def test_a_step_chooses_from_what_the_one_before_kept(root):
    bounds = dict(type='mmbdg.ForegroundBounds', min_foreground=0.1, max_foreground=0.95)
    assert run(root, bounds, least(0.5))[0] == ['cat/00000008', 'cat/00000009', 'dog/00000001', 'eel/00000007']  # 2 of 4, 1 of 2, 1 of 1
    assert run(root, least(0.5), bounds, name='t')[0] == ['cat/00000009', 'dog/00000001', 'eel/00000007']
    assert run(root, least(0.4), least(0.5), name='u')[0] == ['cat/00000005', 'dog/00000002', 'eel/00000007']


def test_of_equals_the_first_one_is_kept(tmp_path):
    same = {'cat': dict.fromkeys((1, 2, 3, 4), (0.5, 0.5)), 'dog': {9: (0.5, 0.5), 10: (0.4, 0.5)}}
    root = write_ranked(tmp_path / 'data', same)
    assert run(root, least(0.5))[0] == ['cat/00000001', 'cat/00000002', 'dog/00000010']
    assert run(root, least(0.5, 'dataset'), name='t')[0] == ['cat/00000001', 'cat/00000002', 'dog/00000010']


def test_a_thousand_samples_against_plain_python(tmp_path):
    """Kept samples, counts and thresholds of both scopes equal those of sorted Python tuples."""
    rng, samples = np.random.default_rng(0), {}
    for folder, number in dict(cat=200, dog=77, eel=3).items():
        values = rng.integers(0, 50, number) / 100  # with equal values
        samples[folder] = {int(i): (float(v), 0.5) for i, v in zip(np.sort(rng.permutation(1000)[:number]), values, strict=True)}
    root = write_ranked(tmp_path / 'data', samples)
    by_class = {
        folder: sorted((v, i) for i, (v, _) in of_class.items())[: round(0.3 * len(of_class))] for folder, of_class in samples.items()
    }
    kept, _ = run(root, least(0.3))
    assert kept == [f'{folder}/{i:08d}' for folder, best in by_class.items() for i in sorted(i for _, i in best)]
    rows = json.loads((root / 'selections' / 's.json').read_text())['classes']
    assert {row['folder']: row['steps'] for row in rows} == {
        folder: [dict(kept=len(best), threshold=best[-1][0])] for folder, best in by_class.items()
    }
    everything = sorted((v, c, i, folder) for c, (folder, of) in enumerate(samples.items()) for i, (v, _) in of.items())[:84]
    assert run(root, least(0.3, 'dataset'), name='t')[0] == [f'{f}/{i:08d}' for _, c, i, f in sorted(everything, key=lambda one: one[1:3])]
    rows = json.loads((root / 'selections' / 't.json').read_text())['classes']
    assert {row['steps'][0]['threshold'] for row in rows} == {everything[-1][0]}


def test_a_ranking_of_the_users_own_keeps_the_highest(root):
    @SELECTIONS.register_module(name='MostForeground')
    class MostForeground(RankedSelection):
        highest = True

        def scores(self, samples):
            return samples.values('foreground_ratio')

    try:
        assert run(root, dict(type='mmbdg.MostForeground', fraction=0.4))[0] == [
            'cat/00000003', 'cat/00000008', 'dog/00000002', 'eel/00000007',
        ]  # fmt: skip
        assert json.loads((root / 'selections' / 's.json').read_text())['classes'][0]['steps'] == [dict(kept=2, threshold=0.5)]
    finally:
        del SELECTIONS.module_dict['MostForeground']


def test_a_selection_sees_images(root):
    """A selection step can read the images: here it keeps those darker than 60."""

    @SELECTIONS.register_module(name='Dark')
    class Dark(Selection):
        def choose(self, samples):
            return Choice(np.array([samples.dataset.image(samples.dataset.lines[place]).max() < 60 for place in samples.places]), {})

        def identity(self):
            return dict(type='mmbdg.Dark')

    try:
        assert run(root, least(0.5), dict(type='mmbdg.Dark'))[0] == ['cat/00000005', 'dog/00000001', 'dog/00000002']
    finally:
        del SELECTIONS.module_dict['Dark']


def test_report(root):
    kept, said = run(root, dict(type='mmbdg.ForegroundBounds', min_foreground=0.15), least(0.5))
    report = json.loads((root / 'selections' / 's.json').read_text())
    assert kept == ['cat/00000008', 'cat/00000009', 'dog/00000001', 'dog/00000002'] and report['total'] == dict(samples=9, kept=4)
    assert report['classes'][0] == dict(
        name='Cat', folder='cat', samples=5, steps=[dict(kept=4, threshold=None), dict(kept=2, threshold=0.3)], kept=2
    )
    assert report['classes'][2] == dict(
        name='Eel', folder='eel', samples=1, steps=[dict(kept=0, threshold=None), dict(kept=0, threshold=None)], kept=0
    )
    assert said[1] == '1 of 3 classes have no sample left: eel'
    text = (root / 'selections' / 's.md').read_text()
    assert '| Cat | 5 | 4 | 2 (0.3) | 2 (40.0 %) |' in text and '| **all** | 9 |  |  | 4 (44.4 %) |' in text
    assert '2. mmbdg.LeastUncertain: fraction 0.5, scope class' in text


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


def test_the_same_bytes_and_nothing_of_the_dataset(root):
    before = contents(root)
    run(root, least(0.5))
    first = contents(root)
    assert {name: data for name, data in first.items() if not name.startswith('selections/')} == before
    assert first.keys() - before.keys() == {f'selections/s.{suffix}' for suffix in ('txt', 'json', 'md')}
    run(root, least(0.5))
    assert contents(root) == first
    shutil.rmtree(root / 'selections')
    run(root, dict(type='mmbdg.LeastUncertain', fraction=0.5))  # the scope is the default, so the steps are equal
    assert contents(root) == first


def test_a_selection_of_other_steps_stays(root):
    run(root, least(0.5))
    before = contents(root)
    with pytest.raises(InputError, match='was made by other steps:\n.*0.5.* in the file,\n.*0.4.* now.\n.*--name.*--force'):
        run(root, least(0.4))
    assert contents(root) == before
    assert run(root, least(0.4), name='t')[0] == run(root, least(0.4), force=True)[0]


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(name='../x', steps=[least(0.5)]), 'selection.name .*must be the name of a folder or file'),
        (dict(name='a/b', steps=[least(0.5)]), 'must be the name of a folder or file'),
        (dict(name='', steps=[least(0.5)]), 'must be the name of a folder or file'),
        (dict(name=3, steps=[least(0.5)]), 'selection.name .*string'),
        (dict(name='s', steps=[]), 'selection.steps must be a list'),
        (dict(name='s', steps=least(0.5)), 'selection.steps must be a list'),
        (dict(name='s'), 'selection.steps is missing'),
        (dict(name='s', step=[]), 'takes no "step"; did you mean "steps"'),
        (dict(name='s', steps=['LeastUncertain']), r'selection.steps.0 must be a dict\('),
        (
            dict(name='s', steps=[dict(type='mmbdg.LeastUncertan', fraction=1)]),
            'there is no selection .*did you mean "mmbdg.LeastUncertain"',
        ),
        (dict(name='s', steps=[dict(type='os.system', command='false')]), 'there is no selection "os.system"'),
        (dict(name='s', steps=[dict(type='mmbdg.LeastUncertain')]), "selection.steps.0 has wrong arguments for LeastUncertain.*'fraction'"),
        (dict(name='s', steps=[least(0.5) | dict(rate=1)]), "has wrong arguments for LeastUncertain.*'rate'"),
        *(
            (dict(name='s', steps=[least(x)]), 'steps.0: LeastUncertain.fraction must be')
            for x in (0, -1, 1.1, '0.5', True, None, float('nan'))
        ),
        (dict(name='s', steps=[least(0.5, 'image')]), 'LeastUncertain.scope must be one of class, dataset, got'),
        (dict(name='s', steps=[dict(type='mmbdg.ListedSamples', samples='cat/00000003')]), 'must be a list of up to 100,000 names'),
        (dict(name='s', steps=[dict(type='mmbdg.ListedSamples', samples=[3])]), 'must be a list of up to 100,000 names'),
        (dict(name='s', steps=[dict(type='mmbdg.ListedSamples', samples=[], keep=True)]), 'no sample would be kept'),
        (dict(name='s', steps=[dict(type='mmbdg.ListedSamples', samples=['a/1'], keep='yes')]), 'keep must be True or False'),
        (dict(name='s', steps=[dict(type='mmbdg.ForegroundBounds', min_foreground=2)]), r'min_foreground must be a number in \[0, 1\]'),
        (dict(name='s', steps=[dict(type='mmbdg.ForegroundBounds', min_foreground=0.5, max_foreground=0.4)]), 'no sample would be kept'),
        (3, 'selection must be a dict'),
    ],
)
def test_configs_that_are_refused_before_any_work(config, message):
    with pytest.raises(InputError, match=message):
        SelectionPlan.from_config(config).build()


@pytest.mark.parametrize('value', [None, 'x', True, [1]])
def test_samples_without_the_number(root, value):
    lines = [json.loads(line) for line in (root / 'manifest.jsonl').read_text().splitlines()]
    lines[6]['uncertainty'] = value
    (root / 'manifest.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    message = 'line 7: the sample dog/00000001 has no uncertainty' if value is None else 'line 7'
    with pytest.raises(InputError, match=message):
        run(root, least(0.5))
    assert not (root / 'selections').exists() or not list((root / 'selections').iterdir())


def test_nothing_is_left(root):
    with pytest.raises(InputError, match='selection.steps.0 keeps no sample of .*ForegroundBounds'):
        run(root, dict(type='mmbdg.ForegroundBounds', min_foreground=0.999))
    assert not list((root / 'selections').glob('*'))


def test_no_dataset(tmp_path):
    with pytest.raises(InputError, match='holds no synthetic dataset'):
        run(tmp_path / 'nothing', least(0.5))
    assert not (tmp_path / 'nothing').exists()


def test_the_number_that_is_kept():
    """The number kept of n samples is rounded to the nearest integer, halves to the even one, and is at least 1."""
    step = LeastUncertain(0.07)
    assert [step.number_kept(n) for n in (1, 7, 8, 50, 100)] == [1, 1, 1, 4, 7]
    assert LeastUncertain(0.7).identity() == dict(type='mmbdg.LeastUncertain', fraction=0.7, scope='class')
    assert ForegroundBounds(0.1).identity() == dict(type='mmbdg.ForegroundBounds', min_foreground=0.1, max_foreground=1.0)


def test_command(root, tmp_path):
    config = ROOT / 'configs' / 'selections' / 'certain.py'
    output = run_tool(TOOL, root, config).stdout
    assert '5 of 9 samples chosen (selections/certain.txt' in output  # 4, 2 and 1 are within the bounds; of these 3, 1 and 1 are kept
    assert chosen(root, 'certain') == ['cat/00000003', 'cat/00000008', 'cat/00000009', 'dog/00000001', 'eel/00000007']
    run_tool(TOOL, root, config, '--name', 'half', '--cfg-options', 'fraction=0.5')
    assert chosen(root, 'half') == ['cat/00000008', 'cat/00000009', 'dog/00000001', 'eel/00000007']
    failed = run_tool(TOOL, root, config, '--cfg-options', 'fraction=0.5', check=False)
    assert failed.returncode == 2 and 'was made by other steps' in failed.stdout
    run_tool(TOOL, root, config, '--force', '--cfg-options', 'fraction=0.5')
    assert chosen(root, 'certain') == chosen(root, 'half')
    (tmp_path / 'no.py').write_text('x = 1')
    failed = run_tool(TOOL, root, tmp_path / 'no.py', check=False)
    assert failed.returncode == 2 and 'has no selection=dict(...)' in failed.stdout
    (tmp_path / 'typo.py').write_text("selection = dict(name='s', steps=[dict(type='mmbdg.LeastUncertain', fractoin=0.5)])")
    failed = run_tool(TOOL, root, tmp_path / 'typo.py', check=False)
    assert failed.returncode == 2 and 'selection.steps.0.fractoin: mmbdg.LeastUncertain takes no "fractoin"; did you mean' in failed.stdout


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_a_dataset_that_grows(tiny_labelled_generator, tmp_path, form):
    """After the dataset grows, its selection raises an error until the same steps select again."""
    plan = dict(labelled_generator=str(tiny_labelled_generator), candidates=4, uncertainty_rate=0, format=form)
    root = synthesize(plan_of(num_per_class=4, **plan), tmp_path / 'out', log=lambda line: None)
    first, _ = run(root, least(0.5))
    assert len(StoredDataset(root, 's').lines) == 6
    synthesize(plan_of(num_per_class=4, **plan), root, log=lambda line: None)  # nothing to do: the same bytes
    assert len(StoredDataset(root, 's').lines) == 6
    synthesize(plan_of(num_per_class=6, **plan), root, log=lambda line: None)
    with pytest.raises(
        InputError, match='before samples were added to this one: make it again with python tools/select_samples.py .*out CONFIG'
    ):
        StoredDataset(root, 's')
    again, _ = run(root, least(0.5))
    lines = [json.loads(line) for line in (root / 'manifest.jsonl').read_text().splitlines()]
    best = [sorted((line for line in lines if line['class'] == c), key=lambda line: line['uncertainty'])[:3] for c in range(3)]
    assert again == [f'{line["slug"]}/{line["id"]}' for line in lines if line in sum(best, [])] and again != first
    assert list(StoredDataset(root, 's').lines) == [line for line in lines if line in sum(best, [])]


def test_left_over_files_are_removed(root):
    """Temporary files of a killed run go; those of a running process stay."""
    old, embedding, new = (root / 'selections' / name for name in ('a.txt.1-0.part', 'embeddings/k/0.npy.1-0.part', 'b.txt.2-0.part'))
    for path in (old, embedding, new):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if path != new:
            os.utime(path, (time.time() - 3600,) * 2)
    assert run(root, least(0.4))[0]
    assert not old.exists() and not embedding.exists() and new.exists()
