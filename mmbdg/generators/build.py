"""Build a generator from a config, with clear errors."""

import torch

from mmbdg.data_configs import build_plainly
from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator
from mmbdg.generators.card import with_own_sizes
from mmbdg.registry import MODELS


def build_generator(config: dict) -> ClassConditionalGenerator:
    """Build a generator without loading its weights. If its weights have a card, the sizes are taken from there (see :mod:`.card`).

    Raises:
        InputError: The type is unknown, sizes are unknown or do not match each other, or the card is damaged.
    """
    generator = build_plainly(MODELS, with_own_sizes(config), 'the generator')
    if not isinstance(generator, ClassConditionalGenerator):
        raise InputError(f'a {type(generator).__name__} is not a generator')
    return generator


def generator_sizes(config: dict) -> ClassConditionalGenerator:
    """Build a generator on the meta device, without memory for its weights; only its sizes can be used.

    Raises:
        InputError: See :func:`build_generator`.
    """
    config = {key: value for key, value in with_own_sizes(config).items() if key != 'init_cfg'}
    with torch.device('meta'):
        return build_generator(config)
