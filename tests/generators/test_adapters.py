"""The adapter of each source reads a file that was written from a known network, and gives the same images."""

import copy
import io
import json
import pickle
import shutil
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import published_files
import pytest
import torch
from conftest import TINY_BIGGAN_DEEP, TINY_GENERATOR, TINY_VQGAN, run_tool
from safetensors import safe_open
from torch.nn.utils import parametrizations, parametrize

from mmbdg.compat.lightning import read_lightning
from mmbdg.errors import InputError
from mmbdg.generators import BigGAN, BigGANDeep, ClassConditionalGenerator
from mmbdg.generators.adapters import ADAPTERS, adapter_of
from mmbdg.registry import MODELS

ROWS = 5  # rows of the table of statistics per truncation


@torch.no_grad()
def known(config: dict) -> ClassConditionalGenerator:
    """A generator with random weights, converged singular vectors and random batch statistics."""
    generator = MODELS.build(config)
    generator.init_weights()
    for name, value in generator.state_dict().items():
        if name.endswith(('running_mean', 'running_means', 'truncation_means')):
            value.copy_(torch.randn_like(value) * 0.3)
        elif name.endswith(('running_var', 'running_vars', 'truncation_vars')):
            value.copy_(torch.rand_like(value) + 0.5)
        elif name.endswith('gamma') or (value.ndim == 1 and name.endswith(('.weight', '.bias'))):
            value.copy_(torch.randn_like(value))
        elif name.endswith('.original'):  # the singular values of orthogonal weights are all equal
            value.add_(torch.randn_like(value), alpha=0.3)
    for module in generator.modules():
        if parametrize.is_parametrized(module, 'weight'):
            (norm,) = module.parametrizations.weight
            u, _, v = torch.linalg.svd(module.parametrizations.weight.original.flatten(1), full_matrices=False)
            norm._u.copy_(u[:, 0])
            norm._v.copy_(v[0])
    return generator.eval()


BIGGAN = {**TINY_GENERATOR, 'output_eps': 1e-4, 'truncation_rows': ROWS}


class FakeLightning:
    """Context in which the class of an object in a Lightning checkpoint exists; it is missing when the file is read."""

    def __enter__(self) -> type:
        module = types.ModuleType('pytorch_lightning')
        members = {'__module__': 'pytorch_lightning', '__hash__': object.__hash__}
        module.ModelCheckpoint = type('ModelCheckpoint', (dict,), members)
        sys.modules['pytorch_lightning'] = module
        return module.ModelCheckpoint

    def __exit__(self, *error: object) -> None:
        del sys.modules['pytorch_lightning']


@pytest.fixture(scope='module')
def once(tmp_path_factory) -> Callable[[str], tuple[Path, ClassConditionalGenerator]]:
    """A file of a source, and the network from which it was written, made at the first call."""

    @cache
    def written(source: str) -> tuple[Path, ClassConditionalGenerator]:
        torch.manual_seed(0)
        return write_new(source, tmp_path_factory.mktemp(source))

    return written


@pytest.fixture
def write(once, tmp_path) -> Callable[[str], tuple[Path, ClassConditionalGenerator]]:
    """Copies of a file of a source and of the network from which it was written."""

    def copies(source: str) -> tuple[Path, ClassConditionalGenerator]:
        path, generator = once(source)
        return Path(shutil.copy(path, tmp_path)), copy.deepcopy(generator)

    return copies


