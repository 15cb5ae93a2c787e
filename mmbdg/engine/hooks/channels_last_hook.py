"""Keeps the weights of convolutions in the memory format "channels last", in which CPUs compute many of them faster."""

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmbdg.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Converts the four-dimensional weights of the model to ``torch.channels_last``. Activations follow from the weights.

    Only the order of the values in memory changes, so checkpoints fit every other training and tool. Results differ by rounding.
    """

    priority = 'VERY_HIGH'  # before an EMAHook copies the model

    def before_run(self, runner: Runner) -> None:
        to_channels_last(runner.model)

    def before_train(self, runner: Runner) -> None:
        """Convert again: initialisation and loading may have replaced weights."""
        to_channels_last(runner.model)


def to_channels_last(module: nn.Module) -> None:
    """Convert the parameters and buffers with four dimensions in place. ``Module.to`` raises if there is one with five."""
    for values in (*module.parameters(), *module.buffers()):
        if values.ndim == 4:
            values.data = values.data.contiguous(memory_format=torch.channels_last)


def apply_channels_last(cfg: Config, wanted: bool) -> None:
    """Add the hook to the config of a training if it is wanted."""
    if wanted:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='mmbdg.ChannelsLastHook')]
