"""Checksums of the folders that a step reads: every edit counts, and a result is never kept after one."""

import json
import os
import shutil

import pytest
from tiny_study import TinyStudy

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.studies import forked_tools
from mmbdg.studies.checksums import content_checksum
from mmbdg.studies.recipe import named_inputs


def edit(path):
    """Change a byte of a file. Its size and its modification time remain."""
    state, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)


@pytest.fixture
def images(tmp_path):
    root = tmp_path / 'data' / 'own'
    (root / 'images').mkdir(parents=True)
    for number in range(3):
        (root / 'images' / f'{number}.png').write_bytes(bytes([number] * 9))
    return root


@pytest.fixture
def dataset(images):
    (images / 'logs').mkdir()
    (images / 'logs' / 'throughput.json').write_text('1')
    (images / 'manifest.jsonl').write_text('{"id": 0}\n')
    (images / 'dataset.json').write_text(json.dumps(dict(blake2b='0' * 32)))
    return images


def test_folders(images):
    before = content_checksum(images)
    assert content_checksum(shutil.copytree(images, images.parent / 'copy')) == before
    edit(images / 'images' / '1.png')
    edited = content_checksum(images)
    (images / 'images' / '1.png').rename(images / 'images' / '3.png')
    renamed = content_checksum(images)
    (images / 'images' / '3.png').unlink()
    assert len({before, edited, renamed, content_checksum(images)}) == 4
    assert content_checksum(images / 'images' / '0.png') == sha256(images / 'images' / '0.png')


def test_linked_folders(images, tmp_path):
    shutil.move(images / 'images', tmp_path / 'elsewhere')
    (images / 'images').symlink_to(tmp_path / 'elsewhere')
    before = content_checksum(images)
    edit(tmp_path / 'elsewhere' / '2.png')
    assert content_checksum(images) != before


@pytest.mark.parametrize('above', [False, True])
def test_datasets_count_by_their_manifest(dataset, above):
    """The logs of a dataset do not count. Its images count by the manifest, and by their names and sizes."""
    root = dataset.parent if above else dataset
    before = content_checksum(root)
    edit(dataset / 'logs' / 'throughput.json')
    edit(dataset / 'images' / '1.png')  # a real manifest and dataset.json would change too, or tools/verify.py reports the file
    assert content_checksum(root) == before
    edit(dataset / 'manifest.jsonl')
    edited = content_checksum(root)
    edit(dataset / 'dataset.json')
    again = content_checksum(root)
    (dataset / 'images' / '1.png').write_bytes(b'x')
    assert len({before, edited, again, content_checksum(root)}) == 4


def test_a_manifest_without_checksums_is_not_enough(dataset):
    """Up to version 0.4.0 dataset.json had no checksums."""
    (dataset / 'dataset.json').write_text('{}')
    before = content_checksum(dataset)
    edit(dataset / 'images' / '1.png')
    assert content_checksum(dataset) != before


def test_what_a_config_names(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'work').mkdir()
    (tmp_path / 'w.pth.tar').write_text('x')
    found = named_inputs(
        {
            'data_root': 'data/own',  # a variable that nothing uses
            'pretrained': 'w.pth.tar',
            'work_dir': 'work',
            'here.data_root': '.',
            'above.data_root': '../',
            'missing.data_root': 'data/none',
            'train_dataloader.dataset.data_root': 'data/own',
            'val_dataloader.dataset.data_root': 'data',
            'val_dataloader.dataset.part': 'work',
            'test_dataloader.dataset.data_root': 'data/own/images',
            'test_dataloader.dataset.prepare.seed': 0,
            'model.feature_cache.folder': 'data/own/images',
            'custom_hooks.0.folder': 'work',
        }
    )
    assert {name: path.name for name, path in found.items()} == {'data': 'data', 'data/own': 'own', 'w.pth.tar': 'w.pth.tar'}


@pytest.fixture
def tiny(images, tmp_path, monkeypatch):
    monkeypatch.setattr(forked_tools, 'import_openmmlab', lambda: None)
    tiny = TinyStudy(tmp_path)
    config = tmp_path / 'config.py'
    config.write_text(config.read_text() + f"train_dataloader = dict(dataset=dict(type='X', data_root={str(images)!r}))\n")
    return tiny


def test_a_step_whose_data_were_edited_runs_again(tiny, images):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    assert [note['tool'] for note in tiny.run(**part)[0]] == ['add', 'read']
    assert not tiny.run(**part)[0]
    edit(images / 'images' / '1.png')
    assert [note['tool'] for note in tiny.run(**part)[0]] == ['add']
    assert tiny.lines == [f'add of small, 100, seed 0 runs again: its input has changed: {images}']


def test_a_folder_on_the_command_line(tiny, images):
    part = dict(rows=['small'], columns=['100'], seeds=[0])
    (images / 'images' / '0.png').write_text('7')
    tiny.content['rows'][0]['steps'][1]['arguments'][0] = str(images / 'images' / '0.png')
    assert tiny.run(**part)[1].results.values('small', '100', 'score') == {0: 7.0}
    (images / 'images' / '0.png').write_text('8')
    assert tiny.run(**part)[1].results.values('small', '100', 'score') == {0: 8.0}


def test_data_around_the_study(tiny, images):
    """A study inside a folder that it reads would change its own inputs."""
    tiny.out = images / 'out'
    with pytest.raises(InputError, match=r'add\.py reads the folder .*own, which contains .*out, where the study writes: choose'):
        tiny.run(rows=['small'], columns=['100'], seeds=[0])
