"""Named parts of a joint training: order, ratios, random streams, and errors for names that do not match."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.logging import MessageHub
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.addressed import generator_at
from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.datasets import Address, Addressing, JointDataset, OnlineSyntheticDataset
from mmbdg.datasets.address import addressing
from mmbdg.datasets.listed_files import leaves
from mmbdg.datasets.online import is_online
from mmbdg.engine import AddressedSampler, TotalBatchHook
from mmbdg.engine.checks import address_problems, part_problems
from mmbdg.errors import InputError
from mmbdg.models import JointDataPreprocessor
from mmbdg.models.part_losses import PartLosses
from mmbdg.registry import DATASETS, MODELS


@DATASETS.register_module()
class Numbers(torch.utils.data.Dataset):
    """Item i is (base + i, a random number of torch's global generator)."""

    def __init__(self, base, length):
        self.base, self.length = base, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        inputs = torch.tensor([self.base + index, torch.rand(()).item()], dtype=torch.float64)
        return dict(inputs=inputs, data_samples=BaseDataElement(metainfo=dict(number=self.base + index)))


@MODELS.register_module()
class Plus(nn.Module):
    """A data preprocessor that adds a number."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, data, training=False):
        return dict(inputs=data['inputs'] + self.number, data_samples=data['data_samples'])


def numbers(base, length):
    return dict(type='mmbdg.Numbers', base=base, length=length)


REAL, SYNTHETIC, EDITED = numbers(0, 6), numbers(100, 9), numbers(1000, 4)
ONLINE = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')
THREE = dict(parts=dict(real=REAL, synthetic=SYNTHETIC, edited=EDITED), ratios=dict(synthetic=3, edited=2))


def test_three_parts_with_ratios():
    """Lengths, order and indices of three parts. The name of a part is in the seed of its random stream."""
    dataset = JointDataset(**THREE)
    assert len(dataset) == 6 and list(dataset.parts) == ['real', 'synthetic', 'edited']
    assert dataset.ratios == dict(real=1, synthetic=3, edited=2)
    item = dataset[Address(5, 1, 2, 8)]
    assert list(item['inputs']) == list(item['data_samples']) == ['real', 'synthetic', 'edited']
    assert item['data_samples']['real'].number == 2
    for name, base, length, ratio in (('synthetic', 100, 9, 3), ('edited', 1000, 4, 2)):
        drawn = generator_at('paired', name, 5, 1, 2).integers(length, size=ratio).tolist()
        assert [sample.number for sample in item['data_samples'][name]] == [base + i for i in drawn]
        assert [int(row[0]) for row in item['inputs'][name]] == [base + i for i in drawn]
    draws = [item['inputs']['real'][1], *(row[1] for name in ('synthetic', 'edited') for row in item['inputs'][name])]
    assert len({float(value) for value in draws}) == 6  # each sample has its own random stream


def test_a_part_does_not_change_the_others():
    two, three = JointDataset(ssl=REAL, seg=SYNTHETIC), JointDataset(ssl=REAL, seg=SYNTHETIC, parts=dict(aux=EDITED))
    for index in range(6):
        one, other = (dataset[Address(5, 1, index, index)] for dataset in (two, three))
        assert all(torch.equal(one['inputs'][name], other['inputs'][name]) for name in ('ssl', 'seg'))
    assert list(three.parts) == ['ssl', 'seg', 'aux'] and three.ratios == dict(ssl=1, seg=1, aux=1)
    by_key, by_name = JointDataset(REAL, SYNTHETIC, 2), JointDataset(parts=dict(ssl=REAL, seg=SYNTHETIC), ratios=dict(seg=2))
    one, other = (dataset[Address(5, 1, 3, 3)]['inputs'] for dataset in (by_key, by_name))
    assert torch.equal(one['ssl'], other['ssl']) and all(map(torch.equal, one['seg'], other['seg']))


def test_any_number_of_workers():
    dataset, batches = JointDataset(**THREE), []
    for workers in (0, 2):
        sampler = AddressedSampler(dataset, 7, by_epoch=True)
        loader = DataLoader(dataset, 3, sampler=sampler, num_workers=workers, collate_fn=default_collate)
        batches.append([batch for _ in range(2) for batch in loader])
    assert len(batches[0]) == len(batches[1]) == 4
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one['inputs']['real'], other['inputs']['real'])
        for name, ratio in (('synthetic', 3), ('edited', 2)):
            assert len(one['inputs'][name]) == ratio and all(map(torch.equal, one['inputs'][name], other['inputs'][name]))
    assert sorted(int(i) for batch in batches[0][:2] for i in batch['inputs']['real'][:, 0]) == list(range(6))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(), 'needs at least one part'),
        (dict(ssl=REAL, ratio=0), 'ratio is a whole number.*at least 1; got 0'),
        (THREE | dict(ratios=dict(edited=0)), r'ratios.edited is a whole number .* of the part "real", at least 1; got 0'),
        (THREE | dict(ratios=dict(edited=1.5)), 'at least 1; got 1.5'),
        (THREE | dict(ratios=dict(sinthetic=2)), 'no part "sinthetic", only real, synthetic, edited; did you mean "synthetic"'),
        (THREE | dict(ratios=dict(real=2)), 'ratios.real must be 1, got 2'),
        (dict(ssl=REAL, parts=dict(ssl=REAL)), 'the part "ssl" is given twice'),
        (dict(parts=[REAL]), 'parts must be a dict'),
        (dict(parts={'a.b': REAL}), "must be an identifier .*'a.b'"),
        (dict(parts=dict(real=dict(base=0))), 'the part "real" must be a config with a type'),
        (dict(parts=dict(online=ONLINE, real=REAL)), 'first part "online" defines the length, and OnlineSyntheticDataset is endless'),
        (dict(parts=dict(real=REAL, more=dict(type='mmbdg.JointDataset', ssl=REAL))), 'the part "more" is a JointDataset'),
    ],
)  # fmt: skip
def test_wrong_parts_and_ratios(arguments, message):
    with pytest.raises(InputError, match=message):
        JointDataset(**arguments)


def test_addressing():
    joint = JointDataset(parts=dict(real=REAL, online=ONLINE, more=ONLINE), ratios=dict(online=2))
    online = OnlineSyntheticDataset('fashion32')
    assert [addressing(x) for x in (joint, online, [])] == [Addressing.ADDRESS, Addressing.COUNT, Addressing.INDEX]
    assert is_online(joint) and is_online(online) and not is_online(JointDataset(**THREE))
    for name, ratio in (('online', 2), ('more', 1)):
        counted = [n for count in range(4) for n in joint.paired(Address(0, 0, 0, count), name)]
        assert counted == list(range(4 * ratio))


def test_a_preprocessor_for_each_part():
    parts = {name: dict(type='mmbdg.Plus', number=n) for n, name in enumerate(('real', 'synthetic', 'edited'), 1)}
    joint = JointDataPreprocessor(parts=parts)
    dataset = JointDataset(**THREE)
    batch = default_collate([dataset[Address(5, 0, i, i)] for i in range(2)])
    ready = joint(batch, True)
    assert torch.equal(ready['inputs']['real'], batch['inputs']['real'] + 1)
    for name, number in (('synthetic', 2), ('edited', 3)):
        assert torch.equal(ready['inputs'][name], torch.cat(list(batch['inputs'][name])) + number)
        assert [sample.number for sample in ready['data_samples'][name]] == (ready['inputs'][name][:, 0] - number).int().tolist()
    plain = dict(inputs=torch.zeros(1), data_samples=None)
    assert joint(plain)['inputs'] == 1 and JointDataPreprocessor(parts=parts, plain='edited')(plain)['inputs'] == 3
    assert JointDataPreprocessor(parts=parts | dict(seg=dict(type='mmbdg.Plus', number=9)))(plain)['inputs'] == 9
    with pytest.raises(InputError, match='plain="x" is no part'):
        JointDataPreprocessor(parts=parts, plain='x')
    lacking = JointDataPreprocessor(parts={name: parts[name] for name in ('real', 'synthetic')})
    with pytest.raises(InputError, match='the batch has the part "edited", JointDataPreprocessor has "real", "synthetic"'):
        lacking(batch, True)
    more = JointDataPreprocessor(parts=parts | dict(edit=parts['edited']))
    with pytest.raises(InputError, match='JointDataPreprocessor has the part "edit", the batch has .*; did you mean "edited"'):
        more(batch, True)


@DATASETS.register_module()
class Views(Numbers):
    """Item i has two views: base + i, and its negative."""

    def __getitem__(self, index):
        value = torch.tensor([float(self.base + index)])
        return dict(inputs=[value, -value], data_samples=BaseDataElement(metainfo=dict(number=self.base + index)))


@MODELS.register_module()
class PlusViews(Plus):
    """A data preprocessor that adds a number to each view."""

    def forward(self, data, training=False):
        return dict(inputs=[view + self.number for view in data['inputs']], data_samples=data['data_samples'])


def test_a_second_part_of_several_views_with_a_ratio():
    """Three items of two views for each item of the first part: two views of three batches, in the order of their data samples."""
    views = [dict(type='mmbdg.Views', base=base, length=length) for base, length in ((0, 6), (100, 9))]
    dataset = JointDataset(parts=dict(real=views[0], more=views[1]), ratios=dict(more=3))
    batch = default_collate([dataset[Address(5, 0, i, i)] for i in range(2)])
    parts = dict(real=dict(type='mmbdg.PlusViews', number=0), more=dict(type='mmbdg.PlusViews', number=1000))
    ready = JointDataPreprocessor(parts=parts)(batch, True)
    assert [view.flatten().tolist() for view in ready['inputs']['real']] == [[0, 1], [0, -1]]
    drawn = [generator_at('paired', 'more', 5, 0, i).integers(9, size=3) for i in range(2)]
    numbers = [100 + int(drawn[i][place]) for place in range(3) for i in range(2)]  # batch by batch
    assert len(set(numbers)) > 2
    assert [view.flatten().tolist() for view in ready['inputs']['more']] == [[1000 + n for n in numbers], [1000 - n for n in numbers]]
    assert [sample.number for sample in ready['data_samples']['more']] == numbers


class Weighted(PartLosses, nn.Module):
    """A model whose loss is w * mean for one part and (w * mean)^2 for the other."""

    part_losses = dict(real='real_loss', synthetic='synthetic_loss')

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(3.0))

    def real_loss(self, inputs, data_samples):
        return {'real.loss': self.w * inputs.mean()}

    def synthetic_loss(self, inputs, data_samples):
        return {'synthetic.loss': (self.w * inputs.mean()) ** 2}


class WithEdited(Weighted):
    part_losses = Weighted.part_losses | dict(edited='edited_loss')

    def edited_loss(self, inputs, data_samples):
        return {'edited.loss': self.w**3 * inputs.mean()}


def test_a_further_part_is_one_more_method():
    """A model supports an additional part with one more loss method. Losses and gradient have the expected values."""
    inputs = {name: torch.full((2,), value) for name, value in dict(real=2.0, synthetic=0.5, edited=4.0).items()}
    model, samples = WithEdited(), dict.fromkeys(inputs)
    losses = model.loss(inputs, samples)
    assert {name: value.item() for name, value in losses.items()} == {'real.loss': 6, 'synthetic.loss': 2.25, 'edited.loss': 108}
    sum(losses.values()).backward()
    assert model.w.grad.item() == 2 + 2 * 3 * 0.25 + 3 * 9 * 4
    with pytest.raises(InputError, match='the batch has the part "edited", Weighted has "real", "synthetic"'):
        Weighted().loss(inputs, samples)
    model.edited_loss = model.real_loss
    with pytest.raises(InputError, match='the part "edited" has the loss "real.loss", which another part has too'):
        model.loss(inputs, samples)


def test_parts_are_compared_before_the_training():
    dataset, model = JointDataset(**THREE), Weighted()
    loader = DataLoader(dataset, 2, sampler=AddressedSampler(dataset, 0))
    model.data_preprocessor = JointDataPreprocessor(parts={name: dict(type='mmbdg.Plus', number=0) for name in dataset.parts})
    assert list(part_problems(loader, model)) == [
        'train_dataloader.dataset has the part "edited", Weighted has "real", "synthetic": give both the same parts'
    ]
    fitting = WithEdited()
    fitting.data_preprocessor = model.data_preprocessor
    assert not list(part_problems(loader, fitting)) and not list(address_problems(loader, fitting))
    fitting.data_preprocessor = JointDataPreprocessor(parts=dict(real=dict(type='mmbdg.Plus', number=0)))
    (problem,) = part_problems(loader, fitting)
    assert problem.startswith('train_dataloader.dataset has the part "synthetic", model.data_preprocessor has "real"')

    dataset = JointDataset(parts=dict(real=REAL, synthetic=ONLINE))
    loader = DataLoader(dataset, 2, sampler=AddressedSampler(dataset, 0))
    (problem,) = address_problems(loader, model)
    assert 'online samples need a data preprocessor' in problem and problem.endswith('here is Plus')


def test_ratios_of_every_online_part_are_kept():
    """Resuming keeps the ratio of every online part, also from older checkpoints, which store one ratio for the part seg."""

    def before(hub, iterations, **ratios):
        dataset = JointDataset(ssl=REAL, seg=ONLINE, parts=dict(more=ONLINE), ratios=ratios)
        loader = SimpleNamespace(dataset=dataset, sampler=AddressedSampler(dataset, seed=0), batch_size=4)
        loop = SimpleNamespace(dataloader=loader)
        TotalBatchHook().before_train(SimpleNamespace(train_loop=loop, world_size=1, iter=iterations, message_hub=hub))

    hub = MessageHub.get_instance('ratios of parts')
    before(hub, 0, seg=2, more=3)
    before(hub, 10, seg=2, more=3)
    with pytest.raises(InputError, match='began with 3 online samples per real image, but resumes with 1.*"more"'):
        before(hub, 10, seg=2)
    old = MessageHub.get_instance('ratio of an older version')
    old.update_info('online_ratio', 2)
    before(old, 10, seg=2)
    old = MessageHub.get_instance('ratio of an older version, changed')
    old.update_info('online_ratio', 2)
    with pytest.raises(InputError, match='began with 2 online samples.*"seg"'):
        before(old, 10, seg=1)


def test_configs_of_parts_are_found():
    config = dict(type='mmbdg.JointDataset', ssl=REAL, parts=dict(edited=EDITED), ratios=dict(edited=2))
    assert list(leaves(config)) == [REAL, EDITED]
    wrong = Config(dict(train_dataloader=dict(dataset=config | dict(ration=2, parts=dict(edited=EDITED | dict(lenght=1))))))
    problems = list(unknown_keys(wrong, TOP))
    assert len(problems) == 2 and 'dataset.ration' in problems[0] and 'did you mean "length"' in problems[1]
