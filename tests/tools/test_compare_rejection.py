"""tools/compare_rejection.py on a tiny generator: how its figures are computed."""

import json
import sys
from importlib import import_module

import numpy as np
import pytest
from conftest import ROOT, plan_of

from mmbdg.errors import InputError
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize

sys.path.append(str(ROOT / 'tools'))
tool = import_module('compare_rejection')


def test_figures(tmp_path, tiny_labelled_generator, tiny_classifier, tiny_judge, monkeypatch, capsys):
    """The agreement and the confidences are those of two datasets, one with each kind of rejection."""
    early = dict(judge=str(tiny_judge), keep=0.5)
    rejection = dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.75, early=early)
    source = dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator))
    plan = plan_of(source=source, filters=[rejection], candidates=12, num_per_class=6, classes=[0, 2], seed=4)
    (tmp_path / 'config.py').write_text(f'synthesis = {plan.plain()!r}')
    real = synthesize(plan.changed(seed=9, filters=[]), tmp_path / 'real', log=lambda line: None)
    command = [tmp_path / 'config.py', tmp_path / 'figures.json', '--reference', real, '--features', 'resnet_fashion32', '--seeds', 4]
    monkeypatch.setattr(sys, 'argv', ['compare_rejection.py', *map(str, command)])
    tool.main()
    (found,) = json.loads((tmp_path / 'figures.json').read_text())['rows']
    lines = {}
    for name, one in tool.both_plans(plan).items():
        lines[name] = StoredDataset(synthesize(one, tmp_path / name, log=lambda line: None)).lines
    kept = {name: {(line['class'], line['id']) for line in of} for name, of in lines.items()}
    assert found['kept'] == len(kept['full']) == len(kept['early']) == 12  # 2 blocks of 12, 3 of them kept, 2 classes
    assert found['agreement'] == pytest.approx(100 * len(kept['full'] & kept['early']) / 12)
    for name, of in lines.items():
        assert found['confidence'][name] == pytest.approx(np.mean([line['classifier_score'] for line in of]), abs=1e-5)
    assert found['confidence']['full'] >= found['confidence']['early'] > 0
    for key in ('judging', 'with_labels'):
        assert found[key]['ratio'] == pytest.approx(found[key]['early'] / found[key]['full'])
    assert found['with_labels']['early'] > found['judging']['early'] > 0
    assert found['stage_seconds']['early'].keys() == {'coarse', 'generate', 'classify'} and "'agreement'" in capsys.readouterr().out


def test_full_rejection_only(tiny_labelled_generator, tiny_classifier):
    with pytest.raises(InputError, match='needs a RejectionSampling with early rejection'):
        tool.both_plans(plan_of(str(tiny_labelled_generator), classifier=tiny_classifier))
