"""Rounds of synthesis: the plan, the dataset made from it, and plans that a person or a stranger has edited."""

import copy
import json
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import plan_of

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.storage import StoredDataset
from mmbdg.storage.checksums import sealed
from mmbdg.storage.verify import verify
from mmbdg.synthesis import synthesize
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.pipeline import is_complete
from mmbdg.synthesis.plan_file import read_plan
from mmbdg.synthesis.repair import repair
from mmbdg.synthesis.round_plan import Rule, plan_round, read_round
from mmbdg.synthesis.writer import BlockWriter

QUIET = dict(log=lambda line: None, sync=False)
SCORES = dict(disc=80.0, square=40.0, ring=60.0)  # weakness 0.2, 0.6, 0.4


def rule(power: float = 1.0, minimum: int = 0, missing: float | str | None = None) -> Rule:
    return Rule(power=power, minimum=minimum, missing=missing)


def samples(content: dict) -> dict[str, int]:
    return {one['name']: one['samples'] for one in content['classes']}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and 'logs' not in p.parts}


def addresses(root: Path) -> set[tuple[str, str, int]]:
    return {(line['slug'], line['id'], line['seed']) for line in StoredDataset(root).lines}


@pytest.fixture
def plan(tiny_labelled_generator):
    return plan_of(
        str(tiny_labelled_generator), num_per_class=3, candidates=4, batch_size=4, uncertainty_rate=0.25, seed=5
    )  # 3 of 4 are kept


@pytest.fixture
def first(plan, tmp_path):
    return synthesize(plan, tmp_path / 'round_0', **QUIET)


def test_numbers_follow_from_the_scores():
    made = plan_round(SCORES, 12, rule())
    assert samples(made) == dict(disc=2, square=6, ring=4)
    assert [one['weakness'] for one in made['classes']] == [0.2, 0.6, 0.4] and (made['round'], made['seed']) == (0, 0)
    assert samples(plan_round(SCORES, 56, rule(2))) == dict(disc=4, square=36, ring=16)  # 0.04 : 0.36 : 0.16
    assert samples(plan_round(SCORES, 12, rule(minimum=3))) == dict(disc=3, square=5, ring=4)  # 9 in 0.6 : 0.4
    assert samples(plan_round(SCORES, 12, rule(0))) == dict(disc=4, square=4, ring=4)  # the control
    assert (
        samples(plan_round(dict(a=100.0, b=100.0), 4, rule(0))) == samples(plan_round(dict(a=100.0, b=100.0), 4, rule())) == dict(a=2, b=2)
    )


def test_a_class_without_a_score():
    scores = SCORES | dict(ring=None)
    with pytest.raises(InputError, match=r'no score of 1 classes \(ring\): .*--missing'):
        plan_round(scores, 12, rule())
    assert samples(plan_round(scores, 18, rule(missing=0.0))) == dict(disc=2, square=6, ring=10)
    assert samples(plan_round(scores, 12, rule(missing='skip'))) == dict(disc=3, square=9)
    with pytest.raises(InputError, match='no score of any class'):
        plan_round(dict(a=None), 4, rule(missing='skip'))
    with pytest.raises(InputError, match='score'):
        plan_round(dict(a=float('nan'), b=1.0), 4, rule())


