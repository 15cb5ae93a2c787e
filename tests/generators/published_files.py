"""Checkpoints in the formats of published generators, written from a known network.

The names, the order of values in tensors and the vectors of the spectral norm are written independently of the adapters.
"""

import numpy as np
import torch

from mmbdg.generators import BigGAN, BigGANDeep

ORIGINAL, U, V = '.parametrizations.weight.original', '.parametrizations.weight.0._u', '.parametrizations.weight.0._v'


def state_of(generator: torch.nn.Module) -> dict[str, np.ndarray]:
    return {key: value.numpy().copy() for key, value in generator.state_dict().items()}


def ajbrock(generator: BigGAN, trained: bool = False) -> dict[str, torch.Tensor]:
    """Format of ajbrock: ``stored_mean`` beside the gain, u as (1,N), no v.

    ``trained`` adds the singular values that its training logs.
    """
    state, out = state_of(generator), {}
    for key, value in state.items():
        if key.endswith(V) or key.endswith('num_batches_tracked') or 'truncation' in key:
            continue
        if key.endswith(U):
            out[key.removesuffix(U) + '.u0'] = value[None]
            if trained:
                out[key.removesuffix(U) + '.sv0'] = np.ones(1, np.float32)
        elif key.endswith('running_mean') or key.endswith('running_var'):
            stem, _, name = key.rpartition('.')
            out[stem.removesuffix('.bn') + '.stored_' + name.removeprefix('running_')] = value
        elif key == 'output_layer.0.weight':
            out['output_layer.0.gain'] = value
        else:
            out[key.replace(ORIGINAL, '.weight')] = value
    return {key: torch.tensor(value) for key, value in out.items()}


def _deepmind_names(generator: BigGAN) -> dict[str, tuple[str, ...]]:
    """Map from our module names to the paths in DeepMind's network."""
    names = {'linear': ('G_Z', 'G_linear'), 'output_layer.2': ('conv_2d',), 'output_layer.0': ('ScaledCrossReplicaBN',)}
    for i, stage in enumerate(generator.blocks):
        block = 'GBlock' if i == 0 else f'GBlock_{i}'
        names |= {f'blocks.{i}.0.{ours}': (block, theirs) for ours, theirs in dict(conv1='conv0', conv2='conv1', conv_sc='conv_sc').items()}
        for bn, hyper in dict(bn1='HyperBN', bn2='HyperBN_1').items():
            names |= {f'blocks.{i}.0.{bn}.{ours}': (block, hyper, theirs) for ours, theirs in dict(gain='gamma', bias='beta').items()}
            names[f'blocks.{i}.0.{bn}.bn'] = (block, hyper)
        if len(stage) > 1:
            names |= {f'blocks.{i}.1.{c}': ('attention', t) for c, t in dict(theta='theta', phi='phi', g='g', o='o_conv').items()}
            names[f'blocks.{i}.1'] = ('attention',)
    return names


def _their_order(module: str, kind: str, value: np.ndarray, embed_dim: int) -> np.ndarray:
    """Reorder outputs of the first linear map as (4,4,C) and conditions as [z, y]. The weight stays (out,in,H,W)."""
    if module == 'linear' and kind != 'v':
        value = value.reshape(-1, 16, *value.shape[1:]).swapaxes(0, 1).reshape(value.shape)
    if '.bn' in module and kind in ('weight', 'v'):
        value = np.concatenate([value[..., embed_dim:], value[..., :embed_dim]], axis=-1)
    return value


def _parts(generator: BigGAN, module: str) -> dict[str, np.ndarray]:
    state = state_of(generator)
    keys = dict(weight=module + ORIGINAL, u=module + U, v=module + V, bias=module + '.bias')
    return {kind: _their_order(module, kind, state[key], generator.embed_dim) for kind, key in keys.items() if key in state}


