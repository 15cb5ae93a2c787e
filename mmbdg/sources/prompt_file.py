"""A file of prompts of each class, which is made and can be edited before images are generated."""

import os
from collections.abc import Mapping, Sequence

from mmbdg.errors import InputError, nearest
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import Schema
from mmbdg.sources.class_list import ClassList, ImageClass

PLACEHOLDER = '{}'


class PromptFile(Schema):
    """Content of a file of prompts."""

    made_by: dict
    """Kind, settings and seed of :mod:`tools/prompts.py`; {} if the prompts were written by hand."""
    prompts: dict[str, list[str]]
    """Prompts of each class, by the class's id."""


def read_prompts(path: str | os.PathLike, classes: ClassList) -> dict[str, list[str]]:
    """Read a file of prompts and check it.

    Args:
        path: JSON file ``{"made_by": {...}, "prompts": {"n02012849": ["a crane (bird) in a marsh", ...], ...}}``.
        classes: The classes.

    Returns:
        Prompts by class id, for every class.

    Raises:
        InputError: The file has an unknown class or lacks a class, or :func:`check_prompts` finds a fault.
    """
    prompts = read_json(path, PromptFile)['prompts']
    if unknown := [name for name in prompts if name not in classes.ids]:
        raise InputError(
            f'{path} has prompts of the class "{unknown[0]}", which is not in the list of classes{nearest(unknown[0], classes.ids)}'
        )
    for one in classes:
        check_prompts(prompts.get(one.id, []), one, str(path))
    return prompts


def template_prompts(templates: Sequence[str], classes: ClassList) -> dict[str, list[str]]:
    """Fill templates with the classes' names.

    Args:
        templates: Texts with one ``{}`` each, such as "a photo of a {}".
        classes: The classes; the name is inserted with its sense.

    Returns:
        Prompts by class id.

    Raises:
        InputError: There is no template, or one does not have exactly one ``{}``.
    """
    for text in templates:
        if text.count(PLACEHOLDER) != 1:
            raise InputError(f'a template has exactly one {PLACEHOLDER} for the class, got "{text}"')
    if not templates:
        raise InputError('there are no templates; give at least one, such as "a photo of a {}"')
    return {one.id: [text.replace(PLACEHOLDER, one.text) for text in templates] for one in classes}


def check_prompts(prompts: Sequence[str], one: ImageClass, where: str) -> None:
    """Check that a class has prompts, and that each contains the class's name and its sense, if it has one.

    Raises:
        InputError: There are no prompts, or one is empty or lacks the name or the sense.
    """
    if not prompts:
        raise InputError(f'{where} has no prompt of the class "{one.id}" ({one.text}); every class needs at least one')
    for number, text in enumerate(prompts):
        for part in (one.name, one.sense):
            if part.lower() not in text.lower():
                raise InputError(f'{where}: prompt {number} of the class "{one.id}" does not contain "{part}": "{text:.120}"')


def write_prompts(path: str | os.PathLike, prompts: Mapping[str, Sequence[str]], made_by: Mapping) -> None:
    """Write a file of prompts, which can be edited by hand."""
    write_json(path, dict(made_by=dict(made_by), prompts={name: list(texts) for name, texts in prompts.items()}))
