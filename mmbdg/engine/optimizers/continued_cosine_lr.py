"""The rest of a cosine learning rate schedule, for a training that starts in the middle of it."""

import math
from typing import Any

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin

from mmbdg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class ContinuedCosineLR(LRSchedulerMixin, _ParamScheduler):
    """lr = lr_0 (1 + cos(pi (elapsed + t) / T_max)) / 2: the schedule of a run of T_max epochs, from epoch ``elapsed`` on.

    A standard cosine schedule over the remaining epochs is different: it starts with a flat part again.

    Args:
        optimizer: Optimiser or optimiser wrapper.
        T_max: Length of the whole schedule, in epochs.
        elapsed: Epochs of the schedule that are already done.
        **kwargs: Arguments of mmengine's schedulers: ``begin``, ``end``, ``last_step``, ``by_epoch``, ``verbose``.
    """

    def __init__(self, optimizer: Any, *args: Any, T_max: int, elapsed: int, **kwargs: Any) -> None:
        self.T_max, self.elapsed = T_max, elapsed
        super().__init__(optimizer, *args, **kwargs)

    def _get_value(self) -> list[float]:
        return [base * (1 + math.cos(math.pi * (self.elapsed + self.last_step) / self.T_max)) / 2 for base in self.base_values]