def test_a_round_begins_after_the_earlier_ones(plan, first, tmp_path):
    """Here a block has 4 candidates, 3 of which are kept. No address occurs in two rounds."""
    second = plan_round(SCORES, 12, rule(), [first])
    assert [one['first'] for one in second['classes']] == [4, 4, 4] and (second['round'], second['seed']) == (1, 5)
    assert second == plan_round(SCORES, 12, rule(), [first])
    write_json(tmp_path / '1.json', second)
    one = synthesize(plan.changed(**read_round(tmp_path / '1.json')), tmp_path / 'round_1', **QUIET)
    assert StoredDataset(one).info['counts'] == dict(disc=2, square=6, ring=4)
    third = plan_round(SCORES, 5, rule(0), [first, one])
    assert [one['first'] for one in third['classes']] == [8, 12, 12]
    write_json(tmp_path / '2.json', third)
    two = synthesize(plan.changed(**read_round(tmp_path / '2.json')), tmp_path / 'round_2', **QUIET)
    parts = [addresses(root) for root in (first, one, two)]
    assert [len(part) for part in parts] == [9, 12, 5] and len(set.union(*parts)) == 26
    together = synthesize(plan.changed(num_per_class=9), tmp_path / 'together', **QUIET)
    assert parts[0] | parts[1] <= addresses(together)  # the same samples as in a dataset made at once
    same = sorted(one.glob('images/square/*.png'))
    assert [path.read_bytes() for path in same] == [(together / path.relative_to(one)).read_bytes() for path in same]
    for wrong, message in (
        ([first, first], 'share samples of disc'),
        ([one, two, one], 'share samples of disc'),
        ([tmp_path], 'dataset.json'),
        ([first, synthesize(plan.changed(seed=6), tmp_path / 'other', **QUIET)], 'has seed 6, .* has seed 5: rounds need one seed'),
    ):
        with pytest.raises(InputError, match=message):
            plan_round(SCORES, 5, rule(), wrong)
    with pytest.raises(InputError, match='the earlier rounds have seed 5, not 4'):
        plan_round(SCORES, 5, rule(), [first], seed=4)
    with pytest.raises(InputError, match='1 classes that round_0 does not know: rings; did you mean "ring"'):
        plan_round(SCORES | dict(rings=1.0), 5, rule(), [first])
    with pytest.raises(InputError, match=r'no score of 1 classes \(ring\)'):
        plan_round(dict(disc=1.0, square=2.0), 5, rule(), [first])
    info = json.loads((one / 'dataset.json').read_text())
    info['config']['first'] = dict.fromkeys(info['config']['first'], 0)  # its samples then seem to be others
    (one / 'dataset.json').write_text(json.dumps(sealed(info)))
    with pytest.raises(InputError, match='round_1 is damaged: samples of .* lie outside the indices 0 to'):
        plan_round(SCORES, 5, rule(), [one])


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_the_same_bytes_in_one_go_interrupted_and_by_two_processes(plan, first, tmp_path, form, monkeypatch):
    write_json(tmp_path / '1.json', plan_round(SCORES, 24, rule(), [first]))
    keys = read_round(tmp_path / '1.json')
    plan = plan.changed(format=form, **keys)
    said = []
    synthesize(plan, tmp_path / 'whole', log=said.append, dry_run=True)
    whole = synthesize(plan, tmp_path / 'whole', **QUIET)
    synthesize(plan, whole, log=said.append, dry_run=True)
    assert said[0].startswith('24 samples of 36 candidates in 9 blocks') and said[1] == 'nothing is missing'
    info = StoredDataset(whole).info
    assert (
        info['counts'] == dict(disc=4, square=12, ring=8)
        and info['config']['round_plan'] == keys['round_plan']
        and is_complete(plan, whole)
    )
    assert {record['block'] for record in map(json.loads, (whole / 'blocks.jsonl').read_text().splitlines())} == {1, 2, 3, 4}
    write, calls = BlockWriter.write, []

    def write_until(self, *args):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        write(self, *args)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(BlockWriter, 'write', write_until)
        synthesize(plan, tmp_path / 'interrupted', **QUIET)
    assert not (tmp_path / 'interrupted/dataset.json').exists() and len(calls) == 4
    assert not is_complete(plan, tmp_path / 'interrupted')
    synthesize(plan, tmp_path / 'interrupted', log=said.append, dry_run=True)
    assert said[2].startswith('17 samples of 24 candidates in 6 blocks')  # 3 + 1 discs and 3 squares were made
    synthesize(plan, tmp_path / 'interrupted', **QUIET)
    for rank in (1, 0):  # a process takes over what the other one has not begun
        synthesize(plan, tmp_path / 'two', job=Job(rank, 2, 'a'), **QUIET)
    assert content(whole) == content(tmp_path / 'interrupted') == content(tmp_path / 'two')
    assert not verify(whole).problems
    next(whole.rglob('*.tar' if form == 'shards' else 'images/square/*.png')).unlink()
    (whole / 'manifest.jsonl').unlink()
    (whole / 'dataset.json').unlink()
    assert read_plan(whole) == plan
    repair(whole, read_plan(whole), log=lambda line: None)
    assert content(whole) == content(tmp_path / 'two')


def test_another_plan_does_not_continue_a_round(plan, first, tmp_path):
    write_json(tmp_path / '1.json', plan_round(SCORES, 6, rule(), [first]))
    write_json(tmp_path / 'uniform.json', plan_round(SCORES, 6, rule(0), [first]))
    synthesize(plan.changed(**read_round(tmp_path / '1.json')), tmp_path / 'out', **QUIET)
    with pytest.raises(InputError, match='round_plan: '):
        synthesize(plan.changed(**read_round(tmp_path / 'uniform.json')), tmp_path / 'out', **QUIET)
    with pytest.raises(InputError, match='round_plan: '):
        synthesize(plan.changed(**read_round(tmp_path / '1.json')), first, **QUIET)


