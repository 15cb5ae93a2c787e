"""Contrastive loss of queries against a long queue, computed in blocks of queries."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 2**22
"""Maximum number of logits in memory at once: 16 MiB in float32, which partly fits the cache of a CPU."""


def contrastive_loss(queries: Tensor, positives: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """InfoNCE (MoCo, arXiv:1911.05722, equation 1): mean over queries of -log softmax of the positive against the queue.

    Equals cross-entropy on ``cat([q . k+, q @ queue], 1) / temperature``. The gradient is computed in the forward pass, block by block, so
    at most one block of logits is in memory. Under autocast, products use the lower precision; sums and exponentials use float32.

    Args:
        queries: Queries, float (N,D).
        positives: Positive keys, float (N,D); no gradient flows to them.
        queue: Negative keys, float (D,K); no gradient flows to them.
        temperature: Temperature, > 0.

    Returns:
        Loss, float32 ().
    """
    return _ContrastiveLoss.apply(queries, positives.detach(), queue.detach(), temperature)


class _ContrastiveLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, positives: Tensor, queue: Tensor, temperature: float) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(queries, dtype=torch.float32) if wanted else None
        loss, size = queries.new_zeros((), dtype=torch.float32), max(1, BLOCK // queue.shape[1])
        for start in range(0, len(queries), size):
            block, own = queries[start : start + size], positives[start : start + size]
            positive = (block.float() * own.float()).sum(1, keepdim=True) / temperature  # (n,1)
            logits = (block @ queue).float().div_(temperature)  # (n,K)
            highest = torch.maximum(logits.amax(1, keepdim=True), positive)
            odds = logits.sub_(highest).exp_()  # unnormalised softmax
            positive -= highest
            total = odds.sum(1, keepdim=True) + positive.exp()
            loss += (total.log() - positive).sum()
            if wanted:  # d loss / d query = (sum of p_k key_k - (1 - p+) key+) / temperature
                pull = 1 - positive.exp() / total
                away = (odds.to(queue.dtype) @ queue.T).float() / total
                gradient[start : start + size] = (away - pull * own) / temperature
        ctx.save_for_backward(gradient)
        ctx.dtype, ctx.count = queries.dtype, len(queries)
        return loss / len(queries)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (None if gradient is None else (gradient * (upstream / ctx.count)).to(ctx.dtype)), None, None, None
