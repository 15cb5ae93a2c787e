"""One step of the momentum encoder for each step of the optimiser."""

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
    """With gradient accumulation a momentum encoder moves once per optimiser step, in the first batch after it.

    mmpretrain's methods (DenseCL, MoCo, MoCo v3, BYOL) move it in every forward pass. With ``accumulative_counts=k`` it would move k times
    towards the same weights, as with a momentum of 1 - (1 - m)^k. Its ``steps`` count iterations as before, so BYOL's and MoCo v3's cosine,
    which divides them by the iterations of the training, keeps its length. Queues take the keys of every batch.

    It does nothing for a model without a momentum encoder, with several optimisers (a GAN averages when its generator steps), or without
    accumulation.
    """

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict) or wrapper._accumulative_counts == 1:
            return
        interval = 1 if wrapper.inner_count % wrapper._accumulative_counts == 0 else NEVER
        for encoder in momentum_encoders(runner):
            encoder.interval = interval


def momentum_encoders(runner: Runner) -> list[BaseAveragedModel]:
    """The averaged models that are parts of the trained one."""
    return [module for module in get_ori_model(runner.model).children() if isinstance(module, BaseAveragedModel)]
