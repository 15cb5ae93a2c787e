"""The card beside a trained generator's weights: which network they are of.

``generator.safetensors.json`` is written beside its weights by :class:`mmbdg.engine.ExportWeightsHook`. Whoever uses the weights
takes the sizes from there, so that a generator that was trained with other ones than its config says now still fits.
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
    """What is read of it."""

    config: dict[str, Any] | None = None


def card_path(weights: str) -> Path:
    """Where the card of a file of weights lies."""
    return Path(f'{weights}.json')


def with_own_sizes(config: dict) -> dict:
    """A generator's config with the sizes of its weights' card, where there is one; else as it is.

    Args:
        config: With ``init_cfg=dict(type='Pretrained', checkpoint=PATH)``.

    Raises:
        InputError: The card is damaged, or describes something that is no generator of a known type.
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
