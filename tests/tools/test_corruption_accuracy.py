"""tools/corruption_accuracy.py: its figures by hand, on few images and corruptions."""

import json
import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT

from mmbdg.classifiers import build_classifier
from mmbdg.compat.config import read_config
from mmbdg.datasets import FashionMNIST32
from mmbdg.datasets.corrupt_image import corrupted
from mmbdg.errors import InputError

library = pytest.importorskip('imagecorruptions', reason='pip install imagecorruptions-imaug')
sys.path.append(str(ROOT / 'tools'))
tool = import_module('corruption_accuracy')
WEIGHTS = ROOT / 'mmbdg' / 'assets' / 'fashion32' / 'classifier.safetensors'
CONFIG = ROOT / 'configs' / 'robustness' / 'classifier_corruptions.py'


def run(monkeypatch, out, config, weights, *arguments):
    command = ['corruption_accuracy.py', config, weights, out / 'x.json', '--work-dir', out / 'work', *arguments]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    tool.main()
    return json.loads((out / 'x.json').read_text())


def test_accuracies_by_hand(tmp_path, monkeypatch, capsys):
    chosen = ['--corruptions', 'fog', 'gaussian_noise', '--severities', '1', '4']
    fraction = ['--cfg-options', 'test_dataloader.dataset.label_fraction=0.05', 'corruption_seed=6']
    found = run(monkeypatch, tmp_path, CONFIG, WEIGHTS, *chosen, *fraction)
    dataset = FashionMNIST32('test', label_fraction=0.05)
    items = [dataset[i] for i in range(len(dataset))]
    judge = build_classifier(read_config(ROOT / 'configs/gan/biggan_fashion32.py').val_evaluator.classifier)
    labels = np.array([item['gt_label'] for item in items])

    def accuracy(images: list[np.ndarray]) -> float:
        batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
        return 100 * (judge.probabilities(batch).argmax(1).numpy() == labels).mean()

    assert found['images'] == len(items) == 50 and found['seed'] == 6 and found['metric'] == 'accuracy/top1'
    assert found['clean'] == pytest.approx(accuracy([item['img'] for item in items]), abs=1e-3)
    values = {
        name: {
            severity: accuracy([corrupted(item['img'], name, int(severity), 6, item['img_id'])[..., ::-1] for item in items])
            for severity in ('1', '4')
        }
        for name in ('fog', 'gaussian_noise')
    }  # BGR, as the step leaves an image
    for name, by_hand in values.items():
        assert found['values'][name] == pytest.approx(by_hand, abs=1e-3)
        assert found['mean_by_corruption'][name] == pytest.approx(np.mean(list(by_hand.values())), abs=1e-3)
    assert found['mean'] == pytest.approx(np.mean([list(one.values()) for one in values.values()]), abs=1e-3)
    assert found['mean_by_kind'] == {} and found['clean'] > found['mean']
    table = (tmp_path / 'x.md').read_text()
    assert table.strip() in capsys.readouterr().out
    assert f'| fog | {values["fog"]["1"]:.1f} | {values["fog"]["4"]:.1f} |' in table


def test_a_segmentor(tmp_path, monkeypatch):
    """The U-Net with random weights: mIoU is the metric, and the corrupted images reach the network."""
    path = ROOT / 'configs' / 'robustness' / 'segmentor_corruptions.py'
    from mmengine.registry import MODELS, DefaultScope

    small = ['model.backbone.base_channels=4', 'model.decode_head.in_channels=4', 'model.decode_head.channels=4']
    options = dict(option.split('=') for option in small)
    with DefaultScope.overwrite_default_scope('mmseg'):
        torch.manual_seed(0)
        model = MODELS.build(read_config(path, {key: int(value) for key, value in options.items()}).model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'unet.pth')
    some = ['--corruptions', 'contrast', '--severities', '5', '--cfg-options', 'test_dataloader.dataset.label_fraction=0.02', *small]
    found = run(monkeypatch, tmp_path, path, tmp_path / 'unet.pth', *some)
    assert found['metric'] == 'mIoU' and found['images'] == 20 and 0 <= found['mean'] <= 100
    assert found['mean'] != found['clean']


def test_means_and_table():
    names = library.get_corruption_names()
    values = {name: {1: float(place), 5: float(place) + 2} for place, name in enumerate(names)}
    assert tool.means(values) == {name: place + 1 for place, name in enumerate(names)}
    assert tool.mean_by_kind(values) == dict(noise=2.0, blur=5.5, weather=9.5, digital=13.5)
    assert tool.mean_by_kind({name: values[name] for name in names[:6]}) == dict(noise=2.0)
    lines = tool.as_table('accuracy/top1', 90.04, {name: values[name] for name in names[:2]}).splitlines()
    assert lines[0] == '| corruption (accuracy/top1) | 1 | 5 | mean |' and lines[2] == '| none |  |  | 90.0 |'
    assert lines[4:] == ['| shot_noise | 1.0 | 3.0 | 2.0 |', '| mean | 0.5 | 2.5 | 1.5 |']


def test_wrong_commands(tmp_path, monkeypatch):
    for arguments, message in (
        (['--corruptions', 'fogg'], 'there is no corruption \'fogg\'; did you mean "fog"'),
        (['--corruptions', 'fog', 'fog'], '--corruptions names one twice: fog fog'),
        (['--severities', '1', '1'], '--severities names one twice'),
        (['--severities', '6'], 'must be at least 1 and at most 5, got 6'),
    ):
        with pytest.raises(InputError, match=message):
            run(monkeypatch, tmp_path, CONFIG, WEIGHTS, *arguments)
    with pytest.raises(InputError, match='has 0 steps mmbdg.CorruptImage'):
        run(monkeypatch, tmp_path, ROOT / 'configs' / 'classifier' / 'resnet_fashion32.py', WEIGHTS)
    with pytest.raises(InputError, match='there is no metric accuracy; did you mean|the test measures a/b'):
        tool.metric_in({'a/b': 1.0}, 'accuracy')
    with pytest.raises(InputError, match='choose one with --metric; the test measures a/b'):
        tool.metric_in({'a/b': 1.0}, None)
    with pytest.raises(InputError, match='has 2 steps'):
        step = tool.CorruptImage('fog')
        tool.corruption_in(
            SimpleNamespace(test_dataloader=SimpleNamespace(dataset=SimpleNamespace(pipeline=SimpleNamespace(transforms=[step] * 2))))
        )
