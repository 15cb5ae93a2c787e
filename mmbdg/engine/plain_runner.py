"""A Runner whose build errors name the config key that failed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mmengine.runner import Runner

from mmbdg.data_configs import building
from mmbdg.workers import end_with_this_process

PLACES = dict(
    setup_env='env_cfg',
    set_randomness='randomness',
    build_log_processor='log_processor',
    build_logger='log_level',
    build_visualizer='visualizer',
    build_model='model',
    wrap_model='model_wrapper_cfg',
    register_default_hooks='default_hooks',
    register_custom_hooks='custom_hooks',
    build_train_loop='train_cfg',
    build_val_loop='val_cfg',
    build_test_loop='test_cfg',
    build_optim_wrapper='optim_wrapper',
    scale_lr='auto_scale_lr',
    build_param_scheduler='param_scheduler',
    _init_model_weights='model',
)
"""Maps each build method of a Runner to the top-level config key it builds from."""


class PlainRunner(Runner):
    """mmengine's Runner; errors raised while it builds its parts become an :class:`~mmbdg.errors.InputError` that names the config key."""

    def build_dataloader(self, dataloader: Any, *args: Any, **kwargs: Any) -> Any:
        """Same as mmengine's static method."""
        with building(self._key_of(dataloader, 'dataloader')):
            return end_with_this_process(Runner.build_dataloader(dataloader, *args, **kwargs))

    def build_evaluator(self, evaluator: Any) -> Any:
        """Same as mmengine's method."""
        with building(self._key_of(evaluator, 'evaluator')):
            return super().build_evaluator(evaluator)

    def _key_of(self, config: Any, kind: str) -> str:
        parts = (f'{part}_{kind}' for part in ('train', 'val', 'test') if getattr(self, f'_{part}_{kind}', None) is config)
        return next(parts, kind)


def _named(method: Callable, place: str) -> Callable:
    @wraps(method)
    def build(*args: Any, **kwargs: Any) -> Any:
        with building(place):
            return method(*args, **kwargs)

    return build


for _name, _place in PLACES.items():
    setattr(PlainRunner, _name, _named(getattr(Runner, _name), _place))
