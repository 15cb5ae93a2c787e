import io
import os
import zipfile
from argparse import Namespace
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hostile_files import Named, write_checkpoint_that_runs_code
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import nn

from mmbdg.compat.checkpoint import difference, load_strict, read_checkpoint, read_state_dict
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors


class Hostile:
    """An object that creates a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.system, (f'touch {self.marker}',)


@pytest.fixture
def hostile(tmp_path):
    path, marker = tmp_path / 'hostile.pth', tmp_path / 'executed'
    torch.save(dict(state_dict=dict(weight=torch.ones(1)), extra=Hostile(marker)), path)
    return path, marker


def test_pickle_that_runs_code_is_refused(hostile):
    path, marker = hostile
    with pytest.raises(InputError, match='could run code'):
        read_checkpoint(path)
    assert not marker.exists()


def test_import_replaces_mmengines_readers(hostile):
    """``import mmbdg`` makes mmengine's readers safe, also in a project without tools of this package."""
    path, marker = hostile
    readers = [
        lambda: CheckpointLoader.load_checkpoint(str(path)),
        lambda: mmengine_checkpoint._safe_torch_load(path, weights_only=False),  # weights_only=False raises an error too
        lambda: mmengine_checkpoint._safe_torch_load(io.BytesIO(path.read_bytes())),
        lambda: mmengine_checkpoint.load_url(path.as_uri(), model_dir=str(path.parent / 'downloads')),
        lambda: Net(init_cfg=dict(type='Pretrained', checkpoint=str(path))).init_weights(),
    ]
    for read in readers:
        with pytest.raises(InputError, match='could run code') as refused:
            read()
        assert 'weights_only' not in str(refused.value) and 'posix.system' in str(refused.value)
    assert not marker.exists()


class Net(BaseModule):
    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(1, 2, 3)


@pytest.mark.parametrize('attack', ['getattr', 'statistics', 'objects', 'shape'])
def test_what_mmengines_checkpoints_hold_lets_nothing_else_in(tmp_path, attack):
    """Types that mmengine's checkpoints need do not let other objects in.

    mmengine's list of safe globals contains getattr, by which a file can call anything. Arrays may contain objects or have a wrong
    size.
    """
    path, marker = tmp_path / 'hostile.pth', tmp_path / 'executed'
    if attack == 'getattr':
        write_checkpoint_that_runs_code(path, marker)
    else:
        content = dict(
            statistics=Named(getattr, HistoryBuffer, '__init__'),
            objects=np.array([dict(a=1)], dtype=object),
            shape=Named(np._core.multiarray.scalar, np.dtype('f8'), b'too short'),
        )
        torch.save(content[attack], path)
    with pytest.raises(InputError, match='more than tensors and plain values'):
        read_checkpoint(path)
    assert not marker.exists()


def test_plain_values_come_back(tmp_path):
    """Values in mmengine's checkpoints are read unchanged: histories, numpy arrays and numbers, optimiser states."""
    history = HistoryBuffer([1.0, 2.0, 6.0], [1, 1, 1])
    state = OrderedDict(weight=torch.arange(3.0))
    state._metadata = {'': dict(version=1)}
    shared = np.arange(6.0).reshape(2, 3)
    content = dict(
        state_dict=state, history=dict(loss=history), number=np.float32(0.5), same=[shared, (shared, None)],
        fortran=np.asfortranarray(shared), big_endian=np.arange(3, dtype='>i4'), empty=np.zeros((0, 2), np.uint8),
    )  # fmt: skip
    torch.save(content, tmp_path / 'c.pth')
    found = read_checkpoint(tmp_path / 'c.pth')
    assert type(found['history']['loss']) is HistoryBuffer
    found['history']['loss'].update(7.0)  # a resumed training continues it
    assert found['history']['loss'].statistics('mean') == 4.0 and found['history']['loss'].data[0].tolist() == [1, 2, 6, 7]
    assert found['number'] == np.float32(0.5) and type(found['number']) is np.float32
    assert found['same'][0] is found['same'][1][0] and found['same'][0].flags.writeable
    for key in ('fortran', 'big_endian', 'empty'):
        np.testing.assert_array_equal(found[key], content[key])
        assert found[key].dtype == content[key].dtype.newbyteorder('=')
    assert found['state_dict']._metadata == state._metadata


def test_arguments_of_a_command(tmp_path):
    """Many trainings store their ``argparse.Namespace``: it is read as a dict, and it lets no other object in."""
    arguments = Namespace(lr=0.1, inner=Namespace(values=[np.float32(2), None]))
    arguments.itself = arguments
    torch.save(dict(opt=arguments, model=dict(weight=torch.ones(2))), tmp_path / 'c.pth')
    found = read_checkpoint(tmp_path / 'c.pth')
    assert found['opt']['lr'] == 0.1 and found['opt']['inner'] == dict(values=[2.0, None]) and found['opt']['itself'] is found['opt']
    assert read_state_dict(tmp_path / 'c.pth').keys() == {'weight'}
    torch.save(dict(opt=Namespace(), model=dict(weight=torch.ones(2))), tmp_path / 'none.pth')
    assert read_checkpoint(tmp_path / 'none.pth')['opt'] == {}
    torch.save(Namespace(call=os.getcwd), tmp_path / 'hostile.pth')
    with pytest.raises(InputError, match='posix.getcwd'):
        read_checkpoint(tmp_path / 'hostile.pth')


