"""tools/benchmark.py joint: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.joint')

CONFIG = str(ROOT / 'configs/densecl_biggan_fpn.py')
SIZES = dict(batch_size=2, cells=4, dim=128, queue_len=64, temperature=0.2)


def measure(monkeypatch, *command):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'joint', *map(str, command)])
    tool.main()


def test_ratios(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'memory', lambda *_: {'joint': 3.0, 'self-supervised': 2.0, 'segmentation': 2.0, 'by blocks': 'none'})
    out, kinds, training = tmp_path / 'joint.json', [], benchmark.Training
    monkeypatch.setattr(
        benchmark, 'Training', lambda cfg, *given, **more: kinds.append(cfg.model.seg_head.num_classes) or training(cfg, *given, **more)
    )
    measure(monkeypatch, CONFIG, '--batch-size', 2, '--image-size', 32, '--pairs', 10, '--threads', 1, '--out', out, '--workers', 0, 1,
            '--cfg-options', 'model.queue_len=64', 'label_space=fgbg', 'train_dataloader.dataset.seg=None')  # fmt: skip
    result = json.loads(out.read_text())
    assert kinds == [2, 2, 2]  # these follow from the label space
    assert result['model'] == 'mmbdg.JointDenseCL' and result['contrast'] == SIZES
    assert [record['compare'] for record in result['comparisons']] == ['step', 'contrast']
    for record in result['comparisons']:
        first, second = (record['seconds'][record[name]] for name in ('first', 'second'))
        assert len(first) == 10 and record['times_the_seconds'] == pytest.approx(median(a / b for a, b in zip(first, second, strict=True)))
    assert result['images_per_second'] == pytest.approx(2 / median(result['comparisons'][0]['seconds']['joint']))
    assert [row['workers'] for row in result['loading']] == [0, 1]
    for row in result['loading']:
        assert len(row['seconds']) == 10 and row['mean_seconds'] == pytest.approx(sum(row['seconds']) / 10)
        assert row['share_of_a_step'] == pytest.approx(row['mean_seconds'] / median(result['comparisons'][0]['seconds']['joint']))
    assert 'A joint step takes 0.75 times the sum of the memory of both parts.' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['densecl_biggan_fpn', 'mocov3_vit-small_biggan_fpn_in1k'])
def test_the_parts_are_the_joint_models(name):
    """The two parts have the joint model's parameters, the backbone twice, and each changes its weights in a step."""
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    if 'queue_len' in cfg.model:
        cfg.model.queue_len, cfg.model.activation_checkpointing = 64, True  # settings that only the joint model has
    else:  # a smaller ViT
        cfg.model.backbone.update(arch=dict(embed_dims=24, num_layers=12, num_heads=3, feedforward_channels=48), img_size=32)
        cfg.model.neck.update(in_channels=24, hid_channels=64)
        cfg.model.head.predictor.update(hid_channels=64)
        cfg.model.seg_neck.embed_dim, cfg.model.seg_head.in_channels = 24, [24] * 4
    trainings = {kind: benchmark.Training(cfg, kind, 2, 32, torch.device('cpu')) for kind in ('joint', 'self-supervised', 'segmentation')}
    assert type(trainings['self-supervised'].model).__module__.startswith('mmpretrain.')
    assert type(trainings['segmentation'].model).__module__.startswith('mmseg.')
    counts = {kind: sum(p.numel() for p in training.model.parameters()) for kind, training in trainings.items()}
    backbone = sum(p.numel() for p in trainings['joint'].model.backbone.parameters())
    assert counts['joint'] == counts['self-supervised'] + counts['segmentation'] - backbone
    for training in trainings.values():
        before = [value.clone() for value in training.model.parameters()]
        training.step()
        assert sum(not torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True)) > 20


def test_both_losses_are_the_same():
    contrast = benchmark.Contrast(**SIZES, device=torch.device('cpu'))
    ours = contrast.ours()
    gradients = [queries.grad.clone() for queries, _, _ in contrast.branches]
    assert contrast.mmpretrains() == pytest.approx(ours, abs=1e-5)
    for gradient, (queries, _, _) in zip(gradients, contrast.branches, strict=True):
        torch.testing.assert_close(gradient, queries.grad, atol=1e-6, rtol=1e-5)


def test_memory_of_the_losses():
    """The blocked loss needs at least 100 MiB less than mmpretrain's, which copies 64 MiB of logits.

    This process already holds much memory, so the test uses a difference.
    """
    peaks = {
        name: benchmark.contrast_peak(SIZES | dict(batch_size=32, cells=8, queue_len=2**16), name, 1)
        for name in ("mmpretrain's", 'by blocks')
    }
    assert peaks["mmpretrain's"][0] - peaks['by blocks'][0] > 100 * 2**20


def test_what_is_no_joint_pre_training_is_refused(monkeypatch):
    with pytest.raises(InputError, match='trains a mmbdg.DenseCL, no joint'):
        measure(monkeypatch, ROOT / 'configs/baselines/densecl_fashion.py')
    with pytest.raises(InputError, match='--batch-size 3 does not divide the queue of 2048'):
        measure(monkeypatch, CONFIG, '--batch-size', 3)
    with pytest.raises(InputError, match='ends in .json'):
        measure(monkeypatch, CONFIG, '--out', 'speed.txt')
