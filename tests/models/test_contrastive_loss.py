"""The blocked contrastive loss compared with cross-entropy on all logits."""

import pytest
import torch
from torch.nn import functional as F

from mmbdg.models import contrastive_loss as module
from mmbdg.models.contrastive_loss import contrastive_loss


def samples(n=37, dim=16, keys=101):
    normal = [F.normalize(torch.randn(size), dim=dim_) for size, dim_ in (((n, dim), 1), ((n, dim), 1), ((dim, keys), 0))]
    return normal[0].requires_grad_(), normal[1], normal[2]


def reference(queries, positives, queue, temperature):
    logits = torch.cat([(queries * positives).sum(1, keepdim=True), queries @ queue], 1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


@pytest.mark.parametrize('block', [1, 5 * 101, 2**22])  # one query at a time, five (not a divisor of 37), all
@pytest.mark.parametrize('temperature', [0.07, 0.2, 1.0])
def test_values_and_gradients(monkeypatch, block, temperature):
    monkeypatch.setattr(module, 'BLOCK', block)
    queries, positives, queue = samples()
    loss = contrastive_loss(queries, positives, queue, temperature)
    (3 * loss).backward()
    ours, queries.grad = queries.grad, None
    expected = reference(queries, positives, queue, temperature)
    (3 * expected).backward()
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(ours, queries.grad, atol=1e-6, rtol=1e-5)


def test_numerical_gradient():
    """The gradient matches finite differences within the precision of the float32 sums."""
    queries, positives, queue = (x.detach() for x in samples(4, 6, 9))
    loss = contrastive_loss(queries.clone().requires_grad_(), positives, queue, 0.2)
    direction, step = torch.randn_like(queries), 1e-2
    moved = [contrastive_loss(queries + sign * step * direction, positives, queue, 0.2) for sign in (1, -1)]
    variable = queries.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(contrastive_loss(variable, positives, queue, 0.2), variable)
    assert (gradient * direction).sum().item() == pytest.approx(((moved[0] - moved[1]) / (2 * step)).item(), rel=1e-2)
    assert loss.requires_grad and not moved[0].requires_grad


def test_closed_forms():
    """If the queue and the positive are the same key, the loss is log(K + 1). Large products do not overflow."""
    key = F.normalize(torch.randn(1, 8))
    queries = torch.randn(5, 8, requires_grad=True)
    loss = contrastive_loss(queries, key.expand(5, 8), key.T.expand(8, 30).contiguous(), 0.2)
    assert loss.item() == pytest.approx(torch.tensor(31.0).log().item(), abs=1e-5)
    loss = contrastive_loss(1e4 * queries, key.expand(5, 8), key.T.expand(8, 30).contiguous(), 0.01)
    loss.backward()
    assert loss.item() == pytest.approx(torch.tensor(31.0).log().item(), abs=0.1) and queries.grad.isfinite().all()


def test_keys_get_no_gradient():
    queries, positives, queue = samples()
    positives.requires_grad_(), queue.requires_grad_()
    contrastive_loss(queries, positives, queue, 0.2).backward()
    assert positives.grad is None and queue.grad is None


def test_low_precision():
    """Under autocast the products are bfloat16 and the sums are float32.

    The error is at most that of cross-entropy on bfloat16 products.
    """
    queries, positives, queue = samples(64, 32, 4096)
    exact = reference(queries, positives, queue, 0.2)
    with torch.autocast('cpu', torch.bfloat16):
        ours = contrastive_loss(queries, positives, queue, 0.2)
    ours.backward()
    assert ours.dtype == torch.float32 and abs(ours - exact) < 5e-3 and queries.grad.dtype == torch.float32
