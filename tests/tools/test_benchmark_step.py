"""tools/benchmark.py step: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config

from mmbdg.engine import AutocastOptimWrapper
from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.step')

CONFIG = str(ROOT / 'configs/transfer/fashion/unet_32px_light.py')


def measure(monkeypatch, *command):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'step', CONFIG, *map(str, command)])
    tool.main()


def test_two_ratios(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'step.json'
    options = ['train_dataloader.dataset.split=test']
    measure(monkeypatch, '--compare', 'amp', 'channels-last', '--batch-size', 2, '--threads', 1, '--out', out, '--cfg-options', *options)
    result = json.loads(out.read_text())
    assert (result['command'], result['batch_size'], result['pairs']) == ('step', 2, 10)
    assert [record['compare'] for record in result['comparisons']] == ['amp', 'channels-last']
    for record in result['comparisons']:
        plain, other = record['seconds']['plain'], record['seconds'][record['compare']]
        assert record['times_the_seconds'] == pytest.approx(median(a / b for a, b in zip(plain, other, strict=True)))
    assert '| a step: plain to --channels-last' in capsys.readouterr().out
    assert result['options'] == {'train_dataloader.dataset.split': 'test'}
    with pytest.raises(InputError, match='at least 10 pairs'):
        measure(monkeypatch, '--pairs', 3)


def test_a_training_with_several_optimizers_is_refused():
    cfg = Config.fromfile(ROOT / 'configs/gan/biggan_fashion32.py')
    with pytest.raises(InputError, match='trainings with one optimizer'):
        benchmark.training(cfg, False, False, 2, torch.device('cpu'))


@pytest.mark.parametrize('amp', [False, True])
@pytest.mark.parametrize('channels_last', [False, True])
def test_the_options_arrive(amp, channels_last):
    cfg = Config.fromfile(CONFIG)
    built = benchmark.training(cfg, amp, channels_last, 2, torch.device('cpu'))
    assert isinstance(built.wrapper, AutocastOptimWrapper) == amp and cfg.optim_wrapper.get('type') != 'mmbdg.AutocastOptimWrapper'
    weight = next(weight for weight in built.model.parameters() if weight.ndim == 4 and weight.shape[1] > 1 and weight.shape[2] > 1)
    assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last
