"""Gradients computed in the forward pass, so that the graph behind a loss need not wait for the backward pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def with_gradient_now(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """A scalar of the same value, whose backward pass gives ``parameters`` the gradients that are computed here.

    The graph of ``loss`` is freed on return, so that of several losses with separate parameters only one graph exists at a time. Scaling
    the loss later scales the gradients, but too late for those that underflow in float16; bfloat16 needs no scaling.
    """
    parameters = [parameter for parameter in parameters if parameter.requires_grad]
    if not (torch.is_grad_enabled() and loss.requires_grad):
        return loss
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    used = [(parameter, gradient) for parameter, gradient in zip(parameters, gradients, strict=True) if gradient is not None]
    return _Handed.apply(loss.detach(), [gradient for _, gradient in used], *[parameter for parameter, _ in used])


def losses_with_gradient_now(losses: dict[str, Tensor], parameters: Sequence[Tensor]) -> dict[str, Tensor]:
    """:func:`with_gradient_now` for the losses of a model by their names, which mmengine adds up if "loss" is in them.

    Each keeps its value; the gradient of their sum comes with the first of them.
    """
    names = [name for name in losses if 'loss' in name]
    total = sum(losses[name].mean() for name in names)
    handed = with_gradient_now(total, parameters)
    if handed is total:
        return losses
    apart = losses | {name: losses[name].detach() for name in names}
    return apart | {names[0]: apart[names[0]] + (handed - handed.detach())}


class _Handed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple:
        return None, None, *[scale * gradient for gradient in ctx.gradients]
