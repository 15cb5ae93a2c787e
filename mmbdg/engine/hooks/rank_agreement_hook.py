"""Checks that all processes train the same model."""

from typing import Any

import torch
from mmengine.dist import all_gather, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm

from mmbdg.errors import InputError
from mmbdg.registry import HOOKS

CHUNK = 2**20
SHOWN = 5
OWN = {_NormBase: ('running_mean', 'running_var'), _SpectralNorm: ('_u', '_v')}  # buffers that each process estimates on its own


@HOOKS.register_module()
class RankAgreementHook(Hook):
    """Stops a distributed training if weights, momentum encoders or queues are no longer bitwise equal on all processes.

    They start equal and receive the same gradients and the same gathered keys. A random number drawn differently, or a batch missing on one
    process, would otherwise only show as a worse model, since rank 0's model is saved. Each tensor is hashed to 64 bits on its device, and
    only the hashes are gathered. Excluded are batch-norm statistics (except those of SyncBatchNorm) and the vectors of spectral
    normalisation, which each process estimates on its own.

    Args:
        first: Iterations from the start or the resume to the first check.
        interval: Iterations between further checks; there is also one at the end.

    Raises:
        InputError: A check found different tensors; the message names them.
    """

    priority = 'LOW'  # runs after the hooks that change the model

    def __init__(self, first: int = 20, interval: int = 1000) -> None:
        self.first, self.interval = first, interval

    def before_train(self, runner: Runner) -> None:
        self.start = runner.iter

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        done = runner.iter + 1
        if done == self.start + self.first or done % self.interval == 0:
            self.check(runner, done)

    def after_train(self, runner: Runner) -> None:
        self.check(runner, runner.iter)

    @staticmethod
    def check(runner: Runner, iteration: int) -> None:
        """Compare the processes now; must be called on all of them."""
        if get_world_size() == 1:
            return
        tensors = shared_tensors(get_ori_model(runner.model))
        digests = torch.stack(all_gather(torch.stack([digest(tensor) for tensor in tensors.values()])))  # (processes, tensors)
        differs = (digests != digests[0]).any(0).tolist()
        if names := [name for name, other in zip(tensors, differs, strict=True) if other]:
            ranks = (digests != digests[0]).any(1).nonzero().flatten().tolist()
            raise InputError(
                f'after iteration {iteration} the processes no longer train the same model: {len(names)} of {len(tensors)} tensors differ '
                f'from rank 0 on rank {", ".join(map(str, ranks))}: {", ".join(names[:SHOWN])}{", ..." if len(names) > SHOWN else ""}. '
                'Check that all processes have the same random numbers, the same number of batches and the same code.'
            )
        runner.logger.info(f'iteration {iteration}: {len(tensors)} weights and buffers are equal on all {len(digests)} processes')


def shared_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers that must be equal on all processes, by name."""
    own = {
        f'{prefix}.{name}'.lstrip('.')
        for prefix, module in model.named_modules()
        for kind, names in OWN.items()
        if isinstance(module, kind) and not isinstance(module, nn.SyncBatchNorm)
        for name in names
    }
    return {name: tensor for name, tensor in (*model.named_parameters(), *model.named_buffers()) if name not in own}


def digest(tensor: Tensor) -> Tensor:
    """Hash of a tensor's bits, int64 scalar on its device: sum over its values (as int32 or uint8), each times 2 position + 1, modulo 2^64.

    Changing one element or swapping two different elements changes the hash.
    """
    data, total = tensor.detach().reshape(-1).contiguous(), torch.zeros((), dtype=torch.int64, device=tensor.device)
    values = data.view(torch.uint8) if data.element_size() != 4 else data.view(torch.int32)
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK].long()
        total += (part * (2 * torch.arange(start, start + len(part), device=tensor.device) + 1)).sum()
    return total
