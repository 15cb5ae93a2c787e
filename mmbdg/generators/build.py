"""A generator from a config, or a plain word about why not."""

from mmbdg.data_configs import build_plainly
from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator
from mmbdg.registry import MODELS


def build_generator(config: dict) -> ClassConditionalGenerator:
    """The generator of a config, its weights not loaded yet; for commands.

    Raises:
        InputError: There is no such type, or its sizes are unknown or do not fit each other.
    """
    generator = build_plainly(MODELS, config, 'the generator')
    if not isinstance(generator, ClassConditionalGenerator):
        raise InputError(f'a {type(generator).__name__} is no generator')
    return generator
