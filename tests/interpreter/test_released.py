"""State dicts with the names of the released BigdatasetGANModel, compared with a forward pass that uses these names."""

import pytest
import torch
from conftest import TINY_GENERATOR
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.interpreter import FeatureInterpreter, InterpreterEnsemble, SharedTrunkEnsemble
from mmbdg.interpreter.released import BigDatasetGANAdapter
from mmbdg.registry import MODELS

INFO = [(6, 2), (5, 4), (4, 8), (4, 8), (3, 16), (3, 32), (2, 64)]
GROUPS = dict(low=(4, [0, 1]), mid=(16, [2, 3, 4]), high=(64, [5, 6]))
WIDTHS = dict(low=7, mid=4, high=3)
EMBED = 5
OPTIONS = dict(feature_info=INFO, embed_dim=EMBED, groups=(4, 16, 64), widths=(7, 4, 3))


def released(kernel=3, outputs=1):
    """A state dict in the released format: spectral norm with u0 and sv0, batch statistics, and the generator."""
    state = {'biggan_model.shared.weight': torch.randn(3, EMBED), 'biggan_model.blocks.0.0.conv1.weight': torch.randn(2, 2, 3, 3)}

    def normalised(name, *shape):
        state[f'{name}.weight'], state[f'{name}.bias'] = torch.randn(shape), torch.randn(shape[0])
        state[f'{name}.u0'], state[f'{name}.sv0'] = torch.randn(1, shape[0]), torch.ones(1)

    width = 0
    for group, (_, taps) in GROUPS.items():
        state[f'{group}_feature_conv.0.weight'] = torch.randn(WIDTHS[group], sum(INFO[i][0] for i in taps), 1, 1)
        width += WIDTHS[group]
        if group == 'low':
            continue
        for i in (1, 2):
            normalised(f'{group}_feature_mix_conv.conv{i}', width, width, 3, 3)
            for part in ('gain', 'bias'):
                normalised(f'{group}_feature_mix_conv.bn{i}.{part}', width, EMBED)
            state[f'{group}_feature_mix_conv.bn{i}.stored_mean'] = torch.randn(width)
            state[f'{group}_feature_mix_conv.bn{i}.stored_var'] = torch.rand(width) + 0.5
    for name, value in dict(gain=torch.randn(width), bias=torch.randn(width)).items():
        state[f'out_layer.0.{name}'] = value
    state |= {'out_layer.0.stored_mean': torch.randn(width), 'out_layer.0.stored_var': torch.rand(width) + 0.5}
    normalised('out_layer.2', outputs, width, kernel, kernel)
    return state


def by_hand(state, features, embedding):
    """The released order of operations in eval mode."""

    def weight(name):
        matrix = state[f'{name}.weight'].flatten(1)
        v = F.normalize(state[f'{name}.u0'][0] @ matrix, dim=0)
        u = F.normalize(matrix @ v, dim=0)
        return state[f'{name}.weight'] / (u @ matrix @ v)

    def conv(name, x):
        kernel = weight(name)
        return F.conv2d(x, kernel, state[f'{name}.bias'], padding=kernel.shape[-1] // 2)

    def ccbn(name, x):
        gain, bias = (embedding @ weight(f'{name}.{part}').t() + state[f'{name}.{part}.bias'] for part in ('gain', 'bias'))
        x = F.batch_norm(x, state[f'{name}.stored_mean'], state[f'{name}.stored_var'], eps=1e-4)
        return x * (1 + gain)[:, :, None, None] + bias[:, :, None, None]

    x = None
    for group, (size, taps) in GROUPS.items():
        resized = [F.interpolate(features[i], size=size, mode='bilinear', align_corners=False) for i in taps]
        own = F.conv2d(torch.cat(resized, 1), state[f'{group}_feature_conv.0.weight'])
        if x is None:
            x = own
            continue
        x = torch.cat([F.interpolate(x, size=size, mode='bilinear', align_corners=False), own], 1)
        name = f'{group}_feature_mix_conv'
        h = conv(f'{name}.conv1', ccbn(f'{name}.bn1', x).relu())
        x = x + conv(f'{name}.conv2', ccbn(f'{name}.bn2', h).relu())
    x = F.batch_norm(x, *(state[f'out_layer.0.{key}'] for key in ('stored_mean', 'stored_var', 'gain', 'bias')), eps=1e-5)
    return conv('out_layer.2', x.relu())


def inputs():
    return [torch.randn(2, channels, size, size) for channels, size in INFO], torch.randn(2, EMBED)


def saved(tmp_path, state, name='checkpoint_latest.pth'):
    torch.save(state, tmp_path / name)
    return str(tmp_path / name)


@pytest.mark.parametrize('with_generator', [True, False])
@pytest.mark.parametrize('kernel, outputs', [(3, 1), (1, 4)])
def test_same_logits(tmp_path, with_generator, kernel, outputs):
    state = {key: value for key, value in released(kernel, outputs).items() if with_generator or not key.startswith('biggan_model.')}
    init_cfg = dict(type='mmbdg.PublishedWeights', checkpoint=saved(tmp_path, state), source='bigdatasetgan')
    head = FeatureInterpreter(**OPTIONS, out_kernel=kernel, num_outputs=outputs, init_cfg=init_cfg)
    head.init_weights()
    given = inputs()
    expected = by_hand(state, *given)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(head.eval()(*given), expected, atol=1e-4, rtol=1e-5)


def test_default_sizes_are_the_released_ones():
    """The default sizes are the released ones, and the adapter's names cover all tensors."""
    with torch.device('meta'):
        head = FeatureInterpreter(feature_info=MODELS.build(dict(type='mmbdg.BigGAN', resolution=512)).feature_info, embed_dim=128)
    names = {entry.theirs: tuple(head.state_dict()[entry.ours].shape) for entry in BigDatasetGANAdapter().entries(head)}
    assert names['low_feature_conv.0.weight'] == (128, 3072, 1, 1)
    assert names['mid_feature_mix_conv.bn1.gain.weight'] == (192, 128)
    assert names['high_feature_mix_conv.conv2.weight'] == (224, 224, 3, 3)
    assert names['out_layer.2.weight'] == (1, 224, 3, 3)


def test_sizes_are_read_off():
    assert BigDatasetGANAdapter().config(released(1, 4)) == dict(num_outputs=4, out_kernel=1, widths=(7, 4, 3))


@pytest.mark.parametrize(
    'change, told',
    [
        (lambda state: state.pop('mid_feature_mix_conv.bn2.stored_var'), 'mid_feature_mix_conv.bn2.stored_var'),
        (lambda state: state.update({'dropout.weight': torch.zeros(1)}), 'dropout.weight'),
        (lambda state: state.update({'low_feature_conv.0.weight': torch.zeros(7, 3, 1, 1)}), '(7, 3, 1, 1) in the file'),
    ],
)
def test_every_key_counts(tmp_path, change, told):
    state = released()
    change(state)
    head = FeatureInterpreter(
        **OPTIONS, init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint=saved(tmp_path, state), source='bigdatasetgan')
    )
    with pytest.raises(InputError) as error:
        head.init_weights()
    assert told in str(error.value)


