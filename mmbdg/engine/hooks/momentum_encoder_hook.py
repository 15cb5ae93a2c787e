"""Updates the momentum encoder once per optimiser step."""

import sys
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import BaseAveragedModel
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.registry import HOOKS

NEVER = sys.maxsize  # an interval that no number of steps reaches


@HOOKS.register_module()
class MomentumEncoderHook(Hook):
    """With gradient accumulation, updates the momentum encoder once per optimiser step, in the first batch after the step.

    mmpretrain's methods (DenseCL, MoCo, MoCo v3, BYOL) update it in every forward pass. With ``accumulative_counts=k`` it would be updated
    k times towards the same weights, which equals a momentum of 1 - (1 - m)^k. Its ``steps`` still count iterations, so the cosine momentum
    schedule of BYOL and MoCo v3, which divides them by the total iterations, keeps its length. Queues take the keys of every batch.

    The hook does nothing for a model without a momentum encoder, with several optimisers (a GAN averages when its generator steps), or
    without gradient accumulation.
    """

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict) or wrapper._accumulative_counts == 1:
            return
        interval = 1 if wrapper.inner_count % wrapper._accumulative_counts == 0 else NEVER
        for encoder in momentum_encoders(runner):
            encoder.interval = interval


def momentum_encoders(runner: Runner) -> list[BaseAveragedModel]:
    """The averaged models (momentum encoders) that are direct children of the trained model."""
    return [module for module in get_ori_model(runner.model).children() if isinstance(module, BaseAveragedModel)]
