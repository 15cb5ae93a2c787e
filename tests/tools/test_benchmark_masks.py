"""tools/benchmark.py masks: how its figures are computed, not their size."""

import json

from conftest import run_tool


def test_figures(tmp_path):
    out = tmp_path / 'masks.json'
    result = run_tool('tools/benchmark.py', 'masks', '--sizes', 200, '--processes', 1, '--out', out)
    measured = json.loads(out.read_text())
    assert [row['masks'] for row in measured['rows']] == [200]
    for row in measured['rows']:
        assert set(row['seconds']) == {'columns', 'summary with SD', 'mean shapes'}
        assert row['total']['wall'] == sum(part['wall'] for part in row['seconds'].values()) > 0
        assert row['memory_mib']['peak'] >= row['memory_mib']['before'] > 0
        assert 1 <= row['means']['IN'] < 10 and 0.1 < row['means']['MI'] < 0.9 and row['means']['SD'] > 0  # blobs, not noise
    assert 'MiB beyond the start' in result.stdout and '| 200 ' in result.stdout