def write_new(source: str, folder: Path) -> tuple[Path, ClassConditionalGenerator]:
    path = folder / ('published.npz' if source == 'tfhub' else 'published.pth')
    if source == 'tfhub':
        generator = known(BIGGAN)
        np.savez(path, **published_files.tfhub(generator, tables=True))
    elif source == 'ajbrock':
        generator = known({**TINY_GENERATOR, 'output_eps': 1e-5})
        torch.save(published_files.ajbrock(generator), path)
    elif source == 'ivclab':
        generator = known(BIGGAN)
        torch.save(published_files.ivclab(generator, running=True), path)
    elif source == 'hf-deep':
        generator = known({**TINY_BIGGAN_DEEP, 'truncation_rows': ROWS})
        names = {
            '.parametrizations.weight.original': '.weight_orig',
            '.parametrizations.weight.0._u': '.weight_u',
            '.parametrizations.weight.0._v': '.weight_v',
        }
        state = generator.state_dict()
        for ours, theirs in names.items():
            state = {key.replace(ours, theirs): value for key, value in state.items()}
        torch.save(state, path)
    elif source == 'mmagic-deep':
        generator = known({**TINY_BIGGAN_DEEP, 'truncation_rows': 1, 'rgb_outputs': 3})
        torch.save(dict(state_dict=published_files.mmagic_deep(generator), meta=dict(epoch=1)), path)
    elif source == 'taming':
        generator = known(TINY_VQGAN)
        state = generator.state_dict()
        state |= {f'transformer.blocks.{i}.attn.mask': torch.tril(torch.ones(1, 1, 64, 64)) for i in range(4)}
        state['first_stage_model.loss.perceptual_loss.lin0.weight'] = torch.ones(2)
        state |= {'loss.logvar': torch.ones(()), 'cond_stage_model.offset': torch.ones(1)}
        with FakeLightning() as foreign:
            callback = foreign(best=1.0)
            callback.monitor = 'val/loss'
            checkpoint = {'epoch': 3, 'state_dict': state, 'callbacks': {foreign: callback}, foreign(): callback}
            torch.save(checkpoint, path)
    else:
        generator = known(dict(type='mmbdg.DCGAN', resolution=16, latent_dim=8, base_channels=4))
        torch.save(dict(netG_state_dict=generator.state_dict()), path)
    return path, generator


def inputs(generator: ClassConditionalGenerator) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    draw = torch.randn if generator.latent_distribution == 'normal' else torch.rand
    return draw(4, generator.latent_dim), torch.arange(4) % generator.num_classes


TELL = {'taming': dict(num_classes=3, n_head=2, tap_every=2)}  # values that cannot be read from the weights


