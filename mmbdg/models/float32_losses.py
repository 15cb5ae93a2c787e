"""Mixed precision for the networks, float32 for the self-supervised loss."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from mmengine.model import BaseAveragedModel
from mmpretrain.models.selfsup import BaseSelfSupervisor
from torch import Tensor, nn
from torch.utils._pytree import tree_map


@contextmanager
def float32_losses(model: BaseSelfSupervisor) -> Iterator[None]:
    """Context for mmpretrain's ``loss`` under autocast that computes similarities and losses in float32. No effect without autocast.

    mmpretrain's methods call their networks and multiply the embeddings in one function. Autocast would round these products to three
    significant digits before the division by the temperature (0.2 in DenseCL, 0.1 in SimCLR). So autocast is disabled in this context and
    enabled inside each network (backbone, neck, their momentum copies, predictor). The outputs of the networks are cast to float32.
    """
    device = next(model.parameters()).device.type
    if not torch.is_autocast_enabled(device):
        yield
        return
    dtype, entered = torch.get_autocast_dtype(device), []

    def enter(*_: object) -> None:
        entered.append(ExitStack())
        entered[-1].enter_context(torch.autocast(device, dtype=dtype))

    def leave(_module: nn.Module, _args: tuple, output: object) -> object:
        entered.pop().close()
        return tree_map(lambda x: x.float() if isinstance(x, Tensor) and x.dtype == dtype else x, output)

    with ExitStack() as stack:
        for network in _networks(model):
            for hook in (network.register_forward_pre_hook(enter), network.register_forward_hook(leave)):
                stack.callback(hook.remove)
        stack.enter_context(torch.autocast(device, enabled=False))
        stack.callback(lambda: [network.close() for network in reversed(entered)])  # if a network raised an error
        yield


def _networks(model: BaseSelfSupervisor) -> list[nn.Module]:
    """The networks that the methods call: backbone, neck, the parts of the momentum encoders, and trained parts of the head (predictor)."""
    averaged = [part for module in model.children() if isinstance(module, BaseAveragedModel) for part in module.module.children()]
    in_head = [module for module in model.head.children() if next(module.parameters(), None) is not None]
    return [model.backbone, model.neck, *averaged, *in_head]
