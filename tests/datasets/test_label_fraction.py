import numpy as np
import pytest

from mmbdg.datasets.chest_xray.split import FRACTIONS, labelled_part, split
from mmbdg.datasets.label_fraction import labelled_subset, share, stratified_order

SETS = dict(jsrt=247, montgomery=138, shenzhen=566, nih=100)
IDS = [f'{name}_{i:04d}' for name, count in SETS.items() for i in range(count)]


def test_shares_of_the_paper():
    assert [share(fraction, 735) for fraction in FRACTIONS] == [7, 37, 74, 368, 735]
    assert share(0.07, 1000) == 70  # 0.07 * 1000 is slightly more than 70 in floating point
    for fraction in (0, -0.1, 1.1):
        with pytest.raises(ValueError, match='label_fraction'):
            share(fraction, 10)


def test_beginnings_are_in_proportion():
    strata = np.repeat(list(SETS), list(SETS.values()))
    order = stratified_order(strata, 'here', 1)
    assert sorted(order) == list(range(len(strata)))
    for length in range(4, len(strata) + 1):
        names, counts = np.unique(strata[order[:length]], return_counts=True)
        wanted = np.array([SETS[name] for name in names]) * length / len(strata)
        assert len(names) == 4 and np.abs(counts - wanted).max() < 1.5


def test_the_order_of_a_few():
    """The order spreads each class evenly.

    After one sample of each class, the k-th of n samples is at (k + 1/2) / n: here at 3/12, 5/12, 7/12, 9/12, 11/12 for a
    and at 3/4 for b.
    """
    strata = np.array(list('aaaaaabb'))
    assert ''.join(strata[stratified_order(strata, 0)]) == 'abaaaaba'


def test_strata_are_drawn_apart():
    order = stratified_order(np.repeat(['a', 'b'], 20), 0)
    assert [i for i in order if i < 20] != [i - 20 for i in order if i >= 20]


def test_a_stratum_depends_on_nothing_outside_it():
    strata = np.repeat(['a', 'b', 'c'], [10, 20, 30])
    whole = [position for position in stratified_order(strata, 0) if strata[position] == 'b']
    alone = stratified_order(np.repeat(['b'], 20), 0)
    assert [position - 10 for position in whole] == alone.tolist()


def test_small_subsets_hold_every_stratum():
    strata = np.repeat([0, 1, 2], [1000, 10, 1])
    assert set(strata[labelled_subset(strata, 0.001, 0)]) == {0, 1, 2}
    assert set(labelled_subset(strata, 0.01, 0)) < set(labelled_subset(strata, 0.02, 0))


def test_split_of_the_paper():
    parts = split(IDS[::-1])
    assert (len(parts['train']), len(parts['test'])) == (735, 316)
    assert sorted(parts['train'] + parts['test']) == sorted(IDS)
    train = {name: sum(i.startswith(name) for i in parts['train']) for name in SETS}
    assert train == dict(jsrt=173, montgomery=96, shenzhen=396, nih=70)
    assert parts == split(IDS)


@pytest.mark.parametrize('seed', range(3))
def test_label_fractions_of_the_paper(seed):
    train = split(IDS)['train']
    subsets = [labelled_part(train, fraction, seed) for fraction in FRACTIONS]
    assert [len(subset) for subset in subsets] == [7, 37, 74, 368, 735]
    assert all(set(small) < set(large) for small, large in zip(subsets, subsets[1:], strict=False))
    assert {i.split('_')[0] for i in subsets[0]} == set(SETS)
    assert subsets[1] != labelled_part(train, 0.05, seed + 1)


def test_without_a_set_the_others_keep_their_order():
    """The split of one set of cases does not depend on the other sets."""
    whole = {i for i in split(IDS)['test'] if i.startswith('jsrt')}
    alone = set(split([i for i in IDS if i.startswith('jsrt')])['test'])
    assert whole == alone and len(whole) == 74
