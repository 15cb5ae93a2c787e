"""The file of class-name senses: candidates, scores and choices. It can be edited before prompts are made.

"Diversify, Don't Fine-Tune" resolves ambiguous class names with language models and CLIP. Only its abstract was available: numbers,
templates and the rule of the choice are this package's own.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from mmbdg.assets.class_lists import IN1K, class_names, folder_names
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import Schema
from mmbdg.sources.class_list import ClassList, ImageClass

GIVEN, CURATED, IMAGES, NOBODY = 'given', 'curated', 'images', 'nobody'


class ClassSenses(Schema):
    """Candidates, scores and choice of one class."""

    id: str
    name: str
    candidates: list[str]
    """Senses ("bird"), or whole names that contain the class's name ("crane bird")."""
    scores: list[float]
    """Mean cosine similarity of each candidate's texts with the real images; [] if there are no images."""
    images: int
    """Number of real images behind the scores."""
    margin: float | None
    """Best score minus the second best; None with fewer than two scores."""
    choice: str
    """Chosen candidate or curated name, or ''. It can be edited."""
    decided_by: Literal['given', 'curated', 'images', 'nobody']
    """Kind of decision. given: the list of classes has a sense; curated: name of a curated list; images: best score; nobody: there were no
    candidates or no images."""


class SenseFile(Schema):
    """Content of a file of senses."""

    made_by: dict
    classes: list[ClassSenses]


def with_sense(one: ImageClass, choice: str) -> ImageClass:
    """A class with a chosen candidate: it replaces the name if it contains the name ("crane bird"), else it is the sense ("bird")."""
    if not choice:
        return one
    return one._replace(name=choice, sense='') if one.name.lower() in choice.lower() else one._replace(sense=choice)


def curated_name(one: ImageClass) -> str:
    """Name of an ImageNet class, given by its wnid, in mmpretrain's curated list; '' for other classes."""
    names = dict(zip(folder_names(IN1K), class_names(IN1K), strict=True))
    return names.get(one.id, '')


def read_senses(path: str | os.PathLike, classes: ClassList) -> list[ClassSenses]:
    """Read a file of senses.

    Raises:
        InputError: The file does not hold exactly the classes of the list.
    """
    content = [ClassSenses(**entry) for entry in read_json(path, SenseFile)['classes']]
    if [entry.id for entry in content] != list(classes.ids):
        raise InputError(f'{path} has the senses of other classes than the list: the ids and their order must be the same')
    return content


def write_senses(path: str | os.PathLike, senses: Sequence[ClassSenses], made_by: Mapping) -> None:
    """Write a file of senses, which can be edited by hand."""
    write_json(path, dict(made_by=dict(made_by), classes=[entry.model_dump() for entry in senses]))


def chosen_classes(classes: ClassList, senses: Sequence[ClassSenses]) -> ClassList:
    """The list of classes with the chosen senses.

    Raises:
        InputError: Several classes have the same name and the same sense.
    """
    found = []
    for one, entry in zip(classes, senses, strict=True):
        renamed = entry.choice and entry.choice == curated_name(one)
        found.append(one._replace(name=entry.choice, sense='') if renamed else with_sense(one, entry.choice))
    check_told_apart(found)
    return ClassList([dict(id=one.id, name=one.name, sense=one.sense, query=one.query) for one in found])


def check_told_apart(classes: Sequence[ImageClass]) -> None:
    """Check that no two classes have the same text.

    Raises:
        InputError: Two classes have the same text, so their prompts would be the same.
    """
    seen: dict[str, ImageClass] = {}
    for one in classes:
        other = seen.setdefault(one.text.lower(), one)
        if other.id != one.id:
            raise InputError(
                f'the classes {other.index} ({other.id}) and {one.index} ({one.id}) are both called "{one.text}": give each a sense '
                '(tools/class_senses.py proposes them)'
            )