def test_globals_that_somebody_has_allowed_stay_out(tmp_path):
    torch.save(Named(os.getcwd), tmp_path / 'c.pth')
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals([os.getcwd])
    try:
        with pytest.raises(InputError, match='posix.getcwd'):
            read_checkpoint(tmp_path / 'c.pth')
        assert set(torch.serialization.get_safe_globals()) == {*before, os.getcwd}
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def test_declared_sizes(tmp_path):
    torch.save(dict(a=torch.zeros(1).expand(10**9)), tmp_path / 'expanded.pth')
    with pytest.raises(InputError, match='takes 4,000,000,000 bytes, the file holds 4'):
        read_checkpoint(tmp_path / 'expanded.pth')
    torch.save(dict(a=torch.zeros(10**6)), tmp_path / 'plain.pth')
    with zipfile.ZipFile(tmp_path / 'plain.pth') as plain, zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as bomb:
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry))
    with pytest.raises(InputError, match='compressed archive'):
        read_checkpoint(tmp_path / 'bomb.pth')


@pytest.mark.parametrize(
    ('content', 'what'),
    [
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n', 'Git LFS'),
        (b'<!DOCTYPE html>\n<html><head><title>Sign in</title>', 'a web page'),
        (b'\n  <HTML>', 'a web page'),
        (b'\x1f\x8b\x08\x00', 'gzip'),
        (b'', 'empty'),
    ],
)
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_other_files_are_named(tmp_path, content, what, suffix):
    path = tmp_path / f'weights{suffix}'
    path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_checkpoint(path)


@pytest.mark.parametrize('key', ['state_dict', 'model', 'model_state_dict', 'teacher', None])
def test_wrapped_and_compiled_names(tmp_path, key):
    """Weights are found in {'model': ...} as in DETR and MAE, and under the names that torch.compile adds."""
    state = {'_orig_mod.backbone.a': torch.ones(1), 'backbone._orig_mod.b': torch.ones(1)}
    torch.save({key: state, 'epoch': 3} if key else state, tmp_path / 'c.pth')
    assert sorted(read_state_dict(tmp_path / 'c.pth', 'backbone.')) == ['a', 'b']


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_no_numbers_are_refused(value):
    module, state = nn.Linear(2, 1), dict(weight=torch.zeros(1, 2), bias=torch.full((1,), value))
    with pytest.raises(InputError, match=r'x.pth: 1 of 2 tensors hold NaN or infinity \(bias\)'):
        load_strict(module, state, 'x.pth')


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_cut_off_file(tmp_path, suffix):
    path = tmp_path / f'weights{suffix}'
    state = dict(weight=torch.randn(100, 100))
    write_safetensors(path, state) if suffix == '.safetensors' else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match='cut off'):
        read_checkpoint(path)


@pytest.mark.parametrize('content', [b'', b'%PDF-1.4 this is no checkpoint' * 10, b'some text', b'a,b\n1,2\n', b'PK\x03\x04' + bytes(100)])
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_foreign_file(tmp_path, suffix, content):
    path = tmp_path / f'weights{suffix}'
    path.write_bytes(content)
    with pytest.raises(InputError, match='was not loaded'):
        read_checkpoint(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match='there is no checkpoint at'):
        read_checkpoint(tmp_path / 'no.pth')


def test_prefix(tmp_path):
    torch.save(dict(state_dict={'backbone.a': torch.ones(1), 'neck.b': torch.ones(1)}), tmp_path / 'c.pth')
    assert list(read_state_dict(tmp_path / 'c.pth', 'backbone.')) == ['a']
    with pytest.raises(InputError, match=r"no tensors under \"head\.\".*\['backbone', 'neck'\]"):
        read_state_dict(tmp_path / 'c.pth', 'head.')


def test_strict_loading_lists_every_kind_and_changes_nothing():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = {'0.weight': torch.zeros(5, 5), '0.bias': torch.zeros(3), '1.weight': torch.zeros(1, 3), 'extra': torch.zeros(1)}
    problem = difference(module, state)
    assert '1 missing from the file: 1.bias' in problem
    assert '1 not known to the model: extra' in problem
    assert '0.weight: (5, 5) in the file, (3, 2) in the model' in problem
    with pytest.raises(InputError, match='another architecture'):
        load_strict(module, state, 'x.pth')
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_safetensors_load_through_init_cfg(tmp_path):
    source = Net()
    write_safetensors(tmp_path / 'w.safetensors', {f'backbone.{k}': v for k, v in source.state_dict().items()})
    loaded = Net(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'w.safetensors'), prefix='backbone.'))
    loaded.init_weights()
    assert torch.equal(loaded.conv.weight, source.conv.weight)


def test_assets_have_a_scheme():
    state = CheckpointLoader.load_checkpoint('mmbdg://fashion32/classifier.safetensors')
    assert 'head.fc.weight' in state
