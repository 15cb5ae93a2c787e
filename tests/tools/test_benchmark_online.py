"""tools/benchmark.py online: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median, quantiles

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.online')

ON, OFF = (str(ROOT / f'configs/benchmark/fashion/fpn_r18_biggan-{kind}.py') for kind in ('on', 'off'))


def measure(monkeypatch, *command):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'online', *map(str, command)])
    tool.main()


@pytest.fixture
def offline(tmp_path):
    """A config with real images in place of a synthesised dataset, so that nothing is synthesised first."""
    cfg = Config.fromfile(OFF)
    cfg.train_dataloader.dataset = dict(
        type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='mmseg.Resize', scale=(64, 64)), dict(type='PackSegInputs')]
    )
    path = tmp_path / 'offline.py'
    cfg.dump(path)
    return str(path)


def test_three_ratios(offline, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'online.json'
    measure(monkeypatch, ON, offline, '--batch-size', 2, '--threads', 1, '--out', out)
    result = json.loads(out.read_text())
    assert (result['batch_size'], result['pairs']) == (2, 10) and result['data_preprocessor']['type'] == 'mmbdg.OnlineDataPreprocessor'
    assert {'date', 'torch', 'cpu', 'cores', 'threads', 'device', 'load_before', 'load_after'} <= set(result['environment'])
    assert [record['compare'] for record in result['comparisons']] == ['batch', 'step', 'loading-hidden']
    for record in result['comparisons']:
        first, second = (record['seconds'][record[name]] for name in ('first', 'second'))
        ratios = [a / b for a, b in zip(first, second, strict=True)]
        quarters = quantiles(ratios, n=4, method='inclusive')
        assert len(ratios) == 10 and record['times_the_seconds'] == pytest.approx(median(ratios))
        assert record['quartiles'] == pytest.approx([quarters[0], quarters[2]])
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith('| ')]
    assert len(printed) == 5 and len(set(map(len, printed))) == 1


def test_a_step_learns_from_the_next_batch():
    torch.manual_seed(0)
    training = benchmark.Training(Config.fromfile(ON), 2, torch.device('cpu'))
    seen = [(sample.class_id, sample.index) for _ in range(2) for sample in training.batch()['data_samples']]
    assert seen == [training.loader.dataset.address(n) for n in range(4)]
    before = [value.clone() for value in training.model.parameters()]
    training.step()
    assert sum(not torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True)) > 20
    assert training.batch()['data_samples'][0].index == training.loader.dataset.address(6)[1]


def test_what_cannot_be_compared_is_refused(offline, monkeypatch):
    with pytest.raises(InputError, match='does not train on an mmbdg.OnlineSyntheticDataset'):
        measure(monkeypatch, offline, ON)
    with pytest.raises(InputError, match='is online too'):
        measure(monkeypatch, ON, ON)
    with pytest.raises(InputError, match='train different networks'):
        measure(monkeypatch, ON, offline, '--offline-options', 'model.decode_head.channels=32')
    with pytest.raises(InputError, match='at least 10 pairs'):
        measure(monkeypatch, ON, offline, '--pairs', 3)
    with pytest.raises(InputError, match='ends in .json'):
        measure(monkeypatch, ON, offline, '--out', 'speed.txt')
