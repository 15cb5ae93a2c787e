"""Build an embedder from a config."""

from collections.abc import Mapping
from typing import Any

from mmbdg.config_parts import part_class
from mmbdg.data_configs import building
from mmbdg.embedders.base import Embedder
from mmbdg.registry import EMBEDDERS


def embedder_class(config: Mapping[str, Any], where: str = 'embedder') -> type[Embedder]:
    """Find the class of an embedder and check its arguments, without loading it.

    Raises:
        InputError: The embedder does not exist, or does not take an argument.
    """
    return part_class(EMBEDDERS, Embedder, config, where, given=())


def build_embedder(config: Mapping[str, Any], device: str = 'cpu', where: str = 'embedder') -> Embedder:
    """Build an embedder with its weights.

    Args:
        config: ``dict(type='mmbdg.OpenCLIP', folder=PATH)`` or another registered embedder.
        device: Name of the device.
        where: Place of the config, for messages.

    Raises:
        InputError: The embedder does not exist, or one of its files is missing or does not fit.
    """
    kind = embedder_class(config, where)
    with building(where):
        return kind(**{key: value for key, value in config.items() if key != 'type'}).to(device)
