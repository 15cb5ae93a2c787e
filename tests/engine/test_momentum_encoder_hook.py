import copy
import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tiny_methods import MOMENTUM_ENCODERS, build_method, views
from torch import nn

from mmbdg.engine import MomentumEncoderHook

ITERATIONS = 7


def train(model, counts, hook=None):
    """The online network's weights before each iteration, and the momentum encoder's weights after it."""
    MessageHub.get_current_instance().update_info('max_iters', ITERATIONS)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=counts)
    wrapper.initialize_count_status(model, 0, ITERATIONS)
    encoder = getattr(model, MOMENTUM_ENCODERS[type(model).__name__])
    sources, averages = [], []
    for i in range(ITERATIONS):
        sources.append([p.detach().clone() for p in nn.Sequential(model.backbone, model.neck).parameters()])
        if hook:
            hook.before_train_iter(SimpleNamespace(model=model, optim_wrapper=wrapper), i)
        model.train_step(copy.deepcopy(views(seed=i)), wrapper)
        averages.append([p.clone() for p in encoder.module.parameters()])
    return sources, averages


@pytest.mark.parametrize('name', MOMENTUM_ENCODERS)
def test_one_step_of_the_encoder_for_each_of_the_optimiser(name):
    """With gradient accumulation the momentum encoder is updated once for each optimiser step.

    With three batches a step it changes in iterations 0 (a copy), 3 and 6. The cosine schedule uses the iteration number.
    """
    model = build_method(name)
    encoder = getattr(model, MOMENTUM_ENCODERS[name])
    base = encoder.momentum
    sources, averages = train(model, 3, MomentumEncoderHook())
    expected = [p.clone() for p in sources[0]]
    for i in range(ITERATIONS):
        if i in (3, 6):
            momentum = base if name in ('DenseCL', 'MoCo') else base * (math.cos(math.pi * i / ITERATIONS) + 1) / 2
            expected = [(1 - momentum) * average + momentum * source for average, source in zip(expected, sources[i], strict=True)]
        for got, value in zip(averages[i], expected, strict=True):
            torch.testing.assert_close(got, value, atol=1e-7, rtol=1e-6)
    assert not all(torch.equal(a, b) for a, b in zip(averages[2], averages[3], strict=True))
    assert encoder.steps == ITERATIONS


def test_in_step_with_the_optimiser_whatever_a_checkpoint_brought():
    """The updates stay in step with the optimiser if the encoder starts from a checkpoint with 5 steps (no first copy)."""
    model = build_method('MoCo')
    model.encoder_k.steps.fill_(5)
    _, averages = train(model, 3, MomentumEncoderHook())
    assert [not torch.equal(a[0], b[0]) for a, b in zip(averages[1:], averages, strict=False)] == [False, False, True, False, False, True]


def test_without_accumulation_nothing_changes():
    torch.manual_seed(0)
    plain = train(build_method('MoCo'), 1)[1]
    torch.manual_seed(0)
    hooked = train(build_method('MoCo'), 1, MomentumEncoderHook())[1]
    assert all(torch.equal(a, b) for one, other in zip(plain, hooked, strict=True) for a, b in zip(one, other, strict=True))


def test_several_optimisers_are_left_alone():
    wrapper = OptimWrapperDict(generator=OptimWrapper(torch.optim.SGD([torch.zeros(1)], lr=1.0), accumulative_counts=2))
    MomentumEncoderHook().before_train_iter(SimpleNamespace(model=None, optim_wrapper=wrapper), 0)
