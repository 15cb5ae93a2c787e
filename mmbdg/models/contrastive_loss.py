"""The contrastive loss of queries against a long queue, a block of queries at a time."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 2**22
"""Logits that are in memory at once: 16 MiB in float32, which a processor's cache holds in part."""


def contrastive_loss(queries: Tensor, positives: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """InfoNCE (MoCo, arXiv:1911.05722, equation 1): the mean over queries of -log softmax of the positive among it and the queue.

    The same as cross-entropy on ``cat([q . k+, q @ queue], 1) / temperature``. The gradient is formed in the forward pass, block by block,
    so no more than a block of logits is ever in memory. Under autocast the products are of lower precision, sums and exponentials are not.

    Args:
        queries: float (N,D).
        positives: float (N,D), without gradient.
        queue: float (D,K), without gradient.
        temperature: Above 0.

    Returns:
        float32 ().
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
            odds = logits.sub_(highest).exp_()  # not divided by their sum yet
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
