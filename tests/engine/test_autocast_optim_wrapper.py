import copy
import pkgutil

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from tiny_methods import SGD, joint, train

from mmbdg.compat.config import read_config
from mmbdg.engine.optimizers.autocast_optim_wrapper import apply_amp
from mmbdg.errors import InputError

AUTOCAST = 'mmbdg.AutocastOptimWrapper'


def test_losses_are_near_those_of_float32_and_weights_stay_float32():
    model = joint()
    again, rounded = copy.deepcopy(model), []
    wrapper = build_optim_wrapper(model, dict(type=AUTOCAST, optimizer=dict(SGD)))
    model.backbone.layer4[0].conv1.register_forward_hook(lambda _module, _args, output: rounded.append(output.dtype))
    losses = train(model, wrapper, range(4))
    plain = train(again, build_optim_wrapper(again, dict(type='OptimWrapper', optimizer=dict(SGD))), range(4))
    assert set(rounded) == {torch.bfloat16} and len(rounded) == 8  # for real and for synthetic images
    assert losses != plain
    # In the first step the weights are equal; later they differ too, by how much depends on the processor's bfloat16.
    for step, (low, full) in enumerate(zip(losses, plain, strict=True)):
        assert low == pytest.approx(full, rel=0.04 if step else 0.01)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {state['momentum_buffer'].dtype for state in wrapper.optimizer.state.values()} == {torch.float32}
    assert not torch.is_autocast_enabled('cpu')


@pytest.mark.parametrize('method, place', [('JointDenseCL', 'mmbdg.models.densecl.contrastive_loss'), ('JointMoCo', None)])
def test_similarities_are_float32(method, place, monkeypatch):
    """Similarities in the joint models' losses are computed without autocast from float32 inputs."""
    model, seen = joint(method), []
    place = place or f'{type(model.head).__module__}.ContrastiveHead.loss'
    original = pkgutil.resolve_name(place)

    def spy(*args):
        seen.extend([torch.is_autocast_enabled('cpu'), *(x.dtype for x in args if isinstance(x, torch.Tensor))])
        return original(*args)

    monkeypatch.setattr(place, spy)
    train(model, build_optim_wrapper(model, dict(type=AUTOCAST, optimizer=dict(SGD))), range(1))
    assert set(seen) == {False, torch.float32}


def test_state_goes_to_and_from_a_training_in_float32():
    """A resumed autocast training gives the losses of the uninterrupted training, and a float32 wrapper can load its state."""
    model = joint()
    wrapper = build_optim_wrapper(model, dict(type=AUTOCAST, optimizer=dict(SGD)))
    train(model, wrapper, range(2))
    kept, state = copy.deepcopy(model.state_dict()), copy.deepcopy(wrapper.state_dict())
    expected = train(model, wrapper, range(2, 4))
    again = joint()
    again.load_state_dict(kept)
    resumed = build_optim_wrapper(again, dict(type=AUTOCAST, optimizer=dict(SGD)))
    resumed.load_state_dict(copy.deepcopy(state))
    assert train(again, resumed, range(2, 4)) == expected
    plain = build_optim_wrapper(again, dict(type='OptimWrapper', optimizer=dict(SGD)))
    plain.load_state_dict(state)
    assert plain.state_dict().keys() == state.keys()


def test_accumulation_and_clipping():
    """Gradient accumulation over two batches and clipping give the result of plain torch.autocast."""
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    again, inputs = copy.deepcopy(model), [torch.randn(8, 64) for _ in range(2)]
    wrapper = build_optim_wrapper(
        model, dict(type=AUTOCAST, accumulative_counts=2, clip_grad=dict(max_norm=0.01), optimizer=dict(type='SGD', lr=1.0))
    )
    wrapper.initialize_count_status(model, 0, 4)
    before = copy.deepcopy(model.state_dict())
    for i, x in enumerate(inputs):
        with wrapper.optim_context(model):
            loss = model(x).float().square().mean()
        wrapper.update_params(loss)
        assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()) == (i == 0)
    for x in inputs:
        with torch.autocast('cpu', torch.bfloat16):
            loss = again(x).float().square().mean() / 2
        loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(again.parameters(), 0.01)
    assert norm > 0.01
    for (key, value), parameter in zip(model.state_dict().items(), again.parameters(), strict=True):
        torch.testing.assert_close(value, before[key] - parameter.grad, rtol=0, atol=1e-7)


def test_apply_amp():
    cfg = Config(dict(optim_wrapper=dict(type='AmpOptimWrapper', loss_scale='dynamic', optimizer=dict(SGD), accumulative_counts=2)))
    apply_amp(cfg, 'bf16')
    assert cfg.optim_wrapper.to_dict() == dict(type=AUTOCAST, optimizer=SGD, accumulative_counts=2)
    gan = read_config(ROOT / 'configs/gan/biggan_fashion32.py')
    apply_amp(gan, 'bf16')
    assert gan.optim_wrapper.generator.type == gan.optim_wrapper.discriminator.type == AUTOCAST
    for wrapper in ('generator', 'discriminator'):
        assert isinstance(build_optim_wrapper(torch.nn.Linear(1, 1), gan.optim_wrapper[wrapper]), OptimWrapper)
    with pytest.raises(InputError, match='optim_wrapper.type = ApexOptimWrapper'):
        apply_amp(Config(dict(optim_wrapper=dict(type='ApexOptimWrapper', optimizer=dict(SGD)))), 'bf16')


def test_float16_needs_a_gpu(monkeypatch):
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(SGD))))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(InputError, match='fp16 needs a GPU'):
        apply_amp(cfg, 'fp16')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    apply_amp(cfg, 'fp16')
    assert cfg.optim_wrapper.to_dict() == dict(type='mmengine.AmpOptimWrapper', loss_scale='dynamic', dtype='float16', optimizer=SGD)


@pytest.mark.parametrize(('capability', 'told'), [('AVX2', True), ('AVX512', False)])
def test_slow_processors_are_named(capability, told, monkeypatch):
    """A ResNet-18 takes 18 times as long in bfloat16 on a processor with AVX2 only (measured)."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    said = []
    monkeypatch.setattr('mmbdg.engine.optimizers.autocast_optim_wrapper.print_log', lambda text, *_: said.append(text))
    apply_amp(Config(dict(optim_wrapper=dict(optimizer=dict(SGD)))), 'bf16')
    assert ['no AVX512' in text and 'omit --amp' in text for text in said] == [True] * told
