"""tools/benchmark.py paste: what is compared, not how long it takes."""

import json
import sys
from importlib import import_module

import pytest
from conftest import ROOT

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.paste')
CONFIG = str(ROOT / 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes_paste.py')


def measure(monkeypatch, *command):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'paste', *map(str, command)])
    tool.main()


def test_a_ratio(tmp_path, monkeypatch, capsys):
    seen, pipeline_of = [], benchmark.pipeline_of

    def noted(dataset):
        seen.append(dataset)
        return pipeline_of(dataset)

    monkeypatch.setattr(benchmark, 'pipeline_of', noted)
    out = tmp_path / 'paste.json'
    options = ('--cfg-options', 'real_photos=2', 'num_scenes=3', 'pretrained=None')
    measure(monkeypatch, CONFIG, '--samples', 1, '--out', out, *options)
    result = json.loads(out.read_text())
    (record,) = result['comparisons']
    assert record['compare'] == 'paste' and len(record['seconds']['pasted']) == len(record['seconds']['plain']) == 10
    assert 'loading 1 samples: with pasted objects to without' in capsys.readouterr().out
    pasted, plain = seen[0], seen[-1]
    names = [[type(step).__name__ for step in pipeline_of(dataset)] for dataset in (pasted, plain)]
    assert names[0] == ['LoadAnnotations', 'PasteObjects', 'RandomFlip', 'PackDetInputs'] and names[1] == [names[0][0], *names[0][2:]]


def test_a_config_without_pasting(monkeypatch):
    with pytest.raises(InputError, match=r'has no mmbdg\.PasteObjects'):
        measure(monkeypatch, ROOT / 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py', '--cfg-options', 'pretrained=None')
