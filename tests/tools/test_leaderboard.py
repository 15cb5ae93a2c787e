"""tools/leaderboard.py: a new entry from result files, the pages, and what leaves both alone."""

import json
import runpy
import sys

import made_entries
import pytest
from conftest import ROOT, run_tool

ABOUT = ['--domain', 'fashion', '--method', 'a method', '--pretraining', 'random', '--backbone', 'ResNet-18', '--consumed', '0', '0', '50']


def test_entry_and_pages(tmp_path):
    for seed in (0, 1):
        (tmp_path / f'{seed}.json').write_text(json.dumps(made_entries.result('classes', seed, 50.0 + seed)))
    entry, out = tmp_path / 'entries' / 'a.json', tmp_path / 'out'
    command = ['tools/leaderboard.py', tmp_path / '1.json', tmp_path / '0.json', '--new', entry, *ABOUT, '--data', 'biggan-on']
    assert 'classes: 50.50 over 2 seeds' in run_tool(*command).stdout
    made = json.loads(entry.read_text())
    assert made['seeds'] == [0, 1] and made['tasks']['classes']['mIoU'] == [50.0, 51.0] and made['data']['synthetic'] is None
    again = run_tool(*command, check=False)
    assert again.returncode == 2 and 'is there already and is not overwritten' in again.stdout
    assert 'Embedded garments: 1 entries' in run_tool('tools/leaderboard.py', entry.parent, '--out', out, cwd=ROOT).stdout
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert sorted(before) == ['leaderboard.html', 'leaderboard.json', 'leaderboard.md']
    made_entries.written(entry.parent, made_entries.content(seeds=[]))
    refused = run_tool('tools/leaderboard.py', entry.parent, '--out', out, check=False)
    assert refused.returncode == 2 and '0.json is not as it should be: seeds: List should have at least 1 item' in refused.stdout
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before, 'a refused entry changes nothing'


def test_options_that_do_not_go_together(monkeypatch, capsys):
    for options, message in (
        ([], 'give --out for the pages, or --new for a new entry'),
        (['--out', 'o', '--new', 'n.json'], 'give --out for the pages, or --new for a new entry'),
        (['--out', 'o', '--row', 'r'], '--row describes a new entry: give --new'),
        (['--out', 'o', '--submitted-by', 'me'], '--submitted-by describes a new entry: give --new'),
        (['--new', 'n.json', *ABOUT], '--new needs --data'),
        (['--new', 'n.json', *ABOUT, '--data', 'real', '--links', 'https://a.org'], '--links belongs to the pages'),
        (['--new', 'n.json', *ABOUT, '--data', 'rael'], 'invalid choice'),
    ):
        monkeypatch.setattr(sys, 'argv', ['leaderboard.py', 'x.json', *options])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(ROOT / 'tools/leaderboard.py'), run_name='__main__')
        assert end.value.code == 2 and message in capsys.readouterr().err
