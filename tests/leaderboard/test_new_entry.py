"""Entries made from files of tools/test.py and tools/study.py."""

import json
from pathlib import Path

import pytest
from conftest import ROOT
from made_entries import CONFIG, digest, result

from mmbdg.errors import InputError
from mmbdg.leaderboard import DOMAINS, About, new_entry, read_entries
from mmbdg.leaderboard.result_files import read_result, results_in

ABOUT = About(
    domain='fashion',
    method='a method',
    pretraining='random',
    backbone='ResNet-18',
    training=['annotated'],
    pretraining_data=[],
    synthetic=0,
    consumed=(0, 0, 50),
)


def files(folder: Path, *contents: dict) -> list:
    """What results_in returns for these contents."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, one in enumerate(contents):
        (folder / f'{number}.json').write_text(json.dumps(one))
        found += results_in(folder / f'{number}.json', None)
    return found


def test_tasks_and_seeds_are_found(tmp_path):
    """The order of the files does not matter: figures and checkpoints are ordered by seed."""
    results = files(
        tmp_path,
        *(result('classes', seed, figure) for seed, figure in ((2, 50.25), (0, 51.5), (1, 52.75))),
        *(result('fgbg', seed, figure, options=['task=fgbg']) for seed, figure in ((0, 90.0), (1, 91), (2, 92.0))),
    )
    made, entry = new_entry(ABOUT, results, ROOT)
    assert list(made['tasks']) == ['fgbg', 'classes'] and made['seeds'] == [0, 1, 2]
    assert made['tasks']['classes'] == dict(
        config=CONFIG,
        options=[],
        labels=11,
        mIoU=[51.5, 52.75, 50.25],
        mean=51.5,
        checkpoints=[digest('classes', seed) for seed in range(3)],
        test_set=dict(zip(('images', 'sha256'), DOMAINS['fashion'].by_name['classes'].test_set, strict=True)),
    )
    assert made['tasks']['fgbg']['options'] == ['task=fgbg']
    assert made['tasks']['fgbg']['mIoU'] == [90.0, 91.0, 92.0] and made['version'] == '0.8.0'
    (tmp_path / 'entry').mkdir()
    (tmp_path / 'entry' / 'x.json').write_text(json.dumps(made))
    assert read_entries([tmp_path / 'entry'], ROOT)[0].entry == entry


def test_seeds_that_checkpoints_do_not_have(tmp_path):
    results = files(tmp_path, *(result('fgbg', None, figure, checkpoint_sha256=digest(figure)) for figure in (90.0, 91.0)))
    with pytest.raises(InputError, match='0.json does not say the seed of its training: give --seeds'):
        new_entry(ABOUT, results, ROOT)
    with pytest.raises(InputError, match='has 2 results, but --seeds names 1'):
        new_entry(ABOUT, results, ROOT, [7])
    made, _ = new_entry(ABOUT, results, ROOT, [9, 7])
    assert made['seeds'] == [7, 9] and made['tasks']['fgbg']['mIoU'] == [91.0, 90.0]
    with pytest.raises(InputError, match='the seed of its training is 0, but --seeds says 1'):
        new_entry(ABOUT, files(tmp_path, result()), ROOT, [1])


@pytest.mark.parametrize(
    ('contents', 'message'),
    [
        ([result(), result()], 'are both results of task "fgbg" with seed 0'),
        ([result(), result('bag', 1)], r'results of different seeds: \[0\] and, of "bag", \[1\]'),
        ([result(), result(seed=1, config='configs/densecl_biggan_fpn.py')], 'of different configs'),
        ([result(), result(seed=1, options=['task=bag'])], 'with different options: task=bag, none'),
        ([result(), result(seed=1, test_set=result('fgbg')['test_set'] | dict(sha256=digest('x')))], 'of different test sets'),
        ([result('mc16', domain='imagenet')], 'its labels background, aeroplane, .* are of no task of Embedded garments'),
        ([result(config='/etc/hostname')], 'its config /etc/hostname is not in this repository'),
        ([result(config='configs/nowhere.py')], 'configs/nowhere.py is not in this repository'),
        ([result(figure=0.9)], 'not as a fraction'),
        ([result(), result(seed=1, checkpoint_sha256=digest('fgbg', 0))], 'two seeds have two checkpoints'),
    ],
)
def test_results_that_do_not_fit(contents, message, tmp_path):
    with pytest.raises(InputError, match=message):
        new_entry(ABOUT, files(tmp_path, *contents), ROOT)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(config='x', checkpoint='y', metrics=dict(mIoU=3.0)), 'written by an older tools/test.py'),
        (result(metrics=dict(accuracy=3.0)), r'has no mIoU among its metrics \(accuracy\)'),
        (result(metrics=dict(mIoU='90')), 'has no mIoU'),
        (result(test_set=None), 'no true masks'),
        (result(seed='0'), 'seed: Input should be a valid integer'),
        ([1], 'is not as it should be'),
    ],
)
def test_files_that_are_no_results(content, message, tmp_path):
    (tmp_path / 'x.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / 'x.json')


def test_unknown_domain(tmp_path):
    with pytest.raises(InputError, match='unknown domain "fasion"; did you mean "fashion"'):
        new_entry(ABOUT._replace(domain='fasion'), files(tmp_path, result()), ROOT)


@pytest.fixture
def study(tmp_path) -> Path:
    """File of a study with two rows, of which the second has no test step, and its steps."""
    runs = []
    for row in ('joint', 'random'):
        for column in ('fgbg', 'classes'):
            for seed in (3, 4):
                steps = [dict(step='train', fingerprint=f'{row}{column}{seed}'), dict(step='test', fingerprint=f'{row}{column}{seed}')]
                runs.append(dict(row=row, column=column, seed=seed, figures={}, steps=steps))
                folder = tmp_path / 'steps' / f'test-{row}{column}{seed}' / 'out'
                folder.mkdir(parents=True)
                if row == 'joint':
                    content = result(
                        column, None if column == 'fgbg' else 10**6 + seed, 50.0 + seed, checkpoint_sha256=digest(column, seed)
                    )
                    (folder / 'test.json').write_text(json.dumps(content))
    path = tmp_path / 'benchmark.json'
    path.write_text(json.dumps(dict(study='benchmark', rows={}, runs=runs)))
    return path


def test_a_row_of_a_study(study):
    """The seeds are those of the study."""
    made, _ = new_entry(ABOUT, results_in(study, 'joint'), ROOT)
    assert made['seeds'] == [3, 4] and list(made['tasks']) == ['fgbg', 'classes']
    assert made['tasks']['classes']['mIoU'] == [53.0, 54.0]


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        (None, 'is the file of a study: give --row; its rows: joint, random'),
        ('joit', 'there is no row "joit"; did you mean "joint"'),
        ('random', r'row "random", column "fgbg", seed 3: none of its steps in .* \(8 folders\) has a test.json'),
    ],
)
def test_a_row_that_is_not_there(row, message, study):
    with pytest.raises(InputError, match=message):
        results_in(study, row)


def test_a_study_that_leads_out(study):
    text = study.read_text().replace('"step": "train"', '"step": "../../x"')
    study.write_text(text)
    with pytest.raises(InputError, match='must be the name of a folder or file'):
        results_in(study, 'joint')
