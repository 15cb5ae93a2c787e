"""Hands the network in training to the steering of online samples."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.models.steered_sampler import connect_steering
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class SteeringHook(Hook):
    """Hands the network in training to its :class:`~mmbdg.models.SteeredSampler`; does nothing in a training without one.

    Raises:
        InputError: The network does not predict label maps.
    """

    def before_train(self, runner: Runner) -> None:
        connect_steering(get_ori_model(runner.model))
