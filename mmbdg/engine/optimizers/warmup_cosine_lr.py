"""Linear warm-up, then a cosine from the end of the warm-up to the end of the training."""

import logging
import math
from typing import Any

from mmengine.logging import print_log
from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin

from mmbdg.errors import InputError
from mmbdg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class WarmupCosineLR(LRSchedulerMixin, _ParamScheduler):
    """The schedule of WiSE-FT's code, which "The Unmet Promise" uses too.

    Step t = 0, 1, ... has the rate lr (t + 1) / warmup for t < warmup, then lr (1 + cos(pi (t - warmup) / (T_max - warmup))) / 2.

    mmengine's LinearLR and CosineAnnealingLR give the same in a training of a known number of iterations. They cannot describe it for a
    number of epochs, because the warm-up is given in iterations and the cosine begins where it ends.

    Args:
        optimizer: Optimiser or optimiser wrapper.
        warmup: Number of iterations of the warm-up.
        T_max: Length of the training: iterations; epochs with ``by_epoch=True, convert_to_iter_based=True``.
        **kwargs: Arguments of mmengine's schedulers: ``last_step``, ``by_epoch``, ``verbose``.

    Raises:
        InputError: The schedule is updated by epochs: ``convert_to_iter_based=True`` is missing.
    """

    def __init__(self, optimizer: Any, *args: Any, warmup: int, T_max: int, **kwargs: Any) -> None:
        if kwargs.get('by_epoch', True):
            raise InputError('mmbdg.WarmupCosineLR counts iterations: set by_epoch=False, or convert_to_iter_based=True')
        if warmup >= T_max:
            short = f'the training has {T_max} iterations, the warm-up of the learning rate {warmup}: the rate never reaches its full value'
            print_log(short, 'current', logging.WARNING)
        self.warmup, self.T_max = warmup, T_max
        super().__init__(optimizer, *args, **kwargs)

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, T_max: int, epoch_length: int, end: int | None = None, by_epoch: bool = True, **kwargs: Any
    ) -> 'WarmupCosineLR':
        """Build the schedule from a length in epochs; mmengine's Runner calls it for ``convert_to_iter_based=True``.

        The Runner sets ``end`` to the number of epochs, as for its own schedules; here the schedule ends with ``T_max``.
        """
        return cls(*args, T_max=T_max * epoch_length, by_epoch=False, **kwargs)

    def _get_value(self) -> list[float]:
        step = self.last_step
        if step < self.warmup:
            return [base * (step + 1) / self.warmup for base in self.base_values]
        part = min((step - self.warmup) / (self.T_max - self.warmup), 1) if self.T_max > self.warmup else 1
        return [base * (1 + math.cos(math.pi * part)) / 2 for base in self.base_values]
