"""Builds a source from a config."""

from collections.abc import Mapping
from typing import Any

import torch

from mmbdg.config_parts import part_class
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import SOURCES
from mmbdg.sources.base import Source


def source_class(config: Mapping[str, Any]) -> type[Source]:
    """Return the class of a source's config after a check of the arguments. Nothing is loaded.

    Raises:
        InputError: There is no such source, or an argument is unknown or invalid.
    """
    kind = part_class(SOURCES, Source, config, 'synthesis.source')
    if check := getattr(kind, 'check', None):
        check(**{key: value for key, value in config.items() if key != 'type'})
    return kind


def build_source(config: Mapping[str, Any], seed: int, device: str) -> Source:
    """Build a source on a device.

    Args:
        config: Config of the source, ``dict(type='mmbdg.NAME', ...)``.
        seed: Seed of the samples.
        device: Name of the device.

    Raises:
        InputError: There is no such source or device, or a file it needs is missing or does not fit.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f'there is no device "{device}" here ({str(error).splitlines()[0]}); choose another --device') from error
    kind = source_class(config)
    with building('synthesis.source'):
        return kind(**{key: value for key, value in config.items() if key != 'type'}, seed=seed).to(device)