def tfhub(generator: BigGAN, tables: bool) -> dict[str, np.ndarray]:
    """Format of TFHub: variables with averages (the variable itself differs), (H,W,in,out), vectors as (1,N), counters."""
    state, out = state_of(generator), {}

    def put(path: tuple[str, ...], name: str, value: np.ndarray, averaged: bool) -> None:
        full = '/'.join(('module', 'Generator', *path, name))
        out[f'{full}:0'] = value + 1 if averaged else value
        if averaged:
            out[f'{full}/ema_b999900:0'] = value

    out['module/linear/w:0'], out['module/linear/w/ema_b999900:0'] = state['shared.weight'] * 0, state['shared.weight']
    position = 0
    for ours, path in _deepmind_names(generator).items():
        if ours == 'output_layer.0':
            for name, key in dict(gamma='weight', beta='bias').items():
                put(path, name, state[f'{ours}.{key}'][None, None, None], True)
        if f'{ours}.gamma' in state:
            put(path, 'gamma', state[f'{ours}.gamma'].reshape(1), True)
        parts = _parts(generator, ours)
        if 'weight' in parts:
            weight = parts['weight']
            put(path, 'w', weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T, True)
            put(path, 'u0', parts['u'][None], False)
            put(path, 'u1', np.random.default_rng(0).normal(size=(1, parts['v'].size)).astype(np.float32), False)
            if 'bias' in parts:
                put(path, 'b', parts['bias'], True)
    norms = [f'blocks.{i}.0.{bn}.bn' for i in range(len(generator.blocks)) for bn in ('bn1', 'bn2')] + ['output_layer.0']
    for ours in norms:
        *block, last = _deepmind_names(generator)[ours]
        scope = (*block, 'ScaledCrossReplicaBNbn' if ours == 'output_layer.0' else last.replace('Hyper', 'CrossReplica'))
        for statistic in ('mean', 'var'):
            put(scope, f'accumulated_{statistic}', state[f'{ours}.running_{statistic}'], False)
            if tables:
                out[f'stack/{position:03d}'] = state[f'{ours}.truncation_{statistic}s']
                position += 1
        put(scope, 'accumulation_counter', np.float32(7), False)
    return out


def ivclab(generator: BigGAN, running: bool) -> dict[str, torch.Tensor]:
    """Format of ivclab: torch's older spectral norm with v over (H,W,in). ``running=False``: initial batch statistics."""
    state, out = state_of(generator), {'linear.weight': state_of(generator)['shared.weight']}
    for ours, path in _deepmind_names(generator).items():
        theirs = '.'.join(part.lower() for part in path)
        if f'{ours}.gamma' in state:
            out[f'{theirs}.gamma'] = state[f'{ours}.gamma'].reshape(1)
        parts = _parts(generator, ours)
        if 'weight' in parts:
            weight, v = parts['weight'], parts['v']
            if weight.ndim == 4:
                v = v.reshape(weight.shape[1:]).transpose(1, 2, 0).reshape(-1)
            out |= {f'{theirs}.weight_orig': weight, f'{theirs}.weight_u': parts['u'], f'{theirs}.weight_v': v}
            if 'bias' in parts:
                out[f'{theirs}.bias'] = parts['bias']
        if f'{ours}.running_mean' in state:
            norm = theirs if ours == 'output_layer.0' else f'{theirs}.crossreplicabn'
            for statistic, created in (('mean', 0), ('var', 1)):
                value = state[f'{ours}.running_{statistic}']
                out[f'{norm}.running_{statistic}'] = value if running else np.full_like(value, created)
                out[f'{norm}.standing_{statistic}s'] = state[f'{ours}.truncation_{statistic}s']
            out[f'{norm}.num_batches_tracked'] = np.array(3)
            if ours == 'output_layer.0':
                out |= {f'{norm}.{name}': state[f'{ours}.{name}'] for name in ('weight', 'bias')}
    return {key: torch.tensor(value) for key, value in out.items()}


def mmagic_deep(generator: BigGANDeep) -> dict[str, torch.Tensor]:
    """Format of mmagic: its names, the embedding as (classes,size), one row of statistics, a scalar gate.

    The file contains a discriminator too.
    """
    out = {}
    for key, value in state_of(generator).items():
        name = key.removeprefix('generator.')
        for ours, theirs in ((ORIGINAL, '.weight_orig'), (U, '.weight_u'), (V, '.weight_v')):
            name = name.replace(ours, theirs)
        if name == 'embeddings.weight':
            name, value = 'shared_embedding.weight', value.T
        name = name.replace('gen_z.', 'noise2feat.').replace('conv_to_rgb.', 'output_layer.conv.').replace('layers.', 'conv_blocks.')
        if name.startswith('bn.'):
            name = f'output_layer.{name}'
        for k in range(4):
            name = name.replace(f'.bn_{k}.running', f'.bn{k + 1}.bn.running').replace(f'.bn_{k}.scale', f'.bn{k + 1}.gain')
            name = name.replace(f'.bn_{k}.offset', f'.bn{k + 1}.bias').replace(f'.conv_{k}.', f'.conv{k + 1}.conv.')
        for ours, theirs in dict(theta='theta', phi='phi', g='g', o_conv='o').items():
            name = name.replace(f'snconv1x1_{ours}.', f'{theirs}.conv.')
        if name.endswith(('running_means', 'running_vars')):
            name, value = name[:-1], value[0]
        if name.endswith('.gamma'):
            value = value.reshape(())
        out[f'generator_ema.module.{name}'] = torch.tensor(value)
    out['generator_ema.steps'] = torch.tensor(3)
    out['discriminator.conv.weight'] = torch.ones(3)
    out['generator.noise2feat.bias'] = torch.ones(3)  # differs from the averaged weight
    return out
