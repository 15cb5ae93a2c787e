"""MixedDataset: items of several parts by one index, and parts that do not fit together."""

from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmseg.models import SegDataPreProcessor

from mmbdg.compat.config_keys import TOP, unknown_keys
from mmbdg.datasets import Address, MixedDataset
from mmbdg.datasets.address import drawn_at
from mmbdg.datasets.listed_files import leaves
from mmbdg.engine import SourceRatioSampler
from mmbdg.engine.checks import address_problems, label_problems
from mmbdg.engine.hooks.training_set_hook import TrainingSetHook, described
from mmbdg.errors import InputError
from mmbdg.models import OnlineDataPreprocessor

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
VIEW = [dict(type='mmpretrain.ColorJitter', brightness=0.4), dict(type='mmpretrain.PackInputs')]
ONLINE = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32', label_space='classes', seed=5, length=30)
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
        (dict(real=seg, online=online), 'the part "real" has 3 classes, the part "online" has 11; class 0 is "a"'),
        (dict(real=LABELLED, a=ONLINE, b=ONLINE), 'the parts "a" and "b" are online, but the data preprocessor has one generator'),
        (dict(real=seg, joint=dict(type='mmbdg.JointDataset', ssl=REAL)), 'the part "joint" is a JointDataset, which has parts of its own'),
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


def test_an_online_part_repeats_no_sample():
    """Pass e through a part of length L has the samples e L ... (e + 1) L - 1 of its count, each once."""
    dataset = MixedDataset(dict(real=LABELLED, made=ONLINE))
    online, start = dataset.parts['made'], len(dataset.parts['real'])
    assert len(dataset) == start + 30
    item = dataset[Address(1, 2, start + 7, 0)]
    assert item['data_samples'].source == 'made' and item['inputs'].tolist() == [5, *online.address(2 * 30 + 7)]
    samples = islice(SourceRatioSampler(dataset, 8, dict(real=1, made=3), seed=0), 80)
    drawn = [tuple(item['inputs'].tolist()) for item in map(dataset.__getitem__, samples) if item['data_samples'].source == 'made']
    assert len(drawn) == 60 and sorted(drawn) == sorted((5, *online.address(n)) for n in range(60))


def test_the_numbers_of_an_online_part():
    """The ratio of the sampler says how many of the samples drawn are online; without a ratio their lengths do."""
    dataset = MixedDataset(dict(real=LABELLED, made=ONLINE))
    sampler = SourceRatioSampler(dataset, 8, dict(real=1, made=3), seed=0)
    for one, made in ((sampler, 60), (None, 80 * 30 // 50)):
        checkpoint, loader = dict(meta=dict(iter=10)), SimpleNamespace(dataset=dataset, batch_size=8, sampler=one)
        TrainingSetHook().before_save_checkpoint(SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), world_size=1), checkpoint)
        assert [(part['images'], part['synthetic']) for part in checkpoint['meta']['training_set']] == [(20, False), (made, True)]


def test_an_online_part_needs_its_preprocessor():
    loader = SimpleNamespace(dataset=MixedDataset(dict(real=LABELLED, made=ONLINE)))
    loader.sampler = SourceRatioSampler(loader.dataset, 8, dict(real=1, made=3), seed=0)
    plain = SimpleNamespace(data_preprocessor=SegDataPreProcessor(size=(32, 32)))
    (problem,) = address_problems(loader, plain)
    assert 'mmbdg.OnlineDataPreprocessor, which makes them; here is SegDataPreProcessor' in problem and 'AddressedSampler' not in problem
    for sampling in (None, dict(steering=dict(candidates=2))):
        online = SimpleNamespace(data_preprocessor=OnlineDataPreprocessor('fashion32', sampling=sampling))
        assert not list(address_problems(loader, online))
    stacked = SimpleNamespace(**vars(loader), collate_fn=default_collate)
    assert 'cannot stack images and the addresses' in next(address_problems(stacked, online))
    assert 'steering chooses' in next(
        address_problems(SimpleNamespace(dataset=MixedDataset(dict(real=LABELLED)), sampler=loader.sampler), online)
    )
