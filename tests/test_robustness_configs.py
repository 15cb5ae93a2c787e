"""Configs of configs/robustness: networks are mmpretrain's, and a tiny copy of each set is tested from file to figure."""

import json
import sys
from runpy import run_path

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope

from mmbdg.assets.class_lists import folder_names, imagenet_subsets
from mmbdg.compat.config import read_config
from mmbdg.files import write_png

NETWORKS = {'resnet50': 'resnet/resnet50_8xb32_in1k.py', 'vit-b16': 'vision_transformer/vit-base-p16_64xb64_in1k-384px.py'}
CONFIGS = sorted((ROOT / 'configs' / 'robustness').glob('imagenet_*.py'))


def shapes(model: dict) -> dict[str, torch.Size]:
    device = 'meta' if model['backbone']['type'] == 'VisionTransformer' else 'cpu'  # mmpretrain's ResNet reads values of tensors
    with DefaultScope.overwrite_default_scope('mmpretrain'), torch.device(device):
        return {key: value.shape for key, value in MODELS.build(model).state_dict().items()}


def without_scope(steps: list) -> list[dict]:
    return [{key: value for key, value in step.items() if key != '_scope_'} for step in steps]


@pytest.mark.parametrize('network', NETWORKS)
def test_networks_are_mmpretrains(network):
    """A checkpoint of mmpretrain fits: the same tensors, normalisation and crops."""
    theirs = Config.fromfile(Config._get_cfg_path(f'mmpretrain::{NETWORKS[network]}', '')[0])
    ours = read_config(CONFIGS[0], dict(network=network))
    assert shapes(ours.model) == shapes(theirs.model)
    for key in ('mean', 'std', 'to_rgb'):
        assert ours.model.data_preprocessor[key] == theirs.data_preprocessor[key], key
    assert ours.model.data_preprocessor.num_classes == ours.model.head.num_classes == theirs.model.head.num_classes == 1000
    assert without_scope(ours.test_dataloader.dataset.pipeline[1:]) == without_scope(theirs.test_dataloader.dataset.pipeline[1:])


def test_subsets():
    for path in CONFIGS:
        metrics = {metric.type: metric for metric in read_config(path).test_evaluator}
        name = path.stem.replace('_', '-')
        assert ('mmbdg.SubsetAccuracy' in metrics) == (name in imagenet_subsets())
        assert name not in imagenet_subsets() or metrics['mmbdg.SubsetAccuracy'].subset == name
        assert read_config(path).test_dataloader.dataset.name == name.removeprefix('imagenet-')


TINY = {'backbone.depth': 18, 'backbone.base_channels': 8, 'backbone.stem_channels': 8, 'head.in_channels': 64}


def test_a_tiny_copy_of_imagenet_r(tmp_path, monkeypatch):
    """tools/test.py on three classes, two images each: its figures are those of the scores, by hand."""
    wnids, every = imagenet_subsets()['imagenet-r'][:3], folder_names('in1k')
    rng = np.random.default_rng(0)
    for wnid in wnids:
        (tmp_path / 'r' / wnid).mkdir(parents=True)
        for number in range(2):
            write_png(tmp_path / 'r' / wnid / f'{number}.png', rng.integers(0, 256, (70, 90, 3), np.uint8))
    options = {f'model.{key}': value for key, value in TINY.items()} | dict(partial=True, workers=0, data_root=str(tmp_path / 'r'))
    path = ROOT / 'configs' / 'robustness' / 'imagenet_r.py'
    cfg = read_config(path, options)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.manual_seed(1)
        model = MODELS.build(cfg.model).eval()
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    torch.nn.init.normal_(model.head.fc.weight)
    subset = np.array([every.index(wnid) for wnid in imagenet_subsets()['imagenet-r']])
    with torch.no_grad():
        batch = model.data_preprocessor(dict(inputs=[dataset[i]['inputs'] for i in range(6)]))
        scores = model.head.fc(model.extract_feat(batch['inputs'])[-1]).numpy()
    labels = np.array([every.index(wnid) for wnid in wnids]).repeat(2)
    # The bias makes a class outside the subset the best of all, and within the subset the true one that of at least four images.
    bias = np.full(1000, -50, np.float32)
    bias[subset] = 0
    behind = scores[:, subset].max(1) - scores[np.arange(6), labels]
    bias[labels[0]] = behind[:2].max() + 1
    bias[labels[2]] = behind[2:4].max() + 1
    outside = next(i for i in range(1000) if i not in subset)
    bias[outside] = 50
    model.head.fc.bias.data = torch.from_numpy(bias)
    right = subset[(scores + bias)[:, subset].argmax(1)] == labels
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'tiny.pth')
    command = ['test.py', path, tmp_path / 'tiny.pth', '--work-dir', tmp_path / 'out', '--cfg-options']
    monkeypatch.setattr(sys, 'argv', [*map(str, command), *(f'{key}={value}' for key, value in options.items())])
    run_path(str(ROOT / 'tools' / 'test.py'))['main']()
    metrics = json.loads((tmp_path / 'out' / 'test.json').read_text())['metrics']
    assert metrics['accuracy/top1'] == 0 and metrics['subset/top1'] == pytest.approx(100 * right.mean()) and 0 < right.mean() < 1
