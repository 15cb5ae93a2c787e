"""Mixed precision in bfloat16, on any device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper
from torch import nn

from mmbdg.errors import InputError
from mmbdg.registry import OPTIM_WRAPPERS

OWN = 'mmbdg.AutocastOptimWrapper'
REPLACEABLE = ('OptimWrapper', 'AmpOptimWrapper', 'mmengine.OptimWrapper', 'mmengine.AmpOptimWrapper', OWN)


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Forward passes under ``torch.autocast`` in bfloat16, on the device the model is on.

    mmengine's ``AmpOptimWrapper`` refuses CPUs and scales the loss, which float16 needs and bfloat16, with float32's range, does not.
    Parameters, gradients and the optimiser's state stay float32, so checkpoints fit those of a training without it.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """As mmengine's (no gradient synchronisation before the last accumulated batch), and autocast."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def apply_amp(cfg: Config, precision: str) -> None:
    """Give every optimiser of a config mixed precision: ``'bf16'`` this module's, ``'fp16'`` mmengine's ``AmpOptimWrapper``.

    Raises:
        InputError: ``'fp16'`` without a GPU, or an optimiser wrapper of another kind, which would be lost.
    """
    if precision == 'fp16' and not torch.cuda.is_available():
        raise InputError('--amp fp16 needs a GPU and there is none; --amp alone computes in bfloat16, on a CPU too')
    for wrapper in _wrappers(cfg.optim_wrapper):
        if wrapper.get('type', 'OptimWrapper') not in REPLACEABLE:
            raise InputError(f'--amp replaces a plain OptimWrapper; the config has optim_wrapper.type = {wrapper.type}: leave out --amp')
        if precision == 'fp16':
            wrapper.type = 'mmengine.AmpOptimWrapper'
            wrapper.setdefault('loss_scale', 'dynamic')
            wrapper.dtype = 'float16'
        else:
            wrapper.type = OWN
            for key in ('loss_scale', 'dtype'):
                wrapper.pop(key, None)


def _wrappers(optim_wrapper: ConfigDict) -> list[ConfigDict]:
    """One, or those of a GAN's two networks."""
    return [optim_wrapper] if 'optimizer' in optim_wrapper else [part for part in optim_wrapper.values() if isinstance(part, dict)]
