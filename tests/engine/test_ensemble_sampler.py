from collections import Counter
from itertools import islice

import pytest
from mmengine.registry import DATA_SAMPLERS

from mmbdg.engine import EnsembleSampler
from mmbdg.errors import InputError


class Samples(list):
    """Three classes with five samples each."""

    class_ids = [c for c in range(3) for _ in range(5)]


class One(list):
    class_ids = [0]


DATA = Samples(range(15))


def by_member(sampler, batches):
    """The samples of each member in the first batches of a process."""
    seen = [[] for _ in range(sampler.num_members)]
    order = iter(sampler)
    for _ in range(batches):
        for own in seen:
            own += list(islice(order, sampler.per_member))
    return seen


def test_each_member_sees_everything_in_an_order_of_its_own():
    seen = by_member(EnsembleSampler(DATA, num_members=4, per_member=3, seed=1), batches=10)
    for own in seen:
        assert sorted(own[:15]) == sorted(own[15:]) == list(range(15)) and own[:15] != own[15:]
    assert len({tuple(own) for own in seen}) == 4
    assert by_member(EnsembleSampler(DATA, 4, 3, seed=1), 10) == seen
    assert by_member(EnsembleSampler(DATA, 4, 3, seed=2), 10) != seen


def test_folds_are_dealt_class_by_class():
    sampler = EnsembleSampler(DATA, num_members=7, per_member=3, folds=5, seed=0)
    seen = by_member(sampler, batches=8)
    for member, own in enumerate(seen):
        left_out = set(range(15)) - set(own)
        assert left_out == {c * 5 + member % 5 for c in range(3)}  # one of each class
        assert Counter(own).most_common(1)[0][1] == 2


def test_processes_share_each_members_order():
    alone = by_member(EnsembleSampler(DATA, 2, 4, seed=0), batches=6)
    parts = []
    for rank in range(2):
        sampler = EnsembleSampler(DATA, 2, 2, seed=0)
        sampler.rank, sampler.world_size = rank, 2
        parts.append(by_member(sampler, batches=6))
    for member in range(2):
        assert alone[member][0::2] == parts[0][member] and alone[member][1::2] == parts[1][member]


def test_it_is_skipped_where_a_training_resumes():
    whole = EnsembleSampler(DATA, 2, 3, seed=0)
    expected = list(islice(iter(whole), 60))[24:]
    resumed = EnsembleSampler(DATA, 2, 3, seed=0)
    resumed.skip(24)
    assert list(islice(iter(resumed), 36)) == expected


def test_what_leaves_nothing_is_refused():
    with pytest.raises(InputError, match='at least 2'):
        EnsembleSampler(DATA, 2, 3, folds=1, seed=0)
    with pytest.raises(InputError, match='sees none of the 1 samples'):
        EnsembleSampler(One([7]), 2, 3, folds=2, seed=0)


def test_by_its_name_in_a_config():
    import mmbdg.registry  # noqa: F401

    cfg = dict(type='mmbdg.EnsembleSampler', num_members=2, per_member=3)
    assert isinstance(DATA_SAMPLERS.build(cfg, default_args=dict(dataset=DATA, seed=0)), EnsembleSampler)
