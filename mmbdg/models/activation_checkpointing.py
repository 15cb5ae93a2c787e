"""Activation checkpointing: the blocks of a backbone recompute their activations in the backward pass to save memory."""

from contextlib import AbstractContextManager, nullcontext
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint

from mmbdg.errors import InputError


def checkpoint_activations(backbone: nn.Module) -> None:
    """Checkpoint each block of a backbone in place: only the block's input is kept, the rest is recomputed in the backward pass.

    Outputs, gradients, buffers and state dict keys are unchanged. ``with_cp=True`` of mmpretrain and mmseg also recomputes, but its batch
    norms then update their running statistics twice per batch; here the second pass updates copies.

    Args:
        backbone: ResNet (or a subclass) or vision transformer of mmpretrain or mmseg. It has ``res_layers``, the names of its stages, or
            ``layers``, the list of its blocks.

    Raises:
        InputError: The backbone is of another type, or was built with ``with_cp=True``.
    """
    name = type(backbone).__name__
    if any(getattr(module, 'with_cp', False) for module in backbone.modules()):
        raise InputError(f'activation_checkpointing and with_cp=True of {name} do the same: remove with_cp')
    for block in _blocks(backbone):
        block.forward = MethodType(_checkpointed_forward, block)


def replace_with_cp(module: nn.Module) -> None:
    """Replace ``with_cp=True`` of mmpretrain, mmseg and mmdet in place by the recomputation of :func:`checkpoint_activations`.

    With ``with_cp`` the second pass reads the weights that the module has at that time, so inside ``torch.func.functional_call`` it would
    compute with others than the first pass; and it updates the statistics of batch norms once more.

    Args:
        module: Any module; modules with ``with_cp=True`` in it that contain no other such module are recomputed.
    """
    blocks = [part for part in module.modules() if getattr(part, 'with_cp', False)]
    for block in blocks:
        if not any(getattr(part, 'with_cp', False) for part in block.modules() if part is not block):
            block.forward = MethodType(_checkpointed_forward, block)
    for block in blocks:
        block.with_cp = False


def _blocks(backbone: nn.Module) -> list[nn.Module]:
    if hasattr(backbone, 'res_layers'):
        return [block for stage in backbone.res_layers for block in getattr(backbone, stage)]
    if isinstance(layers := getattr(backbone, 'layers', None), nn.ModuleList | nn.Sequential):
        return list(layers)
    raise InputError(
        f'activation_checkpointing is for ResNets and vision transformers of mmpretrain and mmseg, not {type(backbone).__name__}: '
        'set model.activation_checkpointing=False'
    )


def _checkpointed_forward(block: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Replacement for the ``forward`` of a block."""
    forward = MethodType(type(block).forward, block)
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), _SecondPass(block)), **kwargs)


class _SecondPass(AbstractContextManager):
    """Inside, a block has the parameters and buffers of its first pass, and its batch norms update copies of their statistics.

    The first pass may be part of ``torch.func.functional_call``, which has put back the block's own tensors when the second pass runs.
    ``track_running_stats=False`` would not protect the statistics: the second pass must save as many tensors for the backward pass as the
    first.
    """

    def __init__(self, block: nn.Module) -> None:  # during the first pass
        self.modules = list(block.modules())
        self.first = [(dict(module._parameters), dict(module._buffers)) for module in self.modules]

    def __enter__(self) -> None:
        self.outside = [(module._parameters, module._buffers) for module in self.modules]
        for module, (parameters, buffers) in zip(self.modules, self.first, strict=True):
            if isinstance(module, _NormBase) and module.training:
                buffers = {name: None if buffer is None else buffer.clone() for name, buffer in buffers.items()}
            module._parameters, module._buffers = parameters, buffers

    def __exit__(self, *_: object) -> None:
        for module, (parameters, buffers) in zip(self.modules, self.outside, strict=True):
            module._parameters, module._buffers = parameters, buffers
