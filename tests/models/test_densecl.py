"""DenseCL with blocked losses against mmpretrain's: losses, gradients, queues and momentum encoder over several steps."""

import copy

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm

from mmbdg.errors import InputError
from mmbdg.registry import MODELS


@pytest.fixture
def config():
    model = Config.fromfile(ROOT / 'configs/_base_/models/joint_densecl_r18_64px.py').model
    model.queue_len, model.data_preprocessor = 64, dict(type='mmpretrain.SelfSupDataPreprocessor')
    return {key: value for key, value in model.items() if not key.startswith('seg_')}


def test_a_training_is_mmpretrains(config):
    torch.manual_seed(0)
    plain = revert_sync_batchnorm(MODELS.build(config | dict(type='mmpretrain.DenseCL')))
    ours = revert_sync_batchnorm(MODELS.build(config | dict(type='mmbdg.DenseCL')))
    ours.load_state_dict(plain.state_dict())
    optimisers = [torch.optim.SGD(model.parameters(), 0.01) for model in (plain, ours)]
    for step in range(2):
        views = [torch.randn(4, 3, 32, 32) for _ in range(2)]
        losses = []
        for model, optimiser in zip((plain, ours), optimisers, strict=True):
            torch.manual_seed(step)  # seeds the shuffle
            losses.append(model.loss(copy.deepcopy(views), None))
            optimiser.zero_grad()
            sum(losses[-1].values()).backward()
        for key in ('loss_single', 'loss_dense'):
            torch.testing.assert_close(losses[1][key], losses[0][key], atol=1e-5, rtol=1e-5)
        for (name, expected), got in zip(plain.named_parameters(), ours.parameters(), strict=True):
            if expected.grad is not None:
                error = (got.grad - expected.grad).norm() / expected.grad.norm().clamp_min(1e-6)
                assert error < 1e-3, f'{name} {error}'
        for optimiser in optimisers:
            optimiser.step()
    for (name, expected), got in zip(plain.state_dict().items(), ours.state_dict().values(), strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f'{name}: {text}')
    assert ours.queue_ptr.item() == ours.queue2_ptr.item() == 8


@pytest.mark.parametrize('loss', [dict(type='LabelSmoothLoss', label_smooth_val=0.1), dict(type='CrossEntropyLoss', reduction='sum')])
def test_another_head_is_refused(config, loss):
    head = dict(type='mmpretrain.ContrastiveHead', loss=loss | dict(type=f'mmpretrain.{loss["type"]}'))
    with pytest.raises(InputError, match='ContrastiveHead'):
        MODELS.build(config | dict(type='mmbdg.DenseCL', head=head))
