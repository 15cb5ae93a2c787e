"""Entries that are read, and those that are refused with the reason."""

import json

import pytest
from conftest import ROOT
from made_entries import content, digest, figures, written

from mmbdg.errors import InputError
from mmbdg.leaderboard import read_entries
from mmbdg.leaderboard.paper_table2 import ROWS, TASKS
from mmbdg.leaderboard.read_entries import MOST_BYTES, read_entry


def data(**changed: object) -> dict:
    return dict(data=content()['data'] | changed)


def task(**changed: object) -> dict:
    return dict(tasks=dict(fgbg=figures('fgbg', [90.0, 91.0, 92.0], 'fashion', 'a method') | changed))


def test_an_entry_is_read(tmp_path):
    full = content(docs='docs/online.md', weights='https://example.org/x.pth?a=1', submitted_by='Ä group', note='Two lines? No: one.')
    (found,) = read_entries([written(tmp_path, full)], ROOT)
    assert found.file == '0.json' and found.entry.model_dump(exclude_unset=True) == full
    assert found.entry.tasks['fgbg'].mIoU == [90.0, 91.0, 92.0]


REFUSED = dict(
    no_seeds=({'seeds': None}, 'seeds: Input should be a valid list'),
    empty_seeds=(dict(seeds=[]), 'seeds: List should have at least 1 item'),
    seed_twice=(dict(seeds=[0, 1, 1]), 'seeds holds 1 twice'),
    seed_negative=(dict(seeds=[0, 1, -1]), 'greater than or equal to 0'),
    fewer_seeds=(dict(seeds=[0, 1]), 'has 3 mIoU for 2 seeds'),
    seed_as_text=(dict(seeds=['0', '1', '2']), 'seeds.0: Input should be a valid integer'),
    no_checkpoint=(task(checkpoints=[]), 'checkpoints: List should have at least 1 item'),
    fewer_checkpoints=(task(checkpoints=[digest(1)]), 'has 1 checkpoints for 3 seeds'),
    checkpoint_twice=(task(checkpoints=[digest(1), digest(2), digest(1)]), 'twice: two seeds have two checkpoints'),
    checkpoint_cut_off=(task(checkpoints=[digest(1)[:63]] * 3), 'checkpoints.0: String should match pattern'),
    another_domain=(dict(tasks=dict(mc16=task()['tasks']['fgbg'])), 'task "mc16" is none of Embedded garments .*it is one of ImageNet'),
    misspelt_task=(dict(tasks=dict(fgbgg=task()['tasks']['fgbg'])), 'did you mean "fgbg"'),
    no_tasks=(dict(tasks={}), 'tasks: Dictionary should have at least 1 item'),
    another_label_space=(task(labels=11), 'over 11 labels, but the task has 2 .*another label space'),
    unknown_domain=(dict(domain='imagenett'), 'unknown domain "imagenett"; did you mean "imagenet"'),
    above_100=(task(mIoU=[90.0, 91.0, 101.0]), 'an mIoU of 101 % is impossible'),
    below_0=(task(mIoU=[90.0, 91.0, -0.1]), 'an mIoU of -0.1 % is impossible'),
    fractions=(task(mIoU=[0.9, 0.91, 0.92], mean=0.91), 'in percent, 0 to 100, not as a fraction'),
    nan=(task(mIoU=[90.0, 91.0, float('nan')]), 'finite number'),
    infinity=(task(mean=float('inf')), 'finite number'),
    wrong_mean=(task(mean=91.06), 'the mean 91.06 is not that of its figures, which is 91.00'),
    mean_as_text=(task(mean='91.0'), 'mean: Input should be a valid number'),
    true_as_figure=(task(mIoU=[True, 91.0, 92.0]), 'mIoU.0: Input should be a valid number'),
    unknown_key=(dict(rank=1), 'rank: Extra inputs are not permitted'),
    unknown_key_of_a_task=(task(std=0.1), 'tasks.fgbg.std: Extra inputs'),
    another_format=(dict(format='mmbdg leaderboard entry 2'), 'format: Input should be'),
    unknown_data=(data(training=['anotated']), 'unknown data "anotated"; did you mean "annotated"'),
    data_twice=(data(pretraining=['annotated', 'annotated']), 'data.pretraining names annotated twice'),
    no_data=(data(training=[]), 'data.training: List should have at least 1 item'),
    masks_negative=(data(masks=-1), 'data.masks: Input should be greater than or equal to 0'),
    no_number=(data(training=['annotated', 'biggan-off']), 'data.synthetic is 0, which does not fit the data used'),
    number_without_data=(data(synthetic=5), 'data.synthetic is 5, which does not fit'),
    number_of_online=(data(pretraining=['biggan-on'], synthetic=5), 'must be null'),
    null_without_online=(data(synthetic=None), 'data.synthetic is None'),
    future=(dict(date='2999-01-01'), 'in the future'),
    no_date=(dict(date='2026-02-30'), 'must be a date'),
    other_date=(dict(date='20261101'), 'must be a date'),
    two_lines=(dict(method='a\nb'), 'one line of printable characters'),
    reversed_text=(dict(method='a \u202e b'), 'one line of printable characters'),
    surrogate=(dict(method='\ud800'), 'method'),
    long_method=(dict(method='x' * 101), 'at most 100 characters'),
    empty_method=(dict(method=''), 'at least 1 character'),
    script_address=(dict(docs='javascript:alert(1)'), 'docs: must be a path in this repository'),
    http_address=(dict(weights='http://example.org/x'), 'weights: must be'),
    weights_in_a_folder=(dict(weights='nowhere/x.pth'), 'weights: must be an address with https://'),
    data_address=(dict(weights='data:text/html,x'), 'weights: must be'),
    address_with_user=(dict(weights='https://good.org@bad.org/'), 'weights: must be'),
    address_without_host=(dict(weights='https:///x'), 'weights: must be'),
    address_with_quote=(dict(weights='https://a.org/">x'), 'weights: must be'),
    address_of_another_host=(task(config='//bad.org/x.py'), 'config: must be'),
    leads_out=(task(config='../x.py'), 'config: must be'),
    absolute=(task(config='/etc/hostname'), 'config: must be'),
    no_such_config=(task(config='configs/nowhere.py'), 'configs/nowhere.py is not in this repository'),
    folder_as_docs=(dict(docs='docs'), 'docs is not in this repository'),
    no_images=(task(test_set=dict(images=0, sha256=digest(1))), 'test_set.images'),
    part_of_the_test_set=(task(test_set=dict(images=50, sha256=digest(1))), 'of another test set: 50 images .* not the 1,000 images'),
    another_test_set=(task(test_set=dict(images=1000, sha256=digest(1))), 'of another test set: 1,000 images'),
    no_test_set=(task(test_set=None), 'test_set: Input should be'),
)


