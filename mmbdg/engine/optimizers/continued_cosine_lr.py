"""The end of a cosine schedule, for a training that starts in its midst."""

import math
from typing import Any

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin

from mmbdg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class ContinuedCosineLR(LRSchedulerMixin, _ParamScheduler):
    """lr = lr_0 (1 + cos(pi (elapsed + t) / T_max)) / 2: the curve a run of T_max epochs, started at lr_0, has from ``elapsed`` on.

    The stock cosine over the remaining epochs is another curve: it starts flat again.

    Args:
        optimizer: Optimiser or its wrapper.
        T_max: Epochs of the whole schedule.
        elapsed: Epochs of it that lie behind.
        **kwargs: As every scheduler of mmengine: ``begin``, ``end``, ``last_step``, ``by_epoch``, ``verbose``.
    """

    def __init__(self, optimizer: Any, *args: Any, T_max: int, elapsed: int, **kwargs: Any) -> None:
        self.T_max, self.elapsed = T_max, elapsed
        super().__init__(optimizer, *args, **kwargs)

    def _get_value(self) -> list[float]:
        return [base * (1 + math.cos(math.pi * (self.elapsed + self.last_step) / self.T_max)) / 2 for base in self.base_values]
