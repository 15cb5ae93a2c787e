"""tools/plan_round.py and tools/synthesize.py --plan, in this process."""

import json
import math
import runpy
import sys

import pytest
from conftest import ROOT

from mmbdg.storage import StoredDataset

RESULT = dict(config='a.py', checkpoint_sha256='0' * 64, test_set=None, metrics={}, per_class=None)
RESULT |= dict(per_label=dict(background=99.0, disc=80.0, square=40.0, ring=60.0))


@pytest.fixture
def tool(monkeypatch, capsys):
    """Function that runs a tool in this process; it returns the exit code and the output."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        try:
            runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')
        except SystemExit as end:
            return end.code, ''.join(capsys.readouterr())
        return 0, capsys.readouterr().out

    return run


def test_a_round(tool, tmp_path, tiny_labelled_generator):
    config, result, plan = tmp_path / 'config.py', tmp_path / 'test.json', tmp_path / 'plans/1.json'
    keys = f'labelled_generator={str(tiny_labelled_generator)!r}, num_per_class=2, candidates=4, classes=[0, 1, 2]'
    config.write_text(f'synthesis = dict({keys})')
    plain = tmp_path / 'plain.json'
    result.write_text(json.dumps(RESULT)), plain.write_text(json.dumps(RESULT))
    assert tool('synthesize.py', config, tmp_path / 'round_0', '--no-sync')[0] == 0
    code, text = tool('plan_round.py', result, plan, '--total', 12, '--minimum', 1, '--after', tmp_path / 'round_0')
    assert code == 0 and '| square | 40.0 | 4 | 6 |' in text and 'round 1, 12 samples' in text
    assert str(tmp_path) not in plan.read_text()  # no path of this machine
    entropies = {name: dict(images=1, entropy=value) for name, value in dict(disc=0.0, square=math.log(2), ring=math.log(2)).items()}
    result.write_text(json.dumps(RESULT | dict(entropy=dict(labels=4, per_class=entropies))))
    code, text = tool('plan_round.py', result, tmp_path / 'e.json', '--total', 12, '--by', 'entropy', '--after', tmp_path / 'round_0')
    assert code == 0 and '| class | certainty (%)' in text and '| disc | 100.0 | 4 | 0 |' in text and '| square | 50.0 | 4 | 6 |' in text
    code, text = tool('synthesize.py', config, tmp_path / 'round_1', '--plan', plan, '--no-sync')
    info = StoredDataset(tmp_path / 'round_1').info
    assert code == 0 and info['counts'] == dict(disc=2, square=6, ring=4) and info['config']['first'] == dict(disc=4, square=4, ring=4)
    for arguments, message in (
        (('plan_round.py', result, plan, '--total', 2, '--minimum', 1), 'a total of 2 is too small for 3 classes'),
        (('plan_round.py', plain, plan, '--total', 2, '--by', 'entropy'), 'run tools/test.py with --entropy'),
        (('plan_round.py', result, plan, '--total', 0), '--total must be at least 1'),
        (('plan_round.py', result, plan, '--total', 9, '--missing', 'none'), '--missing must be a number'),
        (('plan_round.py', plan, plan, '--total', 9), 'per_label: Field required'),
        (('synthesize.py', config, tmp_path / 'x', '--plan', plan, '--num-per-class', 3), '--num-per-class is given by --plan'),
        (('synthesize.py', config, tmp_path / 'x', '--plan', plan, '--seed', 0), '--seed is given by --plan'),
        (('synthesize.py', config, tmp_path / 'x', '--plan', result), 'is not as it should be'),
        (('synthesize.py', config, tmp_path / 'x', '--plan', plan, '--cfg-options', 'synthesis.candidates=3'), 'multiple of'),
    ):
        code, text = tool(*arguments)
        assert code == 2 and message in text, (arguments, text)
    assert not (tmp_path / 'x').exists()