@torch.no_grad()
@pytest.mark.parametrize('source', ADAPTERS)
def test_the_same_pictures_come_back(write, source, tmp_path):
    path, generator = write(source)
    options = [f'{key}={value}' for key, value in TELL.get(source, {}).items()]
    result = run_tool(
        'tools/convert_generator.py', path, tmp_path / 'out.safetensors', '--from', source, *(['--options', *options] if options else [])
    )
    assert "init_cfg'" in result.stdout
    with safe_open(tmp_path / 'out.safetensors', 'pt') as file:
        metadata = file.metadata()
    config = json.loads(metadata['generator'])
    assert metadata['source'] == source and len(metadata['source_sha256']) == 64

    expected, expected_features = generator.forward_features(*inputs(generator))
    # the converted file, and the source's own file by init_cfg
    for init_cfg in (
        dict(type='Pretrained', checkpoint=str(tmp_path / 'out.safetensors')),
        dict(type='mmbdg.PublishedWeights', checkpoint=str(path), source=source),
        dict(type='Pretrained', checkpoint=str(path), source=source),  # the spelling of version 0.5 and older
    ):
        twin = MODELS.build({**config, 'init_cfg': init_cfg})
        twin.init_weights()
        assert twin.feature_info == generator.feature_info
        image, features = twin.eval().forward_features(*inputs(generator))
        torch.testing.assert_close(image, expected, atol=5e-5, rtol=0)
        for feature, other in zip(features, expected_features, strict=True):
            torch.testing.assert_close(feature, other, atol=1e-4, rtol=1e-4)
    if getattr(generator, 'truncation_rows', 0) > 1:
        for truncation in (0.4, 0.9, 1.0):
            for g in (twin, generator):
                g.use_statistics(truncation)
            torch.testing.assert_close(twin(*inputs(generator)), generator(*inputs(generator)), atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize('source', ADAPTERS)
def test_there_and_back(write, source):
    """Converting a file and restoring it gives every tensor that is not ignored, bit by bit."""
    path, generator = write(source)
    adapter = adapter_of(source)
    raw = adapter.read(path)
    state = adapter.convert(raw, generator)
    assert state.keys() == generator.state_dict().keys()
    generator.load_state_dict(state)
    restored = adapter.restore(generator)
    carried = {key for key in raw if not adapter.ignored(key)}
    assert restored.keys() == carried
    for key in carried:
        same = restored[key].reshape(raw[key].shape)
        if key.endswith('u0'):  # differs by one power iteration
            torch.testing.assert_close(same, raw[key], atol=1e-4, rtol=0)
        else:
            assert torch.equal(same, raw[key].to(same.dtype)), key


def test_sigma_of_the_source_by_hand():
    """Weights are divided by the sigma that the source computes: one iteration from the stored u.

    ajbrock divides by (v W^T u'^T), where v = u W and u' = v W^T are normalised.
    """
    generator = known(TINY_GENERATOR)
    raw = published_files.ajbrock(generator)
    u = raw['linear.u0'] = torch.randn(1, raw['linear.u0'].shape[1])  # far from converged
    state = adapter_of('ajbrock').convert(raw, generator)
    weight = raw['linear.weight'].double().numpy()
    v = u.double().numpy() @ weight
    v /= np.linalg.norm(v)
    u2 = v @ weight.T
    sigma = np.linalg.norm(u2)
    generator.load_state_dict(state)
    np.testing.assert_allclose(generator.eval().linear.weight.detach().numpy(), weight / sigma, rtol=1e-4, atol=1e-6)
    assert abs(np.linalg.svd(weight)[1][0] / sigma - 1) > 1e-3  # differs from the converged value


def test_own_training_of_ajbrock_has_another_eps():
    generator = known({**TINY_GENERATOR, 'eps': 1e-5})
    adapter = adapter_of('ajbrock')
    raw = published_files.ajbrock(generator, trained=True)
    assert adapter.config(raw)['eps'] == adapter.config(raw)['output_eps'] == 1e-5
    adapter.convert(raw, generator)  # the logged values are ignored
    assert adapter.config(published_files.ajbrock(generator))['eps'] == 1e-4


@pytest.mark.parametrize('source', ['ajbrock', 'hf-deep', 'taming', 'dcgan', 'ivclab'])
def test_names_below_a_wrapper(write, source, tmp_path):
    """The prefix ``module.`` of DataParallel is removed."""
    path, generator = write(source)
    adapter = adapter_of(source)
    raw = adapter.read(path)
    torch.save({f'module.{key}': value for key, value in raw.items()}, tmp_path / 'wrapped.pth')
    wrapped = adapter.read(tmp_path / 'wrapped.pth')
    assert wrapped.keys() == raw.keys()
    adapter.convert(wrapped, generator)


def test_half_precision_becomes_float32(write):
    path, generator = write('hf-deep')
    adapter = adapter_of('hf-deep')
    raw = {key: value.half() if value.is_floating_point() else value for key, value in adapter.read(path).items()}
    assert {value.dtype for value in adapter.convert(raw, generator).values()} == {torch.float32}


@torch.no_grad()
def test_running_statistics_that_were_never_filled(tmp_path):
    generator = known(BIGGAN)
    path = tmp_path / 'published.pth'
    torch.save(published_files.ivclab(generator, running=False), path)
    adapter = adapter_of('ivclab')
    generator.load_state_dict(adapter.convert(adapter.read(path), generator))
    z, y = inputs(generator)
    untruncated = generator(z, y)
    generator.use_statistics(1.0)
    assert torch.equal(untruncated, generator(z, y))


def test_tfhub_dump_without_tables(tmp_path):
    generator = known(TINY_GENERATOR)
    np.savez(tmp_path / 'dump.npz', **published_files.tfhub(generator, tables=False))
    adapter = adapter_of('tfhub')
    raw = adapter.read(tmp_path / 'dump.npz')
    assert adapter.config(raw)['truncation_rows'] == 0
    adapter.convert(raw, generator)


def test_tfhub_dump_with_statistics_in_another_order(tmp_path):
    generator = known(BIGGAN)
    arrays = published_files.tfhub(generator, tables=True)
    arrays['stack/000'], arrays['stack/001'] = arrays['stack/001'], arrays['stack/000']
    np.savez(tmp_path / 'dump.npz', **arrays)
    adapter = adapter_of('tfhub')
    with pytest.raises(InputError, match='must alternate between mean and variance'):
        adapter.convert(adapter.read(tmp_path / 'dump.npz'), generator)


@pytest.mark.parametrize('resolution', [128, 256, 512])
def test_published_sizes_are_read_off_the_weights(resolution, monkeypatch):
    """The sizes of published networks are read from the weights.

    Attention is at the right block, although other blocks have the same number of channels.
    """
    monkeypatch.setattr(parametrizations._SpectralNorm, '_power_method', lambda *given: None)  # slow on the meta device, without a result
    with torch.device('meta'):
        generator, deep = BigGAN(resolution, truncation_rows=50, output_eps=1e-4), BigGANDeep(resolution, spectral_norm=False)
    names = {entry.theirs: entry.layout.theirs(generator.state_dict()[entry.ours]) for entry in ADAPTERS['ivclab'].entries(generator)}
    with torch.device('meta'):
        twin = MODELS.build(ADAPTERS['ivclab'].config(names))
    assert twin.feature_info == generator.feature_info and twin.latent_dim == generator.latent_dim
    raw = {f'{key[:-7]}.weight_orig' if 'conv' in key and key.endswith('.weight') else key: v for key, v in deep.state_dict().items()}
    config = ADAPTERS['hf-deep'].config(raw)
    with torch.device('meta'):
        assert MODELS.build({**config, 'spectral_norm': False}).feature_info == deep.feature_info


@pytest.mark.parametrize('source', [s for s in ADAPTERS if s not in ('tfhub', 'dcgan')])
def test_every_key_is_accounted_for(write, source):
    path, generator = write(source)
    adapter = adapter_of(source)
    raw = adapter.read(path)
    carried = sorted(key for key in raw if not adapter.ignored(key) and raw[key].ndim > 1)
    lost, bent = carried[0], next(key for key in carried[1:] if raw[key].shape[-1] > 1)
    del raw[lost]
    raw['stray'] = torch.ones(1)
    raw[bent] = raw[bent][..., :1]
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    with pytest.raises(InputError) as error:
        adapter.convert(raw, generator, path)
    message = str(error.value)
    assert f'1 missing from the file: {lost}' in message and '1 not known to the model: stray' in message
    assert f'1 of another shape: {bent}: {tuple(raw[bent].shape)} in the file' in message and str(path) in message
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())


