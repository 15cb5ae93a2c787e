"""Replace the scheduler of a pipeline by another one of diffusers."""

import inspect
from collections.abc import Mapping
from typing import Any

from mmbdg.data_configs import UNBUILT, unbuilt_text
from mmbdg.errors import InputError, nearest
from mmbdg.sources.pipeline_folder import libraries
from mmbdg.sources.pipelines import quiet


def scheduler_class(name: str) -> type:
    """Find a scheduler of diffusers by its name.

    Raises:
        InputError: There is no scheduler of this name.
    """
    diffusers, _ = libraries()
    known = [one for one in dir(diffusers.schedulers) if one.endswith('Scheduler') and 'Flax' not in one]
    kind = getattr(diffusers.schedulers, name, None) if name in known else None
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise InputError(f'synthesis.source.scheduler: diffusers has no scheduler "{name}"{nearest(name, known)}')
    return kind


def changed_scheduler(own: Any, config: Mapping[str, Any]) -> Any:
    """Build another scheduler of diffusers with the noise schedule of a pipeline's own scheduler.

    Args:
        own: The pipeline's own scheduler.
        config: ``dict(type='DDIMScheduler', ...)``; further keys replace values of the config of ``own``.

    Raises:
        InputError: The scheduler does not exist, does not take one of the keys, or does not fit the pipeline.
    """
    kind = scheduler_class(config['type'])
    given, takes = {key: value for key, value in config.items() if key != 'type'}, inspect.signature(kind.__init__).parameters
    if unknown := [key for key in given if key not in takes]:
        raise InputError(f'synthesis.source.scheduler: {kind.__name__} takes no "{unknown[0]}"{nearest(unknown[0], takes)}')
    fitting = {type(own), *own.compatibles}
    if kind not in fitting and not given.get('use_flow_sigmas'):
        raise InputError(
            f'synthesis.source.scheduler: {kind.__name__} does not fit the {type(own).__name__} of the model; '
            f'{", ".join(sorted(one.__name__ for one in fitting))} do'
        )
    try:
        with quiet():
            return kind.from_config(own.config, **given)
    except UNBUILT as error:
        raise InputError(f'synthesis.source.scheduler cannot be built: {unbuilt_text(error)}') from error


def plain_scheduler(scheduler: Any) -> dict[str, Any]:
    """Class and config of a scheduler as plain values."""
    kept = {key: value for key, value in scheduler.config.items() if not key.startswith('_')}
    return dict(type=type(scheduler).__name__) | {key: _plain(value) for key, value in sorted(kept.items())}


def _plain(value: Any) -> Any:
    if hasattr(value, 'tolist'):
        return value.tolist()
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
