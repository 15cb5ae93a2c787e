"""Checkpoints of the pre-trainings of BigDatasetGAN's Table 2, written in the layouts of their publishers.

Names and wrappers are those of the published ResNet-50 files; here they hold a narrow ResNet-18, whose names follow the same rule.
"""

from argparse import Namespace

import pytest
import torch
from mmseg.models.backbones import ResNet

from mmbdg.backbones import backbone_tensors
from mmbdg.backbones.pretrained import PREFIXES, _best_layout
from mmbdg.compat.checkpoint import tensors_under
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors

NUMBERS = dict(conv1='0', bn1='1', layer1='4', layer2='5', layer3='6', layer4='7')


class ModelCheckpoint:
    """A class of a training library, as a Lightning checkpoint names it."""


@pytest.fixture(scope='module')
def backbone():
    return ResNet(depth=18, stem_channels=4, base_channels=4, norm_cfg=dict(type='BN'))


@pytest.fixture(scope='module')
def state(backbone):
    """Other weights of the backbone, with torchvision's names."""
    torch.manual_seed(0)
    return {key: torch.randn(value.shape) if value.is_floating_point() else value for key, value in backbone.state_dict().items()}


def under(prefix, state):
    return {f'{prefix}{key}': value for key, value in state.items()}


def other(state):
    """Another network of the same shape, such as a momentum encoder."""
    return {key: value + 1 for key, value in state.items()}


def numbered(state):
    return {f'{NUMBERS[key.split(".")[0]]}.{key.partition(".")[2]}': value for key, value in state.items()}


HEAD = {'0.weight': torch.zeros(8, 8), '0.bias': torch.zeros(8)}
CLASSIFIER = {'fc.weight': torch.zeros(7, 512), 'fc.bias': torch.zeros(7)}
TRAINING = dict(epoch=1000, optimizer=dict(state={}, param_groups=[dict(lr=0.1)]))

PUBLISHED = {
    'supervised (torchvision)': lambda state: state | CLASSIFIER,
    'SupCon': lambda state: dict(
        opt=Namespace(learning_rate=0.1), model=under('encoder.module.', state) | under('head.', HEAD), **TRAINING
    ),
    'SupCon, data parallel outside': lambda state: dict(model=under('module.encoder.', state) | under('module.head.', HEAD), epoch=1),
    'SupCon of one GPU': lambda state: dict(model=under('encoder.', state) | under('head.', HEAD), epoch=1),
    'SupSelfCon': lambda state: {
        'pytorch-lightning_version': '1.1.0',
        'callbacks': {ModelCheckpoint: dict(best_model_score=torch.tensor(0.5))},
        'state_dict': under('feature.', numbered(state))
        | under('feature_k.', numbered(other(state)))
        | under('moco.encoder_q.0.', numbered(state))
        | under('moco.encoder_k.0.', numbered(other(state)))
        | {'moco.queue': torch.zeros(8, 4), 'base_head.weight': torch.zeros(7, 512)},
        'hyper_parameters': Namespace(system='moco'),
    },
    'SimCLR, converted': lambda state: dict(state_dict=state | CLASSIFIER),
    'SimCLR of mmpretrain': lambda state: dict(meta={}, state_dict=under('backbone.', state) | under('neck.', HEAD)),
    'MoCo v2': lambda state: dict(
        arch='resnet50',
        state_dict=under('module.encoder_q.', state | under('fc.', HEAD)) | under('module.encoder_k.', other(state)),
        **TRAINING,
    ),
    'MoCo v3': lambda state: dict(
        arch='resnet50',
        state_dict=under('module.base_encoder.', state | under('fc.', HEAD))
        | under('module.momentum_encoder.', other(state))
        | under('module.predictor.', HEAD),
        scaler=dict(scale=65536.0),
        **TRAINING,
    ),
    'BYOL, converted': lambda state: state | CLASSIFIER,
    'DINO, backbone': lambda state: state,
    'DINO, full checkpoint': lambda state: dict(
        student=under('module.backbone.', other(state)) | under('module.head.mlp.', HEAD),
        teacher=under('backbone.', state) | under('head.mlp.', HEAD),
        args=Namespace(arch='resnet50'),
        dino_loss=dict(center=torch.zeros(1, 8)),
        **TRAINING,
    ),
    "DINO's student alone": lambda state: under('module.backbone.', state) | under('module.head.mlp.', HEAD),
    'DenseCL': lambda state: dict(state_dict=state, author='DenseCL'),
    'ours': lambda state: dict(
        meta=dict(iter=1), state_dict=under('backbone.', state) | under('encoder_k.0.', other(state)) | {'queue': torch.zeros(8, 4)}
    ),
    'in data parallel training': lambda state: dict(state_dict=under('module.', state | CLASSIFIER)),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_checkpoint(backbone, state, name, tmp_path):
    path = tmp_path / ('checkpoint.ckpt' if name == 'SupSelfCon' else 'checkpoint.pth')
    torch.save(PUBLISHED[name](dict(state)), path)
    found = backbone_tensors(backbone, str(path))
    assert found.stem and found.tensors.keys() == state.keys()
    assert all(torch.equal(found.tensors[key], state[key]) for key in state)


def test_all_names_are_covered(backbone, state):
    found = {_best_layout(tensors_under(make(dict(state)), '', 'it'), state)[0] for make in PUBLISHED.values()}
    assert found == PREFIXES.keys()


def test_ours_as_exported(backbone, state, tmp_path):
    write_safetensors(tmp_path / 'backbone.safetensors', state)
    found = backbone_tensors(backbone, str(tmp_path / 'backbone.safetensors')).tensors
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_another_network_in_numbers(backbone, state, tmp_path):
    """The numbers of another network's layers are not taken for those of a ResNet."""
    shifted = {f'{int(key.split(".")[0]) + 1}.{key.partition(".")[2]}': value for key, value in numbered(state).items()}
    torch.save(dict(state_dict=under('feature.', shifted)), tmp_path / 'other.ckpt')
    with pytest.raises(InputError, match='does not fit ResNet|nothing in .* has the names of ResNet'):
        backbone_tensors(backbone, str(tmp_path / 'other.ckpt'))
