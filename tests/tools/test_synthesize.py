import pytest
from conftest import run_tool

from mmbdg.errors import InputError
from mmbdg.synthesis import StoredDataset

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
    assert refused.returncode == 2 and 'config.seed: 7 there, 8 here' in refused.stdout and 'Traceback' not in refused.stdout


def test_shards(config, tmp_path):
    run_tool(
        'tools/synthesize.py', config, tmp_path / 'out', '--format', 'shards', '--image', 'jpeg', '--resolution', '8', '--writers', '2'
    )
    stored = StoredDataset(tmp_path / 'out')
    assert len(stored.lines) == 12 and stored.image(stored.lines[0]).shape == (8, 8, 3)
    assert stored.paths(stored.lines[0])[0].endswith('shards/disc/000000.tar!disc/00000000.jpg')


def test_wrong_options(config, tmp_path):
    for options, message in (
        (('--classes', 'a-b'), '--classes takes'),
        (('--classes', '9'), 'no class 9'),
        (('--num-per-class', '0'), 'at least 1'),
    ):
        result = run_tool('tools/synthesize.py', config, tmp_path / 'out', *options, check=False)
        assert result.returncode == 2 and message in result.stdout
    assert not (tmp_path / 'out').exists()


def test_no_dataset(tmp_path):
    with pytest.raises(InputError):
        StoredDataset(tmp_path)
