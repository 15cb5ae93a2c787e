import os
import pickle

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import nn

from mmbdg.compat.checkpoint import difference, load_strict, read_checkpoint, read_state_dict, refuse_pickle
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors


class Hostile:
    """Creates a file when it is unpickled."""

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


def test_our_tools_replace_mmengines_fallback(hostile, monkeypatch):
    path, marker = hostile
    for name in ('_safe_torch_load', 'load_url'):
        monkeypatch.setattr(mmengine_checkpoint, name, getattr(mmengine_checkpoint, name))
    refuse_pickle()
    with pytest.raises(pickle.UnpicklingError), path.open('rb') as file:  # a server on this machine stands in for one on the net
        # Stands in for torch's own function with its unsafe default: our call must set weights_only=True.
        monkeypatch.setattr(
            torch.hub, 'load_state_dict_from_url', lambda url, weights_only=False: torch.load(file, weights_only=weights_only)
        )
        mmengine_checkpoint.load_url('https://example.org/hostile.pth')
    with pytest.raises(InputError, match='could run code'), path.open('rb') as file:
        mmengine_checkpoint._safe_torch_load(file)
    with pytest.raises(InputError, match='could run code'):
        CheckpointLoader.load_checkpoint(str(path))
    assert not marker.exists()
    with pytest.raises((ValueError, pickle.UnpicklingError)):
        mmengine_checkpoint._safe_torch_load(path, weights_only=False)  # a caller who asks for the unsafe way is refused too
    assert not marker.exists()


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
    class Net(BaseModule):
        def __init__(self, init_cfg=None):
            super().__init__(init_cfg)
            self.conv = nn.Conv2d(1, 2, 3)

    source = Net()
    write_safetensors(tmp_path / 'w.safetensors', {f'backbone.{k}': v for k, v in source.state_dict().items()})
    loaded = Net(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'w.safetensors'), prefix='backbone.'))
    loaded.init_weights()
    assert torch.equal(loaded.conv.weight, source.conv.weight)


def test_assets_have_a_scheme():
    state = CheckpointLoader.load_checkpoint('mmbdg://fashion32/classifier.safetensors')
    assert 'head.fc.weight' in state
