"""The listed split of the chest X-ray sets follows the documented rule."""

import json

import pytest
from conftest import ROOT

from mmbdg.datasets.chest_xray.split import FRACTIONS, labelled_part, split

LISTING = json.loads((ROOT / 'configs/transfer/chest_xray/split.json').read_text())
COUNTS = dict(jsrt=247, montgomery=138, shenzhen=566, nih=100)


def ids_of(name):
    """The set's ids if they are listed, otherwise any ids, because the rule uses their order only."""
    return [f'{name}_{case}' for case in LISTING['cases'].get(name, [f'{i:04d}' for i in range(COUNTS[name])])]


IDS = [i for name in COUNTS for i in ids_of(name)]


def positions(ids):
    """For each set the positions of the given ids in the sorted list of all ids."""
    return {name: [place for place, i in enumerate(sorted(ids_of(name))) if i in set(ids)] for name in COUNTS}


def test_listed_cases():
    jsrt = {f'JPCLN{i:03d}' for i in range(1, 155)} | {f'JPCNN{i:03d}' for i in range(1, 94)}
    assert set(LISTING['cases']['jsrt']) == jsrt and {name: len(ids_of(name)) for name in COUNTS} == COUNTS
    assert [sum(case.endswith(f'_{ill}') for case in LISTING['cases']['montgomery']) for ill in (0, 1)] == [80, 58]


def test_listed_split():
    assert LISTING['test'] == positions(split(IDS)['test'])


@pytest.mark.parametrize('seed', range(3))
def test_listed_labels(seed):
    train = split(IDS)['train']
    for fraction in FRACTIONS[:-1]:
        assert LISTING['labels'][str(fraction)][str(seed)] == positions(labelled_part(train, fraction, seed))
