import json
import os
import runpy
import shutil
import sys

import pytest
from conftest import ROOT, run_tool

from mmbdg.errors import InputError
from mmbdg.storage import StoredDataset

CONFIG = """
synthesis = dict(labelled_generator={folder!r}, num_per_class=4, candidates=8, seed=0)
"""


@pytest.fixture
def config(tmp_path, tiny_labelled_generator):
    path = tmp_path / 'synthesis.py'
    path.write_text(CONFIG.format(folder=str(tiny_labelled_generator)))
    return path


def test_options(config, tmp_path):
    result = run_tool('tools/synthesize.py', config, tmp_path / 'out', '--num-per-class', '3', '--classes', '0,2', '--seed', '7')
    stored = StoredDataset(tmp_path / 'out')
    assert stored.info['counts'] == dict(disc=3, ring=3) and {line['seed'] for line in stored.lines} == {7}
    assert '6 labelled images' in result.stdout and '100%' in result.stdout and 'img/s' in result.stdout
    refused = run_tool('tools/synthesize.py', config, tmp_path / 'out', '--seed', '8', check=False)
    assert refused.returncode == 2 and 'config.seed: 7 in the dataset, 8 now' in refused.stdout and 'Traceback' not in refused.stdout


def test_shards(config, tmp_path):
    run_tool(
        'tools/synthesize.py', config, tmp_path / 'out', '--format', 'shards', '--image', 'jpeg', '--resolution', '8', '--writers', '2'
    )
    stored = StoredDataset(tmp_path / 'out')
    assert len(stored.lines) == 12 and stored.image(stored.lines[0]).shape == (8, 8, 3)
    assert stored.paths(stored.lines[0])[0].endswith('shards/disc/000000.tar!disc/00000000.jpg')


def test_wrong_options(config, tmp_path):
    for options, message in (
        (('--classes', 'a-b'), '--classes must be'),
        (('--classes', '9'), 'no class 9'),
        (('--num-per-class', '0'), 'at least 1'),
    ):
        result = run_tool('tools/synthesize.py', config, tmp_path / 'out', *options, check=False)
        assert result.returncode == 2 and message in result.stdout
    assert not (tmp_path / 'out').exists()


def test_verify(config, tmp_path):
    """tools/verify.py on an intact, a damaged and a repaired dataset, and the synthesis with --verify."""
    out, report = tmp_path / 'out', tmp_path / 'report.json'
    run_tool('tools/synthesize.py', config, out, '--no-sync')
    result = run_tool('tools/verify.py', out, '--json', report, '--processes', '2')
    assert 'is whole: 12 samples in 3 blocks, 24 files' in result.stdout and '3/3' in result.stdout
    assert json.loads(report.read_text())['whole'] and not (out / 'report.json').exists()
    image = next(out.glob('images/ring/*.png'))
    data, state = image.read_bytes(), image.stat()
    name = f'images/ring/{image.name}'

    def damage() -> None:
        image.write_bytes(bytes(len(data)))
        os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))

    damage()
    (out / 'notes.txt').touch()
    result = run_tool('tools/verify.py', out, '--json', out / 'logs' / 'report.json', check=False)
    assert result.returncode == 1 and 'is damaged, 2 errors' in result.stdout and f'{name}: does not match its checksum' in result.stdout
    found = json.loads((out / 'logs' / 'report.json').read_text())
    assert not found['whole'] and found['foreign'] == ['notes.txt'] and found['damaged_blocks'] == [dict(folder='ring', number=0)]
    assert found['problems'][0] == dict(place=name, what='does not match its checksum', block=dict(folder='ring', number=0))
    result = run_tool('tools/verify.py', out, '--repair', '--json', report)
    assert '1 of 3 blocks made again' in result.stdout and image.read_bytes() == data and not (out / 'notes.txt').exists()
    found = json.loads(report.read_text())
    assert not found['whole'] and found['after_repair']['whole']
    damage()
    run_tool('tools/synthesize.py', config, out, '--verify')
    assert image.read_bytes() == data
    damage()
    shutil.rmtree(out / 'logs')
    result = run_tool('tools/verify.py', out, '--repair', check=False)
    assert (
        result.returncode == 2 and 'logs/plan.json does not exist: name the config that made the dataset: --config CONFIG' in result.stdout
    )
    other = ('--cfg-options', 'synthesis.seed=3')
    result = run_tool('tools/verify.py', out, '--repair', '--config', config, *other, check=False)
    assert result.returncode == 2 and 'config.seed: 0 in the dataset, 3 now' in result.stdout and image.read_bytes() != data
    run_tool('tools/verify.py', out, '--repair', '--config', config)
    assert image.read_bytes() == data


@pytest.mark.parametrize(
    'options, message',
    [
        (('--json', 'DATASET/report.json'), 'the folder of the dataset, where no other files are allowed'),
        (('--json', '/nowhere/report.json'), 'there is no folder /nowhere'),
        (('--cfg-options', 'synthesis.seed=1'), '--cfg-options changes a config: give --config'),
        (('--device', 'cuda'), 'give --repair'),
        (('--processes', '0'), '--processes must be at least 1'),
    ],
)
def test_options_of_verify_that_make_no_sense(options, message, tmp_path, monkeypatch):
    """Invalid options raise an error before anything is read."""
    monkeypatch.setattr(sys, 'argv', ['verify.py', str(tmp_path), *(option.replace('DATASET', str(tmp_path)) for option in options)])
    with pytest.raises(InputError, match=message):
        runpy.run_path(str(ROOT / 'tools' / 'verify.py'), run_name='verify')['main']()


def test_no_dataset(tmp_path):
    with pytest.raises(InputError):
        StoredDataset(tmp_path)
