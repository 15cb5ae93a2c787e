"""tools/benchmark.py synthesis on a tiny generator: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median

import pytest
import torch
from conftest import ROOT, plan_of, run_tool
from forked import server

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.synthesis')


def test_ratios(tmp_path, tiny_labelled_generator, tiny_classifier, monkeypatch, capsys):
    plan = dict(labelled_generator=str(tiny_labelled_generator), candidates=8, batch_size=4, classifier=tiny_classifier, rejection_rate=0.5)
    config, out = tmp_path / 'synthesis.py', tmp_path / 'speed.json'
    config.write_text(f'synthesis = {plan!r}\n')
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'synthesis', str(config), '--out', str(out)])
    monkeypatch.setattr(benchmark, 'get_context', lambda name: server())
    threads = torch.get_num_threads()
    tool.main()
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    measured = json.loads(out.read_text())
    assert [(record['first'], record['second']) for record in measured['comparisons']] == [
        ('synthesis', 'bare generator'),
        ('synthesis in the naive order', 'synthesis'),
        ('one process', '2 processes'),
    ]
    for record in measured['comparisons']:
        first, second = (record['seconds'][record[name]] for name in ('first', 'second'))
        assert len(first) == len(second) == 10
        assert record['ratio'] == pytest.approx(median(a / b for a, b in zip(first, second, strict=True)))
    assert measured['block'] == dict(candidates=8, survivors=4, kept=4, batch_size=4)
    seconds = measured['comparisons'][0]['seconds']['synthesis']
    assert measured['images_per_second']['synthesis'] == pytest.approx(4 / median(seconds))
    assert 'times those of' in printed and 'kept labelled images per second' in printed


def test_wrong_settings(tmp_path):
    config = tmp_path / 'none.py'
    config.write_text('a = 1\n')
    result = run_tool('tools/benchmark.py', 'synthesis', config, check=False)
    assert result.returncode == 2 and 'no synthesis=dict' in result.stdout, result.stdout


def test_early_rejection(tmp_path, tiny_labelled_generator, tiny_classifier, tiny_judge):
    early = dict(judge=str(tiny_judge), keep=0.5)
    rejection = dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.75, early=early)
    source = dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator))
    config, out = tmp_path / 'synthesis.py', tmp_path / 'speed.json'
    config.write_text(f'synthesis = {dict(source=source, filters=[rejection], candidates=8, batch_size=4)!r}\n')
    run_tool('tools/benchmark.py', 'synthesis', config, '--compare', 'early', '--out', out)
    measured = json.loads(out.read_text())
    assert [(record['first'], record['second']) for record in measured['comparisons']] == [
        ('synthesis', 'synthesis without early rejection'),
        ('candidates with early rejection', 'candidates without early rejection'),
    ]
    assert measured['block'] == dict(candidates=8, survivors=2, kept=2, batch_size=4)
    assert measured['images_per_second'].keys() == {'synthesis', 'synthesis without early rejection'}
    without = f'synthesis = {dict(source=source, candidates=8)!r}\n'
    config.write_text(without)
    result = run_tool('tools/benchmark.py', 'synthesis', config, '--compare', 'early', check=False)
    assert result.returncode == 2 and 'this synthesis has no early rejection' in result.stdout, result.stdout
    plan = plan_of(str(tiny_labelled_generator))
    for names, processes, message in ((['filters', 'order'], 2, 'no filter of images'), (['processes'], 1, 'set --processes to 2')):
        with pytest.raises(InputError, match=message):
            benchmark.check_compare(names, plan, processes)
    benchmark.check_compare(benchmark.COMPARISONS, plan, 1)  # the default: what is possible
