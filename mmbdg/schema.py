"""Schemas of JSON files, and clear messages about content that does not follow them.

A schema is a pydantic model or a ``TypedDict``; :func:`validated` checks content against it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from mmbdg.errors import InputError
from mmbdg.paths import is_plain_name

SHOWN = 5
"""Largest number of problems in a message."""


class Schema(BaseModel):
    """Base class of schemas: types are not converted; unknown keys, NaN and infinity are errors."""

    model_config = ConfigDict(extra='forbid', strict=True, frozen=True, allow_inf_nan=False)


class OpenSchema(Schema):
    """:class:`Schema` of files that other programs write too: unknown keys are kept."""

    model_config = ConfigDict(extra='allow')


def _plain_name(text: str) -> str:
    if not is_plain_name(text) or text[0] in '. ' or text[-1] in '. ' or ':' in text:
        raise PydanticCustomError('plain_name', 'must be the name of a folder or file: no slash, no colon, no dot or blank at an end')
    return text


PlainName = Annotated[str, AfterValidator(_plain_name)]
"""A string that is the name of one file or folder."""


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError('text', 'must be text, without halves of characters (lone surrogates)') from error
    return text


Text = Annotated[str, AfterValidator(_text)]
"""A string that can be written to a file; JSON can also hold halves of characters, which cannot."""


@cache
def adapter(schema: type) -> TypeAdapter:
    """pydantic's validator of a schema; cached."""
    return TypeAdapter(schema)


def validated(schema: type, content: Any, where: str) -> Any:
    """Check content against a schema and return it unchanged.

    Args:
        schema: A pydantic model or a ``TypedDict``.
        content: Values as in JSON: dicts, lists, strings, numbers, booleans, None.
        where: Name of the file and position in it, for the message.

    Raises:
        InputError: The content does not follow the schema; the message lists the first problems with their keys.
    """
    try:
        adapter(schema).validate_python(content, strict=True)
    except (ValidationError, RecursionError) as error:
        raise InputError(f'{where} {problems(error)}') from error
    return content


def problems(error: ValidationError | RecursionError) -> str:
    """Text of a validation error: ``is not as it should be: counts.cat: Input should be a valid integer, got "x"``."""
    if isinstance(error, RecursionError):
        return 'is nested too deeply'
    found = error.errors(include_url=False, include_context=False)
    listed = '; '.join(f'{_place(one["loc"])}{one["msg"].split(" or instance of ")[0]}{_given(one)}' for one in found[:SHOWN])
    return f'is not as it should be: {listed}' + (f'; and {len(found) - SHOWN} more' if len(found) > SHOWN else '')


def _place(keys: Sequence[str | int]) -> str:
    return f'{".".join(str(key)[:80] for key in keys)}: ' if keys else ''


def _given(one: dict) -> str:
    if one['type'] == 'missing':
        return ''
    text = repr(one['input'])
    return f', got {text[:60]}{"..." if len(text) > 60 else ""}'
