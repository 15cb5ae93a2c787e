"""A source from a config."""

from collections.abc import Mapping
from typing import Any

import torch

from mmbdg.config_parts import part_class
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import SOURCES
from mmbdg.sources.base import Source


def source_class(config: Mapping[str, Any]) -> type[Source]:
    """The class that a source's config names, after a check of its arguments; nothing is loaded.

    Raises:
        InputError: There is no such source, or it does not take an argument.
    """
    kind = part_class(SOURCES, Source, config, 'synthesis.source')
    if check := getattr(kind, 'check', None):
        check(**{key: value for key, value in config.items() if key != 'type'})
    return kind


def build_source(config: Mapping[str, Any], seed: int, device: str) -> Source:
    """A source that computes on a device.

    Args:
        config: ``dict(type='mmbdg.NAME', ...)``.
        seed: Seed of its samples.
        device: Name of the device.

    Raises:
        InputError: There is no such source or device, or a file it needs is missing or does not fit.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f'there is no device "{device}" here ({str(error).splitlines()[0]})') from error
    kind = source_class(config)
    with building('synthesis.source'):
        return kind(**{key: value for key, value in config.items() if key != 'type'}, seed=seed).to(device)
