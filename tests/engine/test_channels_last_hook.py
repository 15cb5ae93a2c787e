"""ChannelsLastHook: the format of the weights, the losses up to rounding, checkpoints, and bit-equal resuming."""

from types import SimpleNamespace

import pytest
import tiny_training
import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook
from torch import nn

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.engine import ChannelsLastHook
from mmbdg.engine.hooks.channels_last_hook import apply_channels_last

HOOK = dict(type='mmbdg.ChannelsLastHook')


class ConvNet(tiny_training.Net):
    """The tiny net with convolutions: a point becomes an image of 4 x 4 pixels."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 3))

    def forward(self, inputs, mode='tensor'):
        points = torch.stack(inputs)[..., None, None] * torch.arange(16).reshape(4, 4) / 16
        out = self.net(points).mean((1, 2, 3))
        return dict(loss=(out - 1).square().mean()) if mode == 'loss' else [dict(out=value) for value in out]


@pytest.fixture(autouse=True)
def convolutions(monkeypatch):
    monkeypatch.setattr(tiny_training, 'Net', ConvNet)


def four_dimensional(state):
    return [weight for weight in state.values() if weight.ndim == 4]


def test_the_weights_have_the_format(tmp_path):
    """Also the copy of the EMA hook; checkpoints have the shapes and values of the weights."""
    runner, _ = tiny_training.build(tmp_path, by_epoch=False, hooks=[HOOK])
    runner.train()
    average = next(hook for hook in runner.hooks if isinstance(hook, EMAHook)).ema_model
    for module in (runner.model, average):
        weights = four_dimensional(module.state_dict())
        assert len(weights) == 2 and not weights[0].is_contiguous()
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    loaded = ConvNet()
    loaded.load_state_dict(read_checkpoint(tmp_path / 'iter_16.pth')['state_dict'])  # those of the average
    assert all(map(torch.equal, loaded.state_dict().values(), average.module.state_dict().values()))


def test_the_losses_are_equal_up_to_rounding(tmp_path):
    plain, _ = tiny_training.train(tmp_path / 'plain')
    changed, _ = tiny_training.train(tmp_path / 'changed', hooks=[HOOK])
    assert plain[0] > 0.01 and changed == pytest.approx(plain, rel=1e-4)


def test_a_resumed_training_is_bit_equal(tmp_path):
    random_state = dict(type='mmbdg.RandomStateHook')
    losses, state = tiny_training.train(tmp_path / 'whole', hooks=[HOOK, random_state])
    first, _ = tiny_training.train(tmp_path / 'cut', hooks=[HOOK, random_state], stop=10)
    resume = tmp_path / 'cut/epoch_2.pth'
    rest, resumed = tiny_training.train(tmp_path / 'cut', hooks=[HOOK, random_state], resume=resume)
    assert first == losses[:10] and rest == losses[8:]
    assert all(
        weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous() for weight in four_dimensional(resumed)
    )
    assert all(torch.equal(state[key], resumed[key]) for key in state)


def test_the_option():
    cfg = Config(dict(custom_hooks=[dict(type='EMAHook')]))
    apply_channels_last(cfg, False)
    assert cfg.custom_hooks == [dict(type='EMAHook')]
    apply_channels_last(cfg, True)
    assert cfg.custom_hooks == [dict(type='EMAHook'), HOOK]


def test_when_and_what_is_converted():
    """Weights that were replaced after the start, e.g. by an initialisation, are converted too; other dimensions stay as they are."""
    model = nn.ModuleDict(dict(image=nn.Conv2d(3, 4, 3), volume=nn.Conv3d(3, 4, 3), vector=nn.Linear(3, 4)))
    runner, hook = SimpleNamespace(model=model), ChannelsLastHook()
    hook.before_run(runner)
    model['image'].weight = nn.Parameter(model['image'].weight.detach().contiguous())
    hook.before_train(runner)
    assert model['image'].weight.is_contiguous(memory_format=torch.channels_last) and not model['image'].weight.is_contiguous()
    assert model['volume'].weight.is_contiguous() and model['vector'].weight.is_contiguous()