def test_weights_that_are_no_numbers(write):
    path, generator = write('ajbrock')
    raw = adapter_of('ajbrock').read(path)
    raw[next(key for key in raw if key.endswith('bias'))][0] = float('nan')
    with pytest.raises(InputError, match=f'{path}: 1 of .* tensors hold NaN or infinity'):
        adapter_of('ajbrock').convert(raw, generator, path)


def spoil(path: Path, how: str) -> None:
    if how == 'cut off':
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == 'no checkpoint':
        path.write_bytes(b'hello')
    else:
        path.unlink()


@pytest.mark.parametrize('how', ['cut off', 'no checkpoint', 'missing'])
@pytest.mark.parametrize('source', ['tfhub', 'ajbrock', 'taming'])
def test_damaged_files(write, source, how):
    path, _ = write(source)
    spoil(path, how)
    with pytest.raises(InputError, match='cut off|no checkpoint|there is no|no .npz'):
        adapter_of(source).read(path)


def test_wrong_source_and_wrong_resolution(write, tmp_path):
    path, generator = write('ivclab')
    result = run_tool('tools/convert_generator.py', path, tmp_path / 'out.safetensors', '--from', 'ajbrock', check=False)
    assert result.returncode == 2 and 'is not from ajbrock/BigGAN-PyTorch' in result.stdout and 'Traceback' not in result.stdout
    assert not (tmp_path / 'out.safetensors').exists()
    larger = MODELS.build({**BIGGAN, 'resolution': 32, 'channel_multipliers': (2, 2, 2, 1), 'latent_dim': 16})
    larger.init_cfg = dict(type='mmbdg.PublishedWeights', checkpoint=str(path), source='ivclab')
    with pytest.raises(InputError, match='check its resolution and source'):
        larger.init_weights()
    larger.init_cfg['source'] = 'elsewhere'
    with pytest.raises(InputError, match='sources are tfhub, ajbrock'):
        larger.init_weights()


