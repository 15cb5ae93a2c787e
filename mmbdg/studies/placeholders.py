"""Placeholders in the texts of a step, e.g. ``{seed}`` or ``{pretrain.checkpoint}``."""

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r'\{([A-Za-z_][\w-]*(?:\.\w+)?)\}')


def placeholders(text: str) -> list[str]:
    """Names of the placeholders in a text, in order."""
    return PLACEHOLDER.findall(text)


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A text or a list of texts with its placeholders replaced by ``values``. Unknown placeholders are not changed.

    A text that consists of a single placeholder becomes the value itself, e.g. a number.
    """
    if isinstance(value, list):
        return [filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value)
    if whole and whole[1] in values:
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), value)


def as_option(key: str, value: Any) -> str:
    """An option in the form of ``--cfg-options``. A text with commas is quoted."""
    return f'{key}={_typed(value)}'


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return f'[{",".join(map(_typed, value))}]'
    if isinstance(value, str) and (',' in value or value in ('None', 'True', 'False') or value[:1] in '[(\'"'):
        return f'"{value}"'
    return str(value)
