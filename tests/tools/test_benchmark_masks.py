"""tools/benchmark.py masks: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module

import torch
from conftest import ROOT
from forked import call_forked

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.masks')


def test_figures(tmp_path, monkeypatch, capsys):
    out, threads = tmp_path / 'masks.json', torch.get_num_threads()
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'masks', '--sizes', '200', '--processes', '1', '--out', str(out)])
    monkeypatch.setattr(benchmark, 'in_fresh_process', call_forked)
    tool.main()
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    measured = json.loads(out.read_text())
    assert [row['masks'] for row in measured['rows']] == [200]
    for row in measured['rows']:
        assert set(row['seconds']) == {'columns', 'summary with SD', 'mean shapes'}
        assert row['total']['wall'] == sum(part['wall'] for part in row['seconds'].values()) > 0
        assert row['memory_mib']['peak'] >= row['memory_mib']['before'] > 0
        assert 1 <= row['means']['IN'] < 10 and 0.1 < row['means']['MI'] < 0.9 and row['means']['SD'] > 0  # blobs, not noise
    assert 'MiB beyond the start' in printed and '| 200 ' in printed
