"""tools/compare_dataset.py on a tiny generator: how its figures are computed."""

import json
import sys
from argparse import Namespace
from importlib import import_module
from itertools import combinations

import numpy as np
import pytest
import torch
from conftest import ROOT, plan_of

from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.classifiers import build_classifier
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize

sys.path.append(str(ROOT / 'tools'))
tool = import_module('compare_dataset')


def test_spread():
    """The spread is the mean squared distance over all pairs of a class."""
    features, classes = np.random.default_rng(0).standard_normal((12, 5)), [0, 1, 2] * 4
    pairs = [[np.sum((features[i] - features[j]) ** 2) for i, j in combinations(range(c, 12, 3), 2)] for c in range(3)]
    assert tool.spread(features, classes) == pytest.approx(np.mean([np.mean(found) for found in pairs]))


def test_figures(tmp_path, tiny_labelled_generator, tiny_classifier, monkeypatch, capsys):
    plan = plan_of(str(tiny_labelled_generator), candidates=6, num_per_class=5, uncertainty_rate=0)
    real = synthesize(plan.changed(seed=9), tmp_path / 'real', log=lambda line: None)
    synthesize(plan, tmp_path / 'dataset', log=lambda line: None)
    judge = tmp_path / 'judge.py'
    judge.write_text(f'classifier = {tiny_classifier!r}')
    command = [tmp_path / 'dataset', tmp_path / 'figures.json', '--reference', real, '--features', 'resnet_fashion32']
    monkeypatch.setattr(sys, 'argv', ['compare_dataset.py', *map(str, command), '--judge', str(judge), '--copies-of', str(real)])
    tool.main()
    found = json.loads((tmp_path / 'figures.json').read_text())['figures']
    assert found['n'] == 15 and found['FD'] is None  # too few samples for a Frechet distance
    stored = StoredDataset(tmp_path / 'dataset')
    masks = np.stack([stored.mask(line) > 0 for line in stored.lines])
    rule = np.stack([fashion_foreground(stored.image(line)) for line in stored.lines])
    iou = [(masks & rule).sum() / (masks | rule).sum(), (~masks & ~rule).sum() / (~masks | ~rule).sum()]
    assert found['mIoU'] == pytest.approx(100 * np.mean(iou), abs=1e-3)
    images = np.stack([stored.image(line) for line in stored.lines])
    named = build_classifier(tiny_classifier).probabilities(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1).tolist()
    right = sum(a == line['class'] for a, line in zip(named, stored.lines, strict=True))
    assert found['recognised'] == pytest.approx(100 * right / 15)
    network = tool.chosen_network(Namespace(inception=None, classifier=None, features='resnet_fashion32'))
    others = StoredDataset(real)
    own, known = network.features(list(images)), network.features([others.image(line) for line in others.lines])
    gaps = np.linalg.norm(own[:, None] - known, axis=2).min(1)
    among = np.linalg.norm(known[:, None] - known, axis=2) + np.diag(np.full(15, np.inf))
    assert found['copies'] == pytest.approx(100 * (gaps < np.median(among.min(1)) / 2).mean())
    assert f'KD {found["KD"]}' in capsys.readouterr().out
