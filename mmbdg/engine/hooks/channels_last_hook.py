"""Keeps the weights of convolutions in the memory format "channels last", in which CPUs and tensor cores compute them faster."""

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Converts the four-dimensional weights of the model to ``torch.channels_last``. Activations follow from the weights.

    Only the order of the values in memory changes, so checkpoints fit every other training and tool. Results differ by rounding.
    """

    priority = 'VERY_HIGH'  # before an EMAHook copies the model

    def before_run(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)

    def before_train(self, runner: Runner) -> None:
        """Convert again: initialisation and loading may have replaced weights."""
        runner.model.to(memory_format=torch.channels_last)


def apply_channels_last(cfg: Config, wanted: bool) -> None:
    """Add the hook to the config of a training if it is wanted."""
    if wanted:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='mmbdg.ChannelsLastHook')]
