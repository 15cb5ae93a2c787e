"""tools/figures.py: a figure with its numbers beside it, and what it does not overwrite."""

import json
import runpy
import sys

import made_entries
import pytest
from conftest import ROOT


@pytest.fixture
def figures(monkeypatch, capsys):
    """Function that runs the tool in this process; it returns the exit code and the output."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['figures.py', *map(str, arguments)])
        try:
            runpy.run_path(str(ROOT / 'tools/figures.py'), run_name='__main__')
        except SystemExit as end:
            return end.code, capsys.readouterr().err
        return 0, capsys.readouterr().out

    return run


def test_a_figure_and_its_numbers(figures, tmp_path):
    classes = dict(bag=dict(images=1, mIoU=10.0), coat=dict(images=1, mIoU=30.0))
    result = tmp_path / 'test.json'
    result.write_text(json.dumps(made_entries.result() | dict(per_label={}, per_class=classes)))
    before = result.read_bytes()
    for _ in range(2):  # its own file is written again
        assert figures('classes', result, '--out', tmp_path / 'a.png') == (
            0,
            f'{tmp_path / "a.png"} and {tmp_path / "a.json"}: 2 classes, the best coat, the worst bag\n',
        )
    numbers = json.loads((tmp_path / 'a.json').read_text())
    assert numbers['figure'] == 'classes' and numbers['confidence'] == 0.95 and [one['mean'] for one in numbers['classes']] == [30.0, 10.0]
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')
    for arguments, message in (
        (('classes', result, '--out', tmp_path / 'test.png'), 'test.json is there already and is no file of this tool'),
        (('classes', result, '--out', tmp_path / 'a.pdf'), '--out must end with .png'),
        (('size', result, '--out', tmp_path / 'b.png'), 'does not say its training set or backbone'),
        (('convergence', result, '--out', tmp_path / 'b.png'), 'invalid choice'),
    ):
        code, output = figures(*arguments)
        assert code == 2 and message in output
    assert result.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ['a.json', 'a.png', 'test.json']
