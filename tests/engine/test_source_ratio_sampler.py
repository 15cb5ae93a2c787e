"""Counts, orders and addresses of SourceRatioSampler: over epochs, processes and resumed trainings."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from conftest import run_processes
from mmengine.dataset import ConcatDataset
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.addressed import generator_at
from mmbdg.datasets import Address, JointDataset, MixedDataset
from mmbdg.engine import AddressedSampler, SourceRatioSampler, TotalBatchHook
from mmbdg.engine.checks import address_problems, grouping_problems
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class Counted(torch.utils.data.Dataset):
    """Item i is (base + i, a random number of torch's global generator)."""

    metainfo: ClassVar = {}

    def __init__(self, base, length):
        self.base, self.length = base, length

    def full_init(self):
        """mmengine's ConcatDataset calls it."""

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        inputs = torch.tensor([self.base + index, torch.rand(()).item()], dtype=torch.float64)
        return dict(inputs=inputs, data_samples=BaseDataElement())


def counted(base, length):
    return dict(type='mmbdg.Counted', base=base, length=length)


def mixed(**lengths):
    return MixedDataset({name: counted(1000 * number, length) for number, (name, length) in enumerate(lengths.items())})


def steps_of(dataset, ratio, batch_size, steps, world_size=1, rank=0, skip=0, **options):
    """Batches of one process: addresses of ``steps`` steps."""
    options = dict(seed=5) | options
    sampler = SourceRatioSampler(dataset, batch_size, ratio, **options)
    if (sampler.rank, sampler.world_size) != (rank, world_size):
        raise AssertionError('the processes are those of the patched get_dist_info')
    sampler.skip(skip * batch_size)
    items = iter(sampler)
    return [[next(items) for _ in range(batch_size)] for _ in range(steps)]


@pytest.fixture
def processes(monkeypatch):
    """Function that runs ``steps_of`` as each process of a number of processes."""

    def run(world_size, *arguments, **options):
        found = []
        for rank in range(world_size):
            monkeypatch.setattr('mmbdg.engine.samplers.addressed_sampler.get_dist_info', lambda rank=rank: (rank, world_size))
            found.append(steps_of(*arguments, world_size=world_size, rank=rank, **options))
        return found

    return run


def parts_of(batch, lengths):
    """Number of samples of each part in a batch."""
    ends, names = [], list(lengths)
    for length in lengths.values():
        ends.append((ends[-1] if ends else 0) + length)
    return dict(Counter(names[next(n for n, end in enumerate(ends) if address.index < end)] for address in batch))


THREE = dict(real=10, synthetic=45, retrieved=7)
RATIO = dict(real=1, synthetic=3, retrieved=2)


def test_every_batch_of_every_process_has_the_ratio(processes):
    """The samples of a step are the same for 1, 2 and 4 processes, and each process has the ratio in each batch."""
    dataset = mixed(**THREE)
    (alone,) = processes(1, dataset, RATIO, 24, 12)
    assert len({address for step in alone for address in step}) == 12 * 24  # no sample repeats
    for world_size in (1, 2, 4):
        ranks = processes(world_size, dataset, RATIO, 24 // world_size, 12)
        for step in range(12):
            for rank in ranks:
                own = 4 // world_size
                assert parts_of(rank[step], THREE) == dict(real=own, synthetic=3 * own, retrieved=2 * own)
            assert sorted(sum((rank[step] for rank in ranks), [])) == sorted(alone[step])
        resumed = processes(world_size, dataset, RATIO, 24 // world_size, 5, skip=7)
        assert resumed == [rank[7:] for rank in ranks]


@pytest.mark.parametrize('world_size', [1, 2, 4])
def test_each_real_image_once_in_an_epoch(processes, world_size):
    """Epochs of 12 real images, 4 in a step: 3 steps. 8 of 30 synthetic images in a step, in passes over all epochs."""
    ranks = processes(world_size, mixed(real=12, synthetic=30), dict(real=1, synthetic=2), 12 // world_size, 15)
    steps = [sum((rank[step] for rank in ranks), []) for step in range(15)]
    for epoch in range(5):
        real = [address for step in steps[3 * epoch : 3 * epoch + 3] for address in step if address.index < 12]
        assert sorted(address.index for address in real) == list(range(12)) and {address.epoch for address in real} == {epoch}
    synthetic = sorted((address for step in steps for address in step if address.index >= 12), key=lambda address: address.count)
    assert [address.epoch for address in synthetic] == [n // 30 for n in range(120)]
    for first in range(0, 120, 30):
        assert sorted(address.index for address in synthetic[first : first + 30]) == list(range(12, 42))


def test_the_order_is_a_function_of_seed_pass_and_place():
    """Permutations for (seed, part, pass), in the order of groups of one real and two synthetic images."""
    (step,) = steps_of(mixed(real=3, synthetic=4), dict(real=2, synthetic=4), 12, 1)

    def order(name, number, size):
        return generator_at('source order', 5, name, number).permutation(size).tolist()

    real = [(0, i) for i in order('real', 0, 3)] + [(1, order('real', 1, 3)[0])]  # 4 uses in an epoch, 3 images
    synthetic = [(number, 3 + i) for number in (0, 1) for i in order('synthetic', number, 4)]
    expected = [use for group in range(4) for use in (real[group], *synthetic[2 * group : 2 * group + 2])]
    assert step == [Address(5, number, index, n) for n, (number, index) in enumerate(expected)]
    assert steps_of(mixed(real=3, synthetic=4), dict(real=1, synthetic=2), 12, 1, seed=6) != [step]


def test_an_epoch_of_incomplete_steps_is_filled():
    """10 real images, 4 in a step: 3 steps with every image once and two of them twice; no address occurs twice."""
    dataset, ratio = mixed(real=10, synthetic=30), dict(real=1, synthetic=2)
    steps = steps_of(dataset, ratio, 12, 12)
    for epoch in range(4):
        real = [address for step in steps[3 * epoch : 3 * epoch + 3] for address in step if address.index < 10]
        assert len(set(real)) == 12 and {address.epoch for address in real} == {2 * epoch, 2 * epoch + 1}
        assert Counter(Counter(address.index for address in real).values()) == {1: 8, 2: 2}
    few = steps_of(mixed(real=2, synthetic=30), ratio, 24, 2)  # 8 in a step: each of both images four times
    for step in few:
        assert Counter(address.index for address in step if address.index < 2) == {0: 4, 1: 4}
    assert len({address[:3] for step in few for address in step}) == 48


def test_what_makes_an_epoch():
    """Length of an epoch by real images, by synthetic images and by steps, for one process."""
    dataset, ratio = mixed(real=10, synthetic=45), dict(real=1, synthetic=3)
    for epoch, steps in (('real', 3), (None, 3), ('synthetic', 4), (7, 7)):
        sampler = SourceRatioSampler(dataset, 16, ratio, epoch=epoch, seed=0, by_epoch=True)
        assert len(sampler) == 16 * steps == len(list(sampler))
        loader = DataLoader(dataset, 16, sampler=sampler, collate_fn=list)
        assert len(loader) == steps == len(list(loader))
    addresses = sum(steps_of(dataset, ratio, 16, 8, epoch='synthetic'), [])
    first = [address.index for address in addresses[:64] if address.index >= 10]
    assert set(first) == set(range(10, 55)) and len(first) == 48
    real = [address for address in addresses if address.index < 10]  # 32 uses in passes of 10
    assert [address.epoch for address in real] == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 2


def test_epochs_follow_each_other():
    """Two epochs in a row, one after ``set_epoch``, and an endless sampler give the same samples."""
    dataset, ratio = mixed(real=10, synthetic=45), dict(real=1, synthetic=3)
    endless = sum(steps_of(dataset, ratio, 16, 9), [])
    sampler = SourceRatioSampler(dataset, 16, ratio, seed=5, by_epoch=True)
    assert [*sampler, *sampler, *sampler] == endless
    sampler.set_epoch(1)
    assert list(sampler) == endless[48:96]


def test_concatenated_datasets():
    """A ConcatDataset gets indices in the same order; its parts are named. In a JointDataset it is the first part."""
    lengths, ratio = dict(real=10, synthetic=45), dict(real=1, synthetic=3)
    parts = [counted(0, 10), counted(1000, 45)]
    expected = [[address.index for address in step] for step in steps_of(mixed(**lengths), ratio, 8, 6)]
    names = dict(names=['real', 'synthetic'])
    for dataset in (ConcatDataset(parts), torch.utils.data.ConcatDataset([Counted(0, 10), Counted(0, 45)])):
        assert steps_of(dataset, ratio, 8, 6, **names) == expected
    config = dict(type='mmengine.ConcatDataset', datasets=parts)
    online = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')
    joint = JointDataset(parts=dict(ssl=config, seg=online), ratio=2)
    steps = steps_of(joint, ratio, 8, 6, **names)
    assert steps == steps_of(mixed(**lengths), ratio, 8, 6)
    assert [n for step in steps for address in step for n in joint.paired(address)] == list(range(96))


def test_what_is_refused():
    dataset, concatenated = mixed(real=10, synthetic=45), ConcatDataset([counted(0, 10), counted(0, 45)])
    ratio = dict(real=1, synthetic=3)
    for arguments, message in (
        ((dataset, 6, ratio), r'ratio real : synthetic = 1 : 3 needs 4 samples, but the batch of a process has 6 \(6 for 1 processes\)'),
        ((dataset, 0, ratio), 'needs 4 samples'),
        ((dataset, 8, dict(real=1, synthetik=3)), r'ratio.synthetik: the dataset has no part "synthetik".*did you mean "synthetic"'),
        ((dataset, 8, dict(real=1)), 'ratio has no number for the part "synthetic"'),
        ((dataset, 8, dict(real=1, synthetic=0)), 'ratio.synthetic is a whole number of samples, at least 1; got 0'),
        ((dataset, 8, dict(real=1, synthetic=1.5)), 'at least 1; got 1.5'),
        ((dataset, 8, ratio, 'reel'), 'epoch="reel" is no part; did you mean "real"'),
        ((dataset, 8, ratio, 0), 'epoch is the name of a part, or a number of steps of at least 1; got 0'),
        ((dataset, 8, ratio, 1.5), 'number of steps of at least 1; got 1.5'),
        ((dataset, 8, ratio, None, ['a', 'b']), 'parts of a MixedDataset have names: remove names'),
        ((concatenated, 8, ratio), 'names is a list of the names of the 2 datasets of the ConcatDataset; none are given'),
        ((concatenated, 8, ratio, None, ['real']), r"2 datasets of the ConcatDataset; got \['real'\]"),
        ((concatenated, 8, ratio, None, ['real', 'real']), 'names has "real" twice'),
        ((ConcatDataset([counted(0, 10), counted(0, 0)]), 8, ratio, None, ['real', 'synthetic']), 'the part "synthetic" has no images'),
        ((Counted(0, 10), 8, ratio), 'needs a dataset of several parts, and Counted is none.*mmbdg.MixedDataset'),
    ):
        with pytest.raises(InputError, match=message):
            SourceRatioSampler(*arguments)


def test_every_process_needs_the_ratio(monkeypatch):
    """A total batch that the ratio divides is not enough."""
    monkeypatch.setattr('mmbdg.engine.samplers.addressed_sampler.get_dist_info', lambda: (0, 2))
    with pytest.raises(InputError, match=r'the batch of a process has 2 \(4 for 2 processes\).*multiple of 4'):
        SourceRatioSampler(mixed(real=10, synthetic=45), 2, dict(real=1, synthetic=3), seed=0)


CODE = """
import json, sys
from pathlib import Path
import torch
from test_source_ratio_sampler import mixed, steps_of
from mmbdg.engine.launch import exit_process_group

torch.distributed.init_process_group('gloo')
rank = torch.distributed.get_rank()
steps = steps_of(mixed(real=10, synthetic=45), dict(real=1, synthetic=3), 4, 6, world_size=2, rank=rank, seed=None)
Path(f'{sys.argv[1]}/{rank}.json').write_text(json.dumps(steps))
exit_process_group()
"""


def test_two_processes_share_a_seed(tmp_path):
    """Two gloo processes without a given seed have the samples that one process has with the seed that they agreed on."""
    (tmp_path / 'job.py').write_text(CODE)
    run_processes(2, tmp_path / 'job.py', tmp_path, PYTHONPATH=str(Path(__file__).parent))
    ranks = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in (0, 1)]
    seed = ranks[0][0][0][0]
    alone = steps_of(mixed(real=10, synthetic=45), dict(real=1, synthetic=3), 8, 6, seed=seed)
    assert [sorted(tuple(one) for rank in ranks for one in rank[step]) for step in range(6)] == [sorted(step) for step in alone]


def test_checks_before_the_training():
    dataset, model = mixed(real=10, synthetic=45), nn.Module()
    model.data_preprocessor = nn.Identity()
    sampler = SourceRatioSampler(dataset, 8, dict(real=1, synthetic=3), seed=0)
    assert not list(grouping_problems(DataLoader(dataset, 8, sampler=sampler)))
    assert not list(address_problems(DataLoader(dataset, 8, sampler=sampler), model))
    (problem,) = grouping_problems(DataLoader(dataset, 4, sampler=sampler))
    assert 'for batches of 8, but a batch has 4' in problem
    (problem,) = address_problems(DataLoader(dataset, 4), model)
    assert problem.startswith('a MixedDataset is indexed by addresses, but a SequentialSampler gives none')


def test_a_resumed_training_keeps_ratio_and_epoch():
    hub, warnings = MessageHub.get_instance('sources of a training'), []

    def before(iterations, dataset, ratio, by_epoch=False, **options):
        sampler = SourceRatioSampler(dataset, 8, ratio, seed=0, by_epoch=by_epoch, **options)
        loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset, sampler=sampler, batch_size=8))
        logger = SimpleNamespace(warning=warnings.append)
        TotalBatchHook().before_train(SimpleNamespace(train_loop=loop, world_size=1, iter=iterations, message_hub=hub, logger=logger))

    dataset, ratio = mixed(real=10, synthetic=45), dict(real=1, synthetic=3)
    before(0, dataset, ratio)
    before(10, dataset, dict(real=2, synthetic=6))
    with pytest.raises(InputError, match=r"began with ratio=\{'real': 1, 'synthetic': 3\}.*resumes with ratio=.*'synthetic': 1\}"):
        before(10, dataset, dict(real=1, synthetic=1))
    with pytest.raises(InputError, match='began with epoch=real.*epoch=100: .*sampler.epoch=real'):
        before(10, dataset, ratio, epoch=100)
    assert not warnings
    before(10, mixed(real=9, synthetic=46), ratio)
    assert "began with {'real': 10, 'synthetic': 45} images, but resumes with {'real': 9, 'synthetic': 46}" in warnings[0]
    before(10, dataset, dict(real=1, synthetic=1), by_epoch=True)  # the next epoch begins at a group of any ratio


class Recorder(BaseModel):
    """A model that records its batches. Its loss reduces a single weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.ones(1)), []

    def forward(self, inputs, data_samples, mode):
        self.seen.append([(*value.tolist(), sample.source) for value, sample in zip(inputs, data_samples, strict=True)])
        return dict(loss=(self.weight**2).sum())


def train(work_dir, name, by_epoch, resume=None, workers=0):
    model = Recorder()
    Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=8,
            num_workers=workers,
            sampler=dict(type='mmbdg.SourceRatioSampler', batch_size=8, ratio=dict(real=1, synthetic=3), by_epoch=by_epoch),
            dataset=dict(type='mmbdg.MixedDataset', parts=dict(real=counted(0, 6), synthetic=counted(1000, 20))),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=3) if by_epoch else dict(by_epoch=False, max_iters=9),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1 if by_epoch else 4, by_epoch=by_epoch), logger=None),
        load_from=resume and str(resume),
        resume=bool(resume),
        randomness=dict(seed=1),
        log_level='ERROR',
        experiment_name=f'{work_dir.name}_{name}',
    ).train()
    return model.seen


def test_both_loops_and_resumed_trainings_see_the_same(tmp_path):
    """Images and their random numbers are those of an uninterrupted training, in both loops, with and without workers."""
    whole = train(tmp_path / 'epochs', 'epochs', True)
    assert len(whole) == 9  # three epochs of three steps
    for epoch in range(3):
        real = [value for step in whole[3 * epoch : 3 * epoch + 3] for value, _, source in step if source == 'real']
        assert sorted(real) == list(range(6))
    assert all([source for *_, source in step] == ['real', 'synthetic', 'synthetic', 'synthetic'] * 2 for step in whole)
    assert len({number for step in whole for _, number, _ in step}) == 72  # no augmentation repeats
    assert train(tmp_path / 'steps', 'steps', False) == whole
    assert train(tmp_path / 'a', 'a', True, resume=tmp_path / 'epochs/epoch_1.pth') == whole[3:]
    assert train(tmp_path / 'b', 'b', False, resume=tmp_path / 'steps/iter_4.pth', workers=1) == whole[4:]


def test_all_images_in_one_order():
    """AddressedSampler gives the images of a mixed dataset in one random order."""
    dataset = mixed(real=3, synthetic=5)
    items = list(AddressedSampler(dataset, seed=0, by_epoch=True))
    assert sorted(item.index for item in items) == list(range(8))
