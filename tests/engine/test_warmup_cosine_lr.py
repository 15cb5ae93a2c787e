"""The learning rate of WiSE-FT's code: linear to the end of the warm-up, then a cosine to the end of the training."""

import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from mmbdg.errors import InputError


def schedule(**config):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2e-3)
    wrapper = OptimWrapper(optimizer)
    defaults = dict(optimizer=wrapper, epoch_length=config.pop('epoch_length', None), end=config.get('T_max'))  # as the Runner adds them
    return optimizer, PARAM_SCHEDULERS.build(dict(type='mmbdg.WarmupCosineLR', **config), default_args=defaults)


def expected(step, warmup, total):
    """The formula of the released code, adapt/src/models/utils.py."""
    if step < warmup:
        return 2e-3 * (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) * 2e-3


def rates(optimizer, scheduler, steps):
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]['lr'])
        scheduler.optimizer.optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize('by_epoch', [True, False])
def test_every_rate_of_a_training(by_epoch):
    config = dict(T_max=6, by_epoch=True, convert_to_iter_based=True, epoch_length=7) if by_epoch else dict(T_max=42, by_epoch=False)
    optimizer, scheduler = schedule(warmup=10, **config)
    assert not scheduler.by_epoch
    assert rates(optimizer, scheduler, 42) == pytest.approx([expected(step, 10, 42) for step in range(42)], rel=1e-12)


def test_a_resumed_training_goes_on():
    optimizer, scheduler = schedule(warmup=4, T_max=20, by_epoch=False)
    first = rates(optimizer, scheduler, 9)
    other, resumed = schedule(warmup=4, T_max=20, by_epoch=False)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    assert first + rates(other, resumed, 11) == pytest.approx([expected(step, 4, 20) for step in range(20)], rel=1e-12)


def test_a_warm_up_longer_than_the_training_is_logged(monkeypatch):
    said = []
    monkeypatch.setattr('mmbdg.engine.optimizers.warmup_cosine_lr.print_log', lambda message, *rest: said.append(message))
    optimizer, scheduler = schedule(warmup=500, T_max=30, by_epoch=True, convert_to_iter_based=True, epoch_length=8)  # DTD
    assert said == ['the training has 240 iterations, the warm-up of the learning rate 500: the rate never reaches its full value']
    assert rates(optimizer, scheduler, 240) == pytest.approx([2e-3 * (step + 1) / 500 for step in range(240)], rel=1e-12)


def test_epochs_are_refused():
    with pytest.raises(InputError, match='counts iterations: set by_epoch=False, or convert_to_iter_based=True'):
        schedule(warmup=1, T_max=3, by_epoch=True)
