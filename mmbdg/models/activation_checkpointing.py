"""Activation checkpointing: the blocks of a backbone recompute their activations in the backward pass to save memory."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
    return checkpoint(forward, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), _on_copies_of_statistics(block)), **kwargs)


@contextmanager
def _on_copies_of_statistics(block: nn.Module) -> Iterator[None]:
    """Inside, batch norms update copies of their running statistics.

    ``track_running_stats=False`` would not work: the second pass must save as many tensors for the backward pass as the first.
    """
    norms = [module for module in block.modules() if isinstance(module, _NormBase) and module.training]
    originals = [module._buffers for module in norms]
    for module in norms:
        module._buffers = {name: None if buffer is None else buffer.clone() for name, buffer in module._buffers.items()}
    try:
        yield
    finally:
        for module, buffers in zip(norms, originals, strict=True):
            module._buffers = buffers