PROGRAM = """
from typing import Tuple
import torch
class Program(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.x = torch.ones(3)
    def forward(self, y: torch.Tensor):
        return self.x + y
    @torch.jit.export
    def __getstate__(self):
        return (self.x, self.training)
    @torch.jit.export
    def __setstate__(self, state: Tuple[torch.Tensor, bool]):
        self.x = state[0]
        self.training = state[1]
        torch.save(self.x, 'MARKER')
torch.jit.script(Program()).save('FILE')
torch.jit.load('FILE')
"""


def test_a_program_in_disguise_is_not_run(tmp_path):
    """A TorchScript program that looks like a plain checkpoint is not executed.

    The file has two archive directories: Python's zipfile reads that of a checkpoint, torch that of a program.
    """
    marker, path = tmp_path / 'executed', tmp_path / 'program.pt'
    (tmp_path / 'program.py').write_text(PROGRAM.replace('MARKER', str(marker)).replace('FILE', str(path)))
    run_tool(tmp_path / 'program.py')
    assert marker.exists()  # a plain torch.jit.load executes the program
    marker.unlink()
    data = path.read_bytes()
    end = data.rfind(b'PK\x05\x06')
    size, offset = struct.unpack('<II', data[end + 12 : end + 20])
    directory = data[offset : offset + size].replace(b'constants.pkl', b'constantz.pkl')
    path.write_bytes(data[: offset + size] + directory + data[offset + size :])
    assert not any(name.endswith('constants.pkl') for name in zipfile.ZipFile(path).namelist())
    with pytest.raises(InputError, match='TorchScript'):
        read_lightning(path)
    assert not marker.exists()


class Hostile:
    """An object that creates a file when it is unpickled."""

    def __init__(self, function: str, *args: str) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple:
        import builtins
        import os

        return (os.system if self.function == 'system' else getattr(builtins, self.function)), self.args


def test_lightning_files_of_old_versions_are_named(tmp_path):
    path = tmp_path / 'old.ckpt'
    torch.save({'state_dict': {'weight': torch.ones(1)}}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match='before torch 1.6'):
        read_lightning(path)


@pytest.mark.parametrize('function', ['system', 'exec', 'eval'])
def test_lightning_files_run_nothing(function, tmp_path):
    marker = tmp_path / 'executed'
    code = f'touch {marker}' if function == 'system' else f'open({str(marker)!r}, "w")'
    path = tmp_path / 'hostile.ckpt'
    torch.save({'callbacks': Hostile(function, code), 'state_dict': {'weight': torch.arange(3.0)}}, path)
    assert torch.equal(read_lightning(path)['weight'], torch.arange(3.0)) and not marker.exists()
    # Check of the test itself: a loader without protection runs the file's code.
    torch.load(path, weights_only=False)
    assert marker.exists()


def test_a_pickle_cannot_reach_torch_through_the_unpickler(tmp_path):
    """Attributes that a pickle sets on torch's functions do not outlive the load."""
    path = tmp_path / 'hostile.ckpt'
    torch.save({'state_dict': {'weight': torch.ones(1)}}, path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in files if name.endswith('data.pkl'))
    # Loads torch._utils._rebuild_tensor_v2, calls BUILD with the slot state {'__doc__': 'changed'}, then continues.
    attack = b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x07\x00\x00\x00__doc__X\x07\x00\x00\x00changeds\x86b0'
    files[name] = attack + files[name][2:]
    with zipfile.ZipFile(path, 'w') as archive:
        for key, value in files.items():
            archive.writestr(key, value)
    pickle.Unpickler(io.BytesIO(attack + b'N.')).load()  # the plain unpickler is vulnerable
    assert torch._utils._rebuild_tensor_v2.__doc__ == 'changed'
    torch._utils._rebuild_tensor_v2.__doc__ = None
    read_lightning(path)
    assert torch._utils._rebuild_tensor_v2.__doc__ is None
