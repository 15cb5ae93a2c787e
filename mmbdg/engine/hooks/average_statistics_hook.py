"""Averages batch-norm statistics over the processes."""

from typing import Any

from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.registry import HOOKS


@HOOKS.register_module()
class AverageStatisticsHook(Hook):
    """After each iteration, averages all floating-point buffers (running means and variances) over the processes.

    Each process still normalises with its own batch, but the statistics used by evaluation and stored in checkpoints are the same on all
    processes. mmengine's SyncBuffersHook does this at the end of each epoch only, so never in an iteration-based training.
    """

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if get_world_size() > 1:
            all_reduce_params([buffer for buffer in runner.model.buffers() if buffer.is_floating_point()], op='mean')
