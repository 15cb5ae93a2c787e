"""tools/filter_table.py on a tiny generator: which rows there are, and what their figures are made of."""

import json
import sys
from importlib import import_module
from itertools import combinations

import numpy as np
import pytest
from conftest import ROOT

from mmbdg.analysis.foreground import fashion_foreground
from mmbdg.errors import InputError
from mmbdg.synthesis import StoredDataset, Synthesis, synthesize

sys.path.append(str(ROOT / 'tools'))
tool = import_module('filter_table')


def test_rows():
    """The paper's order and each filter alone; a row that labels every candidate makes no more of them than it keeps."""
    plan = Synthesis('x', num_per_class=18, candidates=200, classifier=dict(type='any'), truncation=0.9, min_foreground=0.2)
    rows = tool.variants(plan)
    used = {name: (row.truncation, row.classifier is not None, row.uncertainty_rate) for name, row in rows.items()}
    assert used == {
        'no filter': (None, False, 0.0),
        'truncation': (0.9, False, 0.0),
        'uncertainty': (None, False, 0.1),
        'rejection': (None, True, 0.0),
        'truncation, rejection': (0.9, True, 0.0),
        'truncation, rejection, uncertainty': (0.9, True, 0.1),
    }
    assert {row.candidates for name, row in rows.items() if 'rejection' not in name} == {20} and rows['rejection'].candidates == 200
    assert all(row.min_foreground == 0 for row in rows.values())


def test_spread():
    """Against all pairs, one by one."""
    features, classes = np.random.default_rng(0).standard_normal((12, 5)), [0, 1, 2] * 4
    pairs = [[np.sum((features[i] - features[j]) ** 2) for i, j in combinations(range(c, 12, 3), 2)] for c in range(3)]
    assert tool.spread(features, classes) == pytest.approx(np.mean([np.mean(found) for found in pairs]))


def test_table(tmp_path, tiny_labelled_generator, tiny_classifier, monkeypatch, capsys):
    plan = dict(labelled_generator=str(tiny_labelled_generator), candidates=6, classifier=tiny_classifier, rejection_rate=0.5)
    (tmp_path / 'config.py').write_text(f'synthesis = {plan!r}\n')
    real = synthesize(Synthesis(**plan, num_per_class=5, seed=9), tmp_path / 'real', log=lambda line: None)
    command = [tmp_path / 'config.py', tmp_path / 'out', '--reference', real, '--num-per-class', 5, '--features', 'resnet_fashion32']
    monkeypatch.setattr(sys, 'argv', ['filter_table.py', *map(str, command)])
    tool.main()
    measured = json.loads((tmp_path / 'out/filters_resnet_fashion32.json').read_text())
    (row,) = measured['rows']['truncation']
    assert len(measured['rows']) == 6 and row['n'] == 15 and row['FD'] is None  # too few for a Frechet distance
    stored = StoredDataset(tmp_path / 'out/truncation_seed0')
    masks = np.stack([stored.mask(line) > 0 for line in stored.lines])
    rule = np.stack([fashion_foreground(stored.image(line)) for line in stored.lines])
    iou = [(masks & rule).sum() / (masks | rule).sum(), (~masks & ~rule).sum() / (~masks | ~rule).sum()]
    assert row['mIoU'] == pytest.approx(100 * np.mean(iou), abs=1e-3)
    assert f'| {row["KD"]:.2f} | {row["mIoU"]:.2f} |' in capsys.readouterr().out
    (tmp_path / 'config.py').write_text('a = 1\n')
    with pytest.raises(InputError, match='no synthesis=dict'):
        tool.main()
