"""A data file with the parts of prompts: forms of a context, values of their slots, and styles."""

import os
import re
from typing import Annotated

from pydantic import Field

from mmbdg.assets import resolve
from mmbdg.errors import InputError, nearest
from mmbdg.reading import read_json
from mmbdg.schema import Schema

SLOTS = 'mmbdg://prompts/slots.json'
"""Path of the embedded file. Its content is this package's own; the paper's prompts were not available."""
CLASS = 'class'
PLACE = re.compile(r'\{(\w*)\}')


class Slots(Schema):
    """Content of the file."""

    forms: Annotated[list[str], Field(min_length=1)]
    """Contexts, such as "a photo of a {class} {background}, {lighting}"."""
    slots: dict[str, Annotated[list[str], Field(min_length=1)]]
    """Values of each slot."""
    styles: list[str]
    """Ends of a prompt, such as "as a watercolour painting"."""


def read_slots(path: str | os.PathLike = SLOTS) -> Slots:
    """Read a file of slots.

    Raises:
        InputError: A form does not have exactly one ``{class}`` or names an unknown slot, or a value is empty or has a ``{}``.
    """
    content = Slots(**read_json(resolve(path), Slots))
    for form in content.forms:
        places = PLACE.findall(form)
        if places.count(CLASS) != 1:
            raise InputError(f'{path}: a form has exactly one {{{CLASS}}}, got "{form}"')
        if unknown := [name for name in places if name not in content.slots and name != CLASS]:
            raise InputError(f'{path}: "{form}" names the slot "{unknown[0]}", which has no values{nearest(unknown[0], content.slots)}')
    for name, values in (*content.slots.items(), ('styles', content.styles)):
        if wrong := [value for value in values if not value.strip() or PLACE.search(value)]:
            raise InputError(f'{path}: {name} has the value "{wrong[0]}"; a value is a text without braces')
    return content