def test_an_ensemble_takes_one_file_for_each_member(tmp_path):
    states = [released(), released()]
    paths = [saved(tmp_path, state, f'{i}.pth') for i, state in enumerate(states)]
    init_cfg = dict(type='mmbdg.PublishedWeights', checkpoint=paths, source='bigdatasetgan')
    member = dict(type='mmbdg.FeatureInterpreter', **OPTIONS)
    ensemble = InterpreterEnsemble(member, num_members=2, init_cfg=init_cfg)
    ensemble.init_weights()
    given = inputs()
    torch.testing.assert_close(ensemble.eval()(*given), torch.stack([by_hand(state, *given) for state in states]), atol=1e-4, rtol=1e-5)
    with pytest.raises(InputError, match='set num_members=2'):
        InterpreterEnsemble(member, num_members=3, init_cfg=init_cfg).init_weights()
    with pytest.raises(InputError, match='one FeatureInterpreter has one checkpoint'):
        FeatureInterpreter(**OPTIONS, init_cfg=init_cfg).init_weights()
    with pytest.raises(InputError, match='no adapters of published weights for SharedTrunkEnsemble'):
        SharedTrunkEnsemble(member, num_members=2, init_cfg=init_cfg).init_weights()


def test_the_old_spelling(tmp_path):
    """``type='Pretrained'`` with a source still works, as in configs and cards of version 0.5 and older."""
    path = saved(tmp_path, released())
    member = dict(type='mmbdg.FeatureInterpreter', **OPTIONS)
    states = []
    for kind in ('Pretrained', 'mmbdg.PublishedWeights'):
        one = FeatureInterpreter(**OPTIONS, init_cfg=dict(type=kind, checkpoint=path, source='bigdatasetgan'))
        several = InterpreterEnsemble(member, num_members=2, init_cfg=dict(type=kind, checkpoint=[path, path], source='bigdatasetgan'))
        one.init_weights()
        several.init_weights()
        states.append(one.state_dict() | several.state_dict())
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), key
    with pytest.raises(InputError, match='prefix'):
        init_cfg = dict(type='Pretrained', checkpoint=path, source='bigdatasetgan', prefix='x')
        FeatureInterpreter(**OPTIONS, init_cfg=init_cfg).init_weights()


def test_other_files_are_refused(tmp_path):
    generator = MODELS.build(TINY_GENERATOR)
    path = saved(tmp_path, generator.state_dict())
    with pytest.raises(InputError, match='low_feature_conv'):
        FeatureInterpreter(**OPTIONS, init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint=path, source='bigdatasetgan')).init_weights()
    with pytest.raises(InputError, match='no adapter for "ajbrock"; sources are bigdatasetgan'):
        FeatureInterpreter(**OPTIONS, init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint=path, source='ajbrock')).init_weights()
