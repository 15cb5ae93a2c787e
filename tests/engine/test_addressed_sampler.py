"""Addresses of online samples in mmengine's training loops, with and without an interruption."""

from itertools import islice

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmbdg.datasets import JointDataset, OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler
from mmbdg.errors import InputError

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
ONLINE = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')


def of_rank(dataset, rank, world_size, numbers, skip=0, **options):
    sampler = AddressedSampler(dataset, seed=5, **options)
    sampler.rank, sampler.world_size = rank, world_size
    if skip:
        sampler.skip(skip)
    return list(islice(iter(sampler), numbers))


@pytest.mark.parametrize('joint', [False, True])
def test_the_number_of_processes_does_not_matter(joint):
    dataset = JointDataset(REAL, ONLINE) if joint else OnlineSyntheticDataset('fashion32')
    alone = of_rank(dataset, 0, 1, 72)
    assert [item.count if joint else item for item in alone] == list(range(72))
    if joint:  # all 20 real images once, then all of them in another order
        orders = [[item.index for item in alone[i : i + 20]] for i in (0, 20)]
        assert [item.epoch for item in alone] == [n // 20 for n in range(72)] and {item.seed for item in alone} == {5}
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(20)) and orders[0] != orders[1]
    for world_size in (2, 3, 4):  # the total batch size is 12
        own = 12 // world_size
        ranks = [of_rank(dataset, rank, world_size, 6 * own) for rank in range(world_size)]
        for step in range(6):
            seen = [item for rank in ranks for item in rank[step * own : (step + 1) * own]]
            assert sorted(seen, key=alone.index) == alone[12 * step : 12 * step + 12]
        resumed = [of_rank(dataset, rank, world_size, 3 * own, skip=3 * own) for rank in range(world_size)]
        assert resumed == [rank[3 * own :] for rank in ranks]


def test_an_epoch_goes_on_where_the_last_ended():
    dataset = OnlineSyntheticDataset('fashion32', length=10)
    for world_size in (1, 2):
        samplers = [AddressedSampler(dataset, seed=0, by_epoch=True) for _ in range(world_size)]
        epochs = []
        for rank, sampler in enumerate(samplers):
            sampler.rank, sampler.world_size = rank, world_size
            assert len(sampler) == 10 // world_size
            epochs.append([list(sampler) for _ in range(3)])  # without set_epoch()
            sampler.set_epoch(1)
            assert list(sampler) == epochs[rank][1]
        assert [sorted(sum(parts, [])) for parts in zip(*epochs, strict=True)] == [list(range(i, i + 10)) for i in (0, 10, 20)]


def test_a_count_without_epochs_is_not_set_back_by_one():
    """``set_epoch`` does not change the count of a sampler that counts no epochs, although mmengine calls it."""
    sampler = AddressedSampler(OnlineSyntheticDataset('fashion32', length=10), seed=0)
    sampler.skip(4)
    sampler.set_epoch(0)
    assert next(iter(sampler)) == 4


def test_other_datasets_are_refused():
    with pytest.raises(InputError, match='list is addressed by index: use DefaultSampler'):
        AddressedSampler([1, 2])


class Recorder(BaseModel):
    """A model that records the addresses of its batches. Its loss reduces a single weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.ones(1)), []

    def forward(self, inputs, data_samples, mode):
        inputs = inputs['seg'] if isinstance(inputs, dict) else inputs
        self.seen.append([tuple(address.tolist()[1:]) for address in inputs])
        return dict(loss=(self.weight**2).sum())


def train(work_dir, name, dataset, loop, by_epoch, resume=None, workers=0):
    model = Recorder()
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=4,
            num_workers=workers,
            persistent_workers=bool(workers),
            sampler=dict(type='mmbdg.AddressedSampler', by_epoch=by_epoch),
            dataset=dataset,
        ),
        train_cfg=loop,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1 if by_epoch else 3, by_epoch=by_epoch), logger=None),
        load_from=resume and str(resume),
        resume=bool(resume),
        randomness=dict(seed=1),
        log_level='ERROR',
        experiment_name=f'{work_dir.name}_{name}',
    )
    runner.train()
    return model.seen


KINDS = [('online', False, 0), ('online', False, 2), ('joint', False, 0), ('online', True, 0), ('joint', True, 0)]


@pytest.mark.parametrize(('kind', 'by_epoch', 'workers'), KINDS)
def test_resumed_training_sees_what_an_uninterrupted_one_would(tmp_path, kind, by_epoch, workers):
    dataset = ONLINE | dict(length=20) if kind == 'online' else dict(type='mmbdg.JointDataset', ssl=REAL, seg=ONLINE)
    loop = dict(by_epoch=True, max_epochs=3) if by_epoch else dict(by_epoch=False, max_iters=15)
    whole = train(tmp_path, 'whole', dataset, loop, by_epoch, workers=workers)
    addresses = OnlineSyntheticDataset('fashion32')
    assert sum(whole, []) == [addresses.address(n) for n in range(60)]  # so no sample repeats
    checkpoint = tmp_path / ('epoch_1.pth' if by_epoch else 'iter_9.pth')
    resumed = train(tmp_path / 'again', 'resumed', dataset, loop, by_epoch, resume=checkpoint, workers=workers)
    assert resumed == whole[5 if by_epoch else 9 :]
