"""A generator from a config, or a plain word about why not."""

import torch

from mmbdg.data_configs import build_plainly
from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator
from mmbdg.generators.card import with_own_sizes
from mmbdg.registry import MODELS


def build_generator(config: dict) -> ClassConditionalGenerator:
    """The generator of a config, its weights not loaded yet; the sizes are those of its weights' card, see :mod:`mmbdg.generators.card`.

    Raises:
        InputError: There is no such type, its sizes are unknown or do not fit each other, or the card is damaged.
    """
    generator = build_plainly(MODELS, with_own_sizes(config), 'the generator')
    if not isinstance(generator, ClassConditionalGenerator):
        raise InputError(f'a {type(generator).__name__} is no generator')
    return generator


def generator_sizes(config: dict) -> ClassConditionalGenerator:
    """The generator of a config without weights and without memory for them: its sizes are right.

    Raises:
        InputError: See :func:`build_generator`.
    """
    config = {key: value for key, value in with_own_sizes(config).items() if key != 'init_cfg'}
    with torch.device('meta'):
        return build_generator(config)
