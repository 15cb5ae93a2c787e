"""Mixed precision in bfloat16, on any device."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import nn

from mmbdg.errors import InputError
from mmbdg.registry import OPTIM_WRAPPERS

OWN = 'mmbdg.AutocastOptimWrapper'
SLOW_CPUS = ('DEFAULT', 'NO AVX', 'AVX2')
"""Capabilities of processors on which torch has no fast bfloat16 convolution."""
REPLACEABLE = ('OptimWrapper', 'AmpOptimWrapper', 'mmengine.OptimWrapper', 'mmengine.AmpOptimWrapper', OWN)


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs forward passes under ``torch.autocast`` in bfloat16, on the model's device.

    mmengine's ``AmpOptimWrapper`` does not support CPUs, and it scales the loss. Loss scaling is needed for float16 but not for bfloat16,
    which has the range of float32. Parameters, gradients and optimiser state stay float32, so checkpoints are the same as without AMP.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """mmengine's context (no gradient synchronisation before the last accumulated batch) plus autocast."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def apply_amp(cfg: Config, precision: str | None) -> None:
    """Switch every optimiser wrapper of a config to mixed precision.

    Args:
        cfg: Config of the training; changed in place.
        precision: ``'bf16'``: :class:`AutocastOptimWrapper`; ``'fp16'``: mmengine's ``AmpOptimWrapper``; None: nothing changes.

    Raises:
        InputError: ``'fp16'`` without a GPU, or an optimiser wrapper of another type, whose behaviour would be lost.
    """
    if precision is None:
        return
    if precision == 'fp16' and not torch.cuda.is_available():
        raise InputError('--amp fp16 needs a GPU and there is none; --amp alone computes in bfloat16 and also works on a CPU')
    for wrapper in _wrappers(cfg.optim_wrapper):
        if wrapper.get('type', 'OptimWrapper') not in REPLACEABLE:
            raise InputError(f'--amp replaces a plain OptimWrapper, but the config has optim_wrapper.type = {wrapper.type}: omit --amp')
        if precision == 'fp16':
            wrapper.type = 'mmengine.AmpOptimWrapper'
            wrapper.setdefault('loss_scale', 'dynamic')
            wrapper.dtype = 'float16'
        else:
            wrapper.type = OWN
            for key in ('loss_scale', 'dtype'):
                wrapper.pop(key, None)
    if precision == 'bf16' and not torch.cuda.is_available() and torch.backends.cpu.get_cpu_capability() in SLOW_CPUS:
        print_log(
            'this processor has no AVX512, without which convolutions take many times longer in bfloat16 than in float32: omit --amp',
            'current',
            logging.WARNING,
        )


def _wrappers(optim_wrapper: ConfigDict) -> list[ConfigDict]:
    """The optimiser wrapper of a config, or the two of a GAN."""
    return [optim_wrapper] if 'optimizer' in optim_wrapper else [part for part in optim_wrapper.values() if isinstance(part, dict)]
