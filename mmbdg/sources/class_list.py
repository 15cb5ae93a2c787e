"""Classes of a source without a class-conditional generator: name, sense and search query of each class.

Names are not unique: ImageNet has two classes "crane". Folders and manifests use a class's index and id.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from mmbdg.assets import resolve
from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.paths import slug_of
from mmbdg.reading import read_json
from mmbdg.schema import PlainName, Schema, validated

SUFFIX = '.json'


class ClassEntry(Schema):
    """A class in a file of classes."""

    id: PlainName
    name: str
    sense: str = ''
    query: str = ''


class ClassFile(Schema):
    """Content of a file of classes."""

    classes: list[ClassEntry]


class ImageClass(NamedTuple):
    """One class.

    Attributes:
        index: Index in the list, 0 to K - 1.
        id: Name of the class's folder, unique: its wnid, else a slug.
        name: Name, such as "crane"; several classes may have the same.
        sense: Meaning that distinguishes it from other things of that name, such as "bird"; '' if none is needed.
        query: Words for a text search in image captions; '' to use the name.
    """

    index: int
    id: str
    name: str
    sense: str = ''
    query: str = ''

    @property
    def text(self) -> str:
        """Name with its sense, for prompts: "crane (bird)"; the name alone if there is no sense or the name contains it."""
        return f'{self.name} ({self.sense})' if self.sense and self.sense.lower() not in self.name.lower() else self.name


class ClassList(Sequence[ImageClass]):
    """List of classes in the order of their indices.

    Args:
        classes: One of

            - ``'in1k'`` or ``'fashion32'``: an embedded list, see :mod:`mmbdg.assets.class_lists`;
            - a path of a JSON file ``{"classes": [{"id": "n02012849", "name": "crane", "sense": "bird", "query": "crane bird"}, ...]}``;
              ``sense`` and ``query`` are optional. tools/class_senses.py writes one, ``mmbdg://clip/dtd/classes.json`` is an embedded one;
            - a list of such dicts, or of names; the id of a name is its slug.

    Raises:
        InputError: The list or file does not exist, a class has no name, or two classes have the same id.
    """

    def __init__(self, classes: str | os.PathLike | Sequence[Any]) -> None:
        self._classes = tuple(ImageClass(i, *entry) for i, entry in enumerate(_entries(classes)))
        if not self._classes:
            raise InputError('the list of classes is empty')
        if blank := [one for one in self._classes if not one.name.strip()]:
            raise InputError(f'class {blank[0].index} ({blank[0].id}) has no name')
        seen: dict[str, int] = {}
        for one in self._classes:
            if (other := seen.setdefault(one.id, one.index)) != one.index:
                raise InputError(f'the classes {other} and {one.index} have the same id "{one.id}"; give each an id of its own')

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, index: int) -> ImageClass:
        return self._classes[index]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class."""
        return tuple(one.name for one in self)

    @property
    def ids(self) -> tuple[str, ...]:
        """Id of each class."""
        return tuple(one.id for one in self)

    def plain(self) -> list[dict[str, str]]:
        """Content of the list as JSON, for identities and files."""
        return [dict(id=one.id, name=one.name, sense=one.sense, query=one.query) for one in self]

    def select(self, wanted: Sequence[int | str] | None) -> list[ImageClass]:
        """Find classes by index, id or unique name; None: all classes.

        Raises:
            InputError: A class does not exist, or several classes have the name.
        """
        return list(self) if wanted is None else [self._one(value) for value in wanted]

    def _one(self, value: int | str) -> ImageClass:
        found = [one for one in self if value in (one.index, one.id)] or [one for one in self if value == one.name]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f'{len(found)} classes are called {value!r}: name one by its id, {" or ".join(one.id for one in found)}')
        raise InputError(f'there is no class {value!r}; classes are 0 to {len(self) - 1}: {", ".join(self.names[:20])}')


def write_class_list(path: str | os.PathLike, classes: ClassList) -> None:
    """Write a file of classes, which can be edited and read by :class:`ClassList`."""
    write_json(path, dict(classes=classes.plain()))


def _entries(classes: Any) -> list[tuple[str, str, str, str]]:
    if isinstance(classes, os.PathLike) or (isinstance(classes, str) and str(classes).endswith(SUFFIX)):
        entries: Any = read_json(resolve(classes), ClassFile)['classes']
    elif isinstance(classes, str):
        entries = [dict(id=folder, name=name) for folder, name in zip(folder_names(classes), class_names(classes), strict=True)]
    else:
        entries = [dict(id=slug_of(one) or 'class', name=one) if isinstance(one, str) else dict(one) for one in classes]
        validated(ClassFile, dict(classes=entries), 'classes')
    return [(one['id'], one['name'], one.get('sense', ''), one.get('query', '')) for one in entries]
