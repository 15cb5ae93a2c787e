"""Card of a trained generator: a JSON file beside the weights with the config of the network.

:class:`mmbdg.engine.ExportWeightsHook` writes ``generator.safetensors.json`` beside the weights. The sizes are read from there when the
weights are used, so that the weights still match if the sizes in the config have changed since the training.
"""

from pathlib import Path
from typing import Any

from mmbdg.compat.init_configs import PUBLISHED_WEIGHTS, current_init
from mmbdg.data_configs import checked_config
from mmbdg.generators.base import ClassConditionalGenerator
from mmbdg.reading import read_json
from mmbdg.registry import MODELS
from mmbdg.schema import OpenSchema


class Card(OpenSchema):
    """Schema of the fields that are read."""

    config: dict[str, Any] | None = None


def card_path(weights: str) -> Path:
    """Path of the card of a weights file."""
    return Path(f'{weights}.json')


def with_own_sizes(config: dict) -> dict:
    """Replace the sizes in a generator's config by those on the card of its weights; without a card, return the config unchanged.

    Args:
        config: Config of a generator, with ``init_cfg=dict(type='Pretrained', checkpoint=PATH)``.

    Raises:
        InputError: The card is damaged, or does not describe a generator of a known type.
    """
    init = current_init(config.get('init_cfg') or {})
    weights = init.get('checkpoint')
    if init.get('type') == PUBLISHED_WEIGHTS or not isinstance(weights, str) or '://' in weights or not card_path(weights).is_file():
        return config
    stated = read_json(card_path(weights), Card).get('config')
    if stated is None:
        return config
    own = checked_config(stated, MODELS, [ClassConditionalGenerator], f'{card_path(weights)}: config')
    return dict(own, init_cfg=init)
