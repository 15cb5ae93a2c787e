"""Gradients that are computed in the forward pass, so that the graph of a loss is freed before the backward pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def with_gradient_now(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Compute the gradients of a loss now and return a scalar of the same value that passes them on in its backward pass.

    The graph of ``loss`` is freed on return. With several losses of separate parameters only one graph exists at a time.
    A later scaling of the loss scales the gradients, but it cannot recover gradients that underflowed in float16.
    bfloat16 needs no scaling.
    """
    parameters = [parameter for parameter in parameters if parameter.requires_grad]
    if not (torch.is_grad_enabled() and loss.requires_grad):
        return loss
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    used = [(parameter, gradient) for parameter, gradient in zip(parameters, gradients, strict=True) if gradient is not None]
    return _PrecomputedGradient.apply(loss.detach(), [gradient for _, gradient in used], *[parameter for parameter, _ in used])


def losses_with_gradient_now(losses: dict[str, Tensor], parameters: Sequence[Tensor]) -> dict[str, Tensor]:
    """:func:`with_gradient_now` for the loss dictionary of a model. mmengine adds up the entries with "loss" in their names.

    Each loss keeps its value. The first loss carries the gradient of the sum.
    """
    names = [name for name in losses if 'loss' in name]
    total = sum(losses[name].mean() for name in names)
    precomputed = with_gradient_now(total, parameters)
    if precomputed is total:
        return losses
    detached = losses | {name: losses[name].detach() for name in names}
    return detached | {names[0]: detached[names[0]] + (precomputed - precomputed.detach())}


class _PrecomputedGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple:
        return None, None, *[scale * gradient for gradient in ctx.gradients]