@pytest.mark.parametrize('name', REFUSED)
def test_refused(name, tmp_path):
    changed, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as error:
        read_entries([written(tmp_path, content() | changed)], ROOT)
    assert str(tmp_path / '0.json') in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('key', ['format', 'domain', 'method', 'pretraining', 'backbone', 'data', 'seeds', 'tasks', 'date', 'version'])
def test_a_key_is_missing(key, tmp_path):
    entry = content()
    del entry[key]
    with pytest.raises(InputError, match=f'{key}: Field required'):
        read_entries([written(tmp_path, entry)], ROOT)


@pytest.mark.parametrize('mean', [90.95, 91, 91.0, 91.05, 91.0000001])
def test_a_rounded_mean(mean, tmp_path):
    assert len(read_entries([written(tmp_path, content() | task(mean=mean))], ROOT)) == 1


def with_the_same_checkpoint() -> dict:
    other = content('another')
    other['tasks']['fgbg']['checkpoints'][2] = content()['tasks']['fgbg']['checkpoints'][0]
    return other


def with_more_seeds() -> dict:
    other = content()
    other['tasks']['fgbg']['checkpoints'] = [digest('new', i) for i in range(3)]
    return other


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (with_the_same_checkpoint, 'the checkpoint .* is in .*0.json too'),
        (with_more_seeds, 'is the same method, with the same data and configs, as .*0.json'),
        (content, 'the checkpoint .* is in .*0.json too'),
    ],
)
def test_do_not_fit_together(second, message, tmp_path):
    with pytest.raises(InputError, match=f'1.json.*{message}'):
        read_entries([written(tmp_path, content(), second())], ROOT)


@pytest.mark.parametrize('other', [dict(images=100, sha256=digest('other')), dict(images=99, sha256=digest('imagenet', 'dog'))])
def test_another_test_set_than_that_of_another_entry(other, tmp_path):
    second = content('another', dict(dog=[80.0]), domain='imagenet')
    second['tasks']['dog']['test_set'] = other
    with pytest.raises(InputError, match='1.json: the figures of task "dog" are of another test set than those of .*0.json'):
        read_entries([written(tmp_path, content('a', dict(dog=[80.0]), domain='imagenet'), second)], ROOT)


def test_the_same_name_in_another_domain_or_with_another_backbone(tmp_path):
    deeper = with_more_seeds() | dict(backbone='ResNet-34')
    assert len(read_entries([written(tmp_path, content(), content(domain='imagenet'), deeper)], ROOT)) == 3


def test_files_and_folders(tmp_path):
    folder = written(tmp_path / 'a', content(), content('b'))
    assert [found.file for found in read_entries([folder / '1.json', folder / '0.json'], ROOT)] == ['1.json', '0.json']
    with pytest.raises(InputError, match='0.json is given twice'):
        read_entries([folder, folder / '0.json'], ROOT)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='holds no entries'):
        read_entries([tmp_path / 'empty'], ROOT)


def test_huge_files(tmp_path):
    path = tmp_path / 'x.json'
    path.write_text(' ' * MOST_BYTES + json.dumps(content()))
    with pytest.raises(InputError, match='are not read'):
        read_entry(path)
    path.write_text(json.dumps(content(seeds=list(range(100_000)))))
    with pytest.raises(InputError, match='at most 100 items'):
        read_entry(path)


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.method)
def test_mean_of_the_paper(row):
    """The printed mean is that of the printed figures (all rounded to one decimal), so no figure was misread."""
    assert list(row.figures) == list(TASKS) and abs(sum(row.figures.values()) / 7 - row.mean) < 0.1


def test_gains_of_the_paper():
    """Two gains that the text of section 5.2 states."""
    rows = {row.method: row for row in ROWS}
    assert rows['MoCo-v3 + VQGAN-sim'].mean - rows['MoCo-v3'].mean == pytest.approx(10.2)
    assert rows['DenseCL + VQGAN-sim'].figures['mc16'] - rows['DenseCL'].figures['mc16'] == pytest.approx(11.4)