def test_bounds_fill_each_class_up(plan, first, tmp_path):
    """With a bound, further blocks are made until each class has its number; the next round begins after all of them."""
    write_json(tmp_path / '1.json', plan_round(SCORES, 6, rule(), [first]))
    said = []
    bounded = plan.changed(min_foreground=0.05, uncertainty_rate=0, **read_round(tmp_path / '1.json'))
    out = synthesize(bounded, tmp_path / 'out', log=said.append, sync=False)
    info = StoredDataset(out).info
    assert info['counts'] == dict(disc=1, square=3, ring=2), said
    after = {one['name']: one['first'] for one in plan_round(SCORES, 6, rule(), [first, out])['classes']}
    assert after == {name: 4 + info['filters'][name]['candidates'] for name in SCORES}


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(num_per_class={}), 'asks for no samples'),
        (dict(num_per_class=dict(disc=0)), 'asks for no samples'),
        (dict(num_per_class=dict(disc=-1)), 'num_per_class.disc must be 0 to'),
        (dict(num_per_class=dict(disc='3')), 'num_per_class is not as it should be: disc: .*integer'),
        (dict(num_per_class=dict(disc=1), classes=[0]), 'names the classes already'),
        (dict(first=dict(disc=6)), r'first.disc must be a multiple of synthesis.candidates=4, got 6'),
        (dict(first=dict(disc=-4)), 'first.disc must be a multiple'),
        (dict(first=dict(disc=10**8)), 'the limit is 100,000,000'),
        (dict(first=4), 'synthesis is not as it should be: first'),
    ],
)
def test_wrong_keys(plan, keys, message):
    with pytest.raises(InputError, match=message):
        plan.changed(**keys)


def test_unknown_classes_are_found_before_anything_is_written(plan, tmp_path):
    for keys, message in (
        (dict(num_per_class=dict(hexagon=1)), "synthesis.num_per_class: there is no class 'hexagon'"),
        (dict(first=dict(hexagon=4)), "synthesis.first: there is no class 'hexagon'"),
    ):
        with pytest.raises(InputError, match=message):
            synthesize(plan.changed(**keys), tmp_path / 'out', **QUIET)
    assert not (tmp_path / 'out').exists()


GOOD = plan_round(SCORES, 12, rule(minimum=1))
GOOD |= dict(round=1, earlier=[dict(dataset='round_0', blake2b='0' * 32, samples=9, ends=dict(disc=4, square=4, ring=4))])
for one_class in GOOD['classes']:
    one_class['first'] = 4


def edited(*path: str | int, value: object = None) -> dict:
    content = copy.deepcopy(GOOD)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (edited('classes', 0, 'samples', value=-2), 'classes.0.samples: .*greater than or equal to 0'),
        (edited('classes', 0, 'samples', value=2.0), 'classes.0.samples: .*integer'),
        (edited('classes', 0, 'samples', value='2'), 'classes.0.samples: .*integer'),
        (edited('classes', 0, 'samples', value=True), 'classes.0.samples: .*integer'),
        (edited('classes', 0, 'samples', value=10**30), 'classes.0.samples'),
        (edited('classes', 0, 'samples', value=3), 'add up to 13, but total is 12'),
        (edited('classes', 0, 'first', value=0), 'disc begins at 0, but round_0 has its candidates up to 3'),
        (edited('classes', 0, 'first', value=-4), 'classes.0.first'),
        (edited('classes', 0, 'name', value='ring'), 'the class ring occurs twice'),
        (edited('classes', 0, 'name', value='\ud800'), 'lone surrogates'),
        (edited('classes', 0, 'score', value=float('nan')), 'classes.0.score'),
        (edited('classes', 0, 'score', value=101.0), 'classes.0.score'),
        (edited('classes', 0, 'more', value=1), 'classes.0.more: Extra'),
        (edited('classes', value=[]), 'classes: .*at least 1'),
        (edited('rule', 'minimum', value=3), 'disc has 2 samples, but the minimum is 3'),
        (edited('rule', 'power', value=-1.0), 'rule.power'),
        (edited('rule', 'missing', value='all'), 'rule.missing'),
        (edited('total', value=0), 'total: .*greater than or equal to 1'),
        (edited('seed', value=-1), 'seed'),
        (edited('round', value=0), 'it is round 0, but names 1 earlier rounds'),
        (edited('earlier', value=None), 'earlier'),
        ([], 'is not as it should be'),
        ({}, 'classes: Field required|round: Field required'),
    ],
)
def test_hostile_plans(content, message, tmp_path):
    (tmp_path / 'plan.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_round(tmp_path / 'plan.json')


def test_a_plan_may_be_edited_with_sense(tmp_path):
    content = edited('classes', 0, 'samples', value=1)
    content['classes'][1]['samples'] += 1
    for name, value in dict(good=GOOD, edited=content).items():
        write_json(tmp_path / f'{name}.json', value)
    (tmp_path / 'compact.json').write_text(json.dumps(GOOD))
    good, compact, other = (read_round(tmp_path / f'{name}.json') for name in ('good', 'compact', 'edited'))
    assert other['num_per_class'] == dict(disc=1, square=7, ring=4) and other['first'] == dict(disc=4, square=4, ring=4)
    assert good == compact and good['round_plan'] != other['round_plan']  # only the content counts, not the spaces of the file
