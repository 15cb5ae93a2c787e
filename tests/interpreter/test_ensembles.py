import pytest
import torch

from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter import (
    Consensus,
    FeatureInterpreter,
    InterpreterEnsemble,
    SharedTrunkEnsemble,
    jensen_shannon,
    segmentation_loss,
    vote,
)

INFO = [(8, 4), (6, 8), (6, 8), (4, 16)]
MEMBER = dict(type='mmbdg.FeatureInterpreter', groups=(8, 16), widths=(7, 3))
SIZES = dict(feature_info=INFO, embed_dim=5)


def inputs(n=2):
    return [torch.randn(n, channels, size, size) for channels, size in INFO], torch.randn(n, 5)


@pytest.mark.parametrize('at_once', [2, 4, 5])
def test_batched_is_one_after_the_other(at_once):
    in_turn = InterpreterEnsemble(MEMBER, num_members=5, **SIZES)
    batched = InterpreterEnsemble(MEMBER, num_members=5, members_at_once=at_once, **SIZES)
    batched.load_state_dict(in_turn.state_dict())
    given = inputs()
    expected = Frozen(in_turn).on('cpu')(*given)
    torch.testing.assert_close(Frozen(batched).on('cpu')(*given), expected, atol=1e-5, rtol=0)
    assert expected.shape == (5, 2, 1, 16, 16)


def test_batched_in_autocast():
    """Batched members under autocast have about the same error as members in turn."""
    ensemble = Frozen(InterpreterEnsemble(MEMBER, num_members=4, **SIZES), 'bfloat16')
    net, given = ensemble.on('cpu'), inputs()
    with torch.no_grad():
        exact = net(*given)
        with ensemble.autocast('cpu'):
            in_turn = net(*given)
            net.members_at_once = 2
            batched = net(*given)
    assert batched.dtype == in_turn.dtype == torch.bfloat16
    assert 0 < (batched - exact).abs().mean() < 3 * (in_turn - exact).abs().mean()


@pytest.mark.parametrize('own', ['mix', 'output'])
@pytest.mark.parametrize('strip_rows', [5, 64])
def test_shared_trunk_is_interpreters_with_equal_trunks(own, strip_rows):
    member = {**MEMBER, 'strip_rows': strip_rows}
    shared = SharedTrunkEnsemble(member, num_members=3, own=own, **SIZES).eval()
    given = inputs()
    logits = shared(*given)
    trunk = shared.trunk.state_dict()
    for i in range(3):
        alone = FeatureInterpreter(**SIZES, groups=(8, 16), widths=(7, 3)).eval()
        state = trunk | {f'output.{key}': value for key, value in shared.outputs[i].state_dict().items()}
        if own == 'mix':
            state |= {f'mix.0.{key}': value for key, value in shared.mixes[i].state_dict().items()}
        alone.load_state_dict(state)
        torch.testing.assert_close(logits[i], alone(*given), atol=1e-5, rtol=0)
    assert not torch.allclose(logits[0], logits[1])


def test_shared_trunk_has_fewer_parameters():
    sizes = {own: sum(p.numel() for p in SharedTrunkEnsemble(MEMBER, 4, own, **SIZES).parameters()) for own in ('mix', 'output')}
    one = FeatureInterpreter(**SIZES, groups=(8, 16), widths=(7, 3))
    count = [sum(p.numel() for p in module.parameters()) for module in (one, one.output, one.mix[-1])]
    assert sizes == dict(output=count[0] + 3 * count[1], mix=count[0] + 3 * count[1] + 3 * count[2])


@pytest.mark.parametrize('own', ['mix', 'output'])
def test_shared_trunk_learns_from_all_and_each_block_from_its_own_part(own):
    shared = SharedTrunkEnsemble(MEMBER, num_members=3, own=own, **SIZES)
    shared.forward_own(*inputs(6))[2:4].sum().backward()  # uses member 1's part only
    touched = [any(p.grad is not None and p.grad.abs().sum() > 0 for p in output.parameters()) for output in shared.outputs]
    assert touched == [False, True, False]
    assert all(p.grad is not None for p in shared.trunk.parameters())
    with pytest.raises(ValueError, match='use a multiple of'):
        shared.forward_own(*inputs(4))


@pytest.mark.parametrize('own', ['mix', 'output'])
def test_part_m_of_a_batch_is_member_ms(own):
    shared = SharedTrunkEnsemble(MEMBER, num_members=3, own=own, **SIZES).eval()
    given = inputs(3)
    alone = [shared([f[m : m + 1] for f in given[0]], given[1][m : m + 1])[m] for m in range(3)]
    torch.testing.assert_close(shared.forward_own(*given), torch.cat(alone), atol=1e-5, rtol=0)


def test_unknown_share():
    with pytest.raises(ValueError, match="'mix' or 'output'"):
        SharedTrunkEnsemble(MEMBER, own='trunk', **SIZES)


@pytest.mark.parametrize('classes', [1, 4])
@pytest.mark.parametrize('how', ['majority', 'mean'])
def test_consensus_does_not_depend_on_how_many_at_a_time(classes, how):
    logits = torch.randn(7, 2, classes, 6, 6)
    parts = Consensus.of(logits.split([1, 4, 2]), how)
    assert torch.equal(parts.labels(), vote(logits, how))
    torch.testing.assert_close(parts.disagreement(), jensen_shannon(logits))


def test_consensus_adds_half_precision_up_in_float32():
    logits = torch.randn(16, 2, 1, 6, 6).bfloat16()
    torch.testing.assert_close(jensen_shannon(logits), jensen_shannon(logits.float()), atol=1e-6, rtol=0)


@pytest.mark.parametrize('ensemble', [InterpreterEnsemble, SharedTrunkEnsemble])
def test_losses_of_members_are_those_of_the_whole_graph(ensemble):
    """Losses and gradients of members equal those of the whole graph, also for a scaled loss."""
    one, other = (ensemble(MEMBER, num_members=3, **SIZES) for _ in range(2))
    other.load_state_dict(one.state_dict())
    given, labels = inputs(6), torch.randint(0, 2, (6, 16, 16))
    losses = one.own_losses(segmentation_loss, labels, *given)
    (8 * losses.sum()).backward()
    logits = other.forward_own(*given)
    expected = torch.stack([segmentation_loss(*part) for part in zip(logits.chunk(3), labels.chunk(3), strict=True)])
    (8 * expected.sum()).backward()
    torch.testing.assert_close(losses, expected)
    for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, msg=name)
    with torch.no_grad():
        assert not one.own_losses(segmentation_loss, labels, *given).requires_grad


def test_gradient_reaches_every_parameter_of_every_member():
    ensemble = InterpreterEnsemble(MEMBER, num_members=3, **SIZES)
    ensemble.own_losses(segmentation_loss, torch.randint(0, 2, (6, 16, 16)), *inputs(6)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in ensemble.parameters())
