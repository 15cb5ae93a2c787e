"""Batch statistics of several processes."""

from typing import Any

from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.registry import HOOKS


@HOOKS.register_module()
class AverageStatisticsHook(Hook):
    """After each iteration, the mean over the processes of all floating-point buffers: running means and variances.

    Each process normalises with its own batch, as one process does with batches of that size, but the statistics that evaluation and
    checkpoints use are then the same everywhere. mmengine's SyncBuffersHook does so at the end of epochs, which iterations do not have.
    """

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if get_world_size() > 1:
            all_reduce_params([buffer for buffer in runner.model.buffers() if buffer.is_floating_point()], op='mean')
