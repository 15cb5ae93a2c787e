import copy
from functools import partial

import pytest
import torch
from mmengine.logging import MessageHub
from tiny_methods import METHODS, MOMENTUM_ENCODERS, build_method, views

from mmbdg.models.float32_losses import float32_losses


@pytest.fixture(autouse=True)
def _max_iters():
    MessageHub.get_current_instance().update_info('max_iters', 10)  # set by mmengine's Runner, read by BYOL's cosine schedule


def hooked(model, hook):
    """Add a forward hook to all networks with weights that a method calls."""
    encoder = getattr(model, MOMENTUM_ENCODERS.get(type(model).__name__, ''), None)
    networks = [model.backbone, model.neck, *(encoder.module if encoder else ())]
    for network in networks + ([model.head.predictor] if hasattr(model.head, 'predictor') else []):
        network.register_forward_hook(hook)


def replay(kept, *args):
    return kept.pop(0)


def losses_of(model):
    torch.manual_seed(2)  # seeds MoCo's shuffle
    return model(**model.data_preprocessor(views(), True), mode='loss')


@pytest.mark.parametrize('name', METHODS)
def test_losses_are_those_of_float32_on_the_same_embeddings(name):
    """Losses under autocast equal those of a model without autocast that gets the same bfloat16 embeddings."""
    model, kept = build_method(name), []
    again, plain = copy.deepcopy(model), copy.deepcopy(model)
    with torch.autocast('cpu', torch.bfloat16):
        with float32_losses(model):
            hooked(model, lambda *args: kept.append(args[-1]))  # runs after the hook that converts to float32
            losses = losses_of(model)
        assert torch.is_autocast_enabled('cpu')
        rounded = losses_of(plain)
    assert {x.dtype for output in kept for x in output} == {torch.float32}
    hooked(again, partial(replay, kept))
    expected = losses_of(again)
    assert not kept
    for key, value in losses.items():
        assert value.dtype == torch.float32 and torch.equal(value, expected[key])
        if name not in ('BYOL', 'SimSiam'):  # the losses of these two contain no matrix product
            assert not torch.equal(rounded[key], value)


def test_networks_compute_in_autocast():
    model, dtypes = build_method('MoCoV3'), []
    convolution, predictor, momentum = model.backbone.layer4[0].conv1, model.head.predictor.fc0, model.momentum_encoder.module[1].fc0
    for layer in (convolution, predictor, momentum):
        layer.register_forward_hook(lambda _module, _args, output: dtypes.append(output.dtype))
    with torch.autocast('cpu', torch.bfloat16), float32_losses(model):
        sum(losses_of(model).values()).backward()
    assert dtypes == [torch.bfloat16] * 6
    assert all(p.grad.dtype == torch.float32 and p.grad.abs().sum() > 0 for p in model.parameters() if p.requires_grad)
    with float32_losses(model):  # without autocast
        losses_of(model)
    assert dtypes[6:] == [torch.float32] * 6
    assert not model.backbone._forward_hooks and not model.head.predictor._forward_pre_hooks


def test_an_error_in_a_network_leaves_autocast_as_it_was():
    model = build_method('SimCLR')
    with torch.autocast('cpu', torch.bfloat16):
        with pytest.raises(RuntimeError), float32_losses(model):
            model.backbone(torch.zeros(1, 1, 8, 8))
        assert torch.is_autocast_enabled('cpu')
    assert not torch.is_autocast_enabled('cpu') and not model.backbone._forward_hooks
    assert (torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()) == (1, 0)  # so autocast clears its weight cache
