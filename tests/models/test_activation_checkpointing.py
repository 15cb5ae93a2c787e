import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from tiny_methods import SGD, joint, train
from torch import nn

from mmbdg.errors import InputError
from mmbdg.models.activation_checkpointing import checkpoint_activations
from mmbdg.registry import MODELS

VIT = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
RESNET = dict(type='mmpretrain.ResNet', depth=18, base_channels=16, stem_channels=16, out_indices=(0, 1, 2, 3), norm_eval=False)
BACKBONES = dict(
    resnet18=RESNET,
    resnet50=dict(RESNET, depth=50, expansion=4),
    mmseg=dict(RESNET, type='mmseg.ResNet', depth=50),
    frozen=dict(RESNET, frozen_stages=1),
    vit=dict(type='mmpretrain.MoCoV3ViT', arch=VIT, img_size=32, patch_size=16, out_type='cls_token', drop_path_rate=0.3),
)


def two_steps(backbone: nn.Module, autocast: bool = False) -> list[torch.Tensor]:
    """Outputs and gradients of two steps. Each step has two forward passes (real and synthetic) before the backward pass."""
    torch.manual_seed(1)
    optimizer, kept = torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=0.1), []
    for _ in range(2):
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            outputs = [output for _ in range(2) for output in backbone(torch.randn(2, 3, 32, 32))]
        sum(output.float().square().mean() for output in outputs).backward()
        kept += outputs + [parameter.grad.clone() for parameter in backbone.parameters() if parameter.grad is not None]
        optimizer.step()
        optimizer.zero_grad()
    return kept


def checkpointed(backbone: nn.Module) -> nn.Module:
    again = copy.deepcopy(backbone)
    checkpoint_activations(again)
    return again


@pytest.mark.parametrize('autocast', [False, True], ids=['float32', 'autocast'])
@pytest.mark.parametrize('name', BACKBONES)
def test_a_training_is_the_one_without(name, autocast):
    """Activation checkpointing does not change the training.

    Outputs, gradients, weights and batch statistics are bit-equal, and drop path draws the same values again.
    """
    if autocast and name not in ('resnet18', 'vit'):
        pytest.skip('one of each kind')
    plain = MODELS.build(BACKBONES[name])
    again = checkpointed(plain)
    assert again.state_dict().keys() == plain.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(two_steps(again, autocast), two_steps(plain, autocast), strict=True))
    assert all(torch.equal(value, plain.state_dict()[key]) for key, value in again.state_dict().items())


def test_with_cp_counts_batches_twice():
    """``with_cp=True`` of mmpretrain updates the batch statistics twice per batch, which ``activation_checkpointing`` avoids."""
    backbones = [MODELS.build(dict(RESNET, with_cp=with_cp)) for with_cp in (False, True)]
    backbones[1].load_state_dict(backbones[0].state_dict())
    for backbone in backbones:
        two_steps(backbone)
    assert [backbone.layer2[0].bn1.num_batches_tracked.item() for backbone in backbones] == [4, 8]
    assert not torch.allclose(backbones[0].layer2[0].bn1.running_var, backbones[1].layer2[0].bn1.running_var, rtol=1e-2)


def test_activations_are_not_kept():
    """Activation checkpointing halves the memory that the graph keeps between forward and backward pass."""

    def kept(backbone):
        sizes = {}

        def pack(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            outputs = backbone(torch.randn(4, 3, 64, 64))
        weights = {parameter.untyped_storage().data_ptr() for parameter in (*backbone.parameters(), *backbone.buffers())}
        assert outputs[-1].requires_grad
        return sum(size for pointer, size in sizes.items() if pointer not in weights)

    plain = MODELS.build(BACKBONES['resnet50'])
    assert kept(checkpointed(plain)) < 0.5 * kept(plain)


def test_the_function_is_left_out_without_gradients(monkeypatch):
    backbone = checkpointed(MODELS.build(RESNET))
    monkeypatch.setattr('mmbdg.models.activation_checkpointing.checkpoint', None)
    with torch.no_grad():
        backbone(torch.randn(2, 3, 32, 32))


def test_refusals():
    with pytest.raises(InputError, match='with_cp=True of ResNet'):
        checkpoint_activations(MODELS.build(dict(RESNET, with_cp=True)))
    with pytest.raises(InputError, match='not Linear'):
        checkpoint_activations(nn.Linear(1, 1))


def test_a_joint_model_takes_it_as_a_key():
    """The model key ``activation_checkpointing`` changes no losses, weights or statistics.

    It does not change the momentum encoder, which has no backward pass.
    """
    models = [joint(activation_checkpointing=value) for value in (False, True)]
    losses = [train(model, build_optim_wrapper(model, dict(optimizer=dict(SGD))), range(2)) for model in models]
    assert losses[0] == losses[1]
    assert all(torch.equal(value, models[0].state_dict()[key]) for key, value in models[1].state_dict().items())
    assert 'forward' in models[1].backbone.layer1[0].__dict__ and 'forward' not in models[1].encoder_k.module[0].layer1[0].__dict__
