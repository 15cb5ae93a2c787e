"""MixedDataset: items of several parts by one index, and parts that do not fit together."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.datasets import Address, MixedDataset
from mmbdg.datasets.address import drawn_at
from mmbdg.datasets.listed_files import leaves
from mmbdg.engine.checks import label_problems
from mmbdg.engine.hooks.training_set_hook import described
from mmbdg.errors import InputError

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
VIEW = [dict(type='mmpretrain.ColorJitter', brightness=0.4), dict(type='mmpretrain.PackInputs')]
LABELLED = dict(REAL, pipeline=[dict(type='mmseg.PackSegInputs')])


def test_items_and_their_random_numbers():
    """An item is that of its part with random numbers for (part, seed, epoch, index); other parts and random draws do not matter."""
    dataset = MixedDataset(dict(real=REAL, synthetic=dict(REAL, label_fraction=0.03, pipeline=VIEW)))
    assert len(dataset) == 50 and [dataset.place(i) for i in (0, 19, 20, 49)] == [
        ('real', 0),
        ('real', 19),
        ('synthetic', 0),
        ('synthetic', 29),
    ]
    item = dataset[Address(1, 2, 27, 0)]
    with drawn_at('mixed', 'synthetic', 1, 2, 7):
        assert torch.equal(item['inputs'], dataset.parts['synthetic'][7]['inputs'])
    torch.rand(3)
    assert torch.equal(item['inputs'], dataset[Address(1, 2, 27, 99)]['inputs'])
    assert not torch.equal(item['inputs'], dataset[Address(1, 3, 27, 0)]['inputs'])
    assert item['data_samples'].source == 'synthetic' and dataset[Address(1, 2, 3, 0)]['data_samples'].source == 'real'
    alone = MixedDataset(dict(synthetic=dict(REAL, label_fraction=0.03, pipeline=VIEW)))
    assert torch.equal(item['inputs'], alone[Address(1, 2, 7, 0)]['inputs'])
    for index in (-1, 50):
        with pytest.raises(IndexError, match=f'has no item {index}'):
            dataset[Address(1, 2, index, 0)]
    with pytest.raises(InputError, match='indexed by addresses, got 3: .*mmbdg.SourceRatioSampler'):
        dataset[3]


def test_parts_are_counted_and_found():
    dataset = MixedDataset(dict(real=REAL, more=dict(REAL, label_fraction=0.03)))
    assert [(one['images'], one['synthetic']) for one in described(dataset, 1000)] == [(20, False), (30, False)]
    assert list(leaves(dict(type='mmbdg.MixedDataset', parts=dict(real=REAL, more=LABELLED)))) == [REAL, LABELLED]


def test_keys_of_the_config_are_checked():
    sampler = dict(type='mmbdg.SourceRatioSampler', batch_size=4, ratio=dict(real=1, more=3))
    dataset = dict(type='mmbdg.MixedDataset', parts=dict(real=REAL, more=REAL))
    config = Config(dict(train_dataloader=dict(batch_size=4, dataset=dataset, sampler=sampler)))
    assert not list(unknown_keys(config, TOP))
    config.train_dataloader.sampler.ratios = config.train_dataloader.sampler.pop('ratio')
    config.train_dataloader.dataset.parts.more.pipelines = []
    problems = list(unknown_keys(config, TOP))
    assert len(problems) == 2 and 'did you mean "pipeline"' in problems[0] and 'did you mean "ratio"' in problems[1]


class Seg(torch.utils.data.Dataset):
    def __init__(self, classes, ignore_index=255, length=2):
        self.metainfo, self.ignore_index, self.length = dict(classes=classes), ignore_index, length

    def __len__(self):
        return self.length


def test_what_is_refused():
    abc, online = ('a', 'b', 'c'), dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32')
    seg = dict(type=Seg, classes=abc)
    for parts, message in (
        (dict(), 'needs at least one part'),
        (dict(real=seg, online=online), 'the part "online" is a OnlineSyntheticDataset.*mmbdg.JointDataset combines'),
        (dict(real=seg, joint=dict(type='mmbdg.JointDataset', ssl=REAL)), 'the part "joint" is a JointDataset'),
        (dict(real=seg, more=dict(seg, length=0)), 'the part "more" has no images'),
        (dict(real=seg, more=dict(seg, classes=('a', 'c', 'b'))), 'class 1 is "b" in "real" and "c" in "more"'),
        (dict(real=seg, more=dict(seg, classes=('a', 'b'))), '"real" has 3 classes, the part "more" has 2; class 2 is "c" .* no class in'),
        (dict(real=seg, more=dict(seg, ignore_index=254)), 'the part "real" ignores label 255, the part "more" ignores label 254'),
    ):
        with pytest.raises(InputError, match=message):
            MixedDataset(parts)
    assert len(MixedDataset(dict(real=seg, unnamed=dict(seg, classes=None)))) == 4


def test_the_head_fits_every_part():
    dataset = MixedDataset(dict(a=dict(type=Seg, classes=None), b=LABELLED))
    model = SimpleNamespace(decode_head=SimpleNamespace(num_classes=2, ignore_index=255))
    assert 'the segmentation head has 2 labels, the label space "classes"' in next(label_problems(SimpleNamespace(dataset=dataset), model))
