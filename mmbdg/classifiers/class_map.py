"""Map the classes of a generator to those of a classifier."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.classifiers.base import Classifier
from mmbdg.errors import InputError

Entry = int | str | Sequence[int | str]
Spec = None | str | Sequence[Entry] | Mapping[str, Entry]


def class_map(
    spec: Spec,
    generator_classes: Sequence[str],
    generator_folders: Sequence[str],
    classifier: Classifier,
    needed: Sequence[int] | None = None,
) -> list[list[int]]:
    """Find, for each class of a generator, the corresponding classes of a classifier.

    Args:
        spec: Definition of the map. None: both have the same classes in the same order. A list: one entry per class of the generator, which
            is an index or a name of a class of the classifier, or a list of these if the class covers several. A dict: such entries by
            name or folder of the generator's class. ``'wnid'`` or ``'names'``: classes with the same wnid (folder) or the same name.
        generator_classes: Names of the generator's classes.
        generator_folders: Folders of the generator's classes: wnids, or slugs.
        classifier: Classifier with its number of classes and, if known, their names.
        needed: Indices of the generator's classes that must be mapped; default None: all.

    Returns:
        List of class indices of the classifier for each class of the generator.

    Raises:
        InputError: The numbers of classes differ, a name or an index is unknown, or a needed class is not mapped.
    """
    count = len(generator_classes)
    names = Names(classifier)
    if spec is None:
        if classifier.num_classes != count:
            raise InputError(
                f'the generator has {count} classes, the classifier {classifier.num_classes}: map them by class_map (a list of indices, a '
                "dict of names, 'wnid' or 'names')"
            )
        return [[i] for i in range(count)]
    if spec in ('wnid', 'names'):
        entries: list[Entry | None] = names.matches(generator_folders if spec == 'wnid' else generator_classes, spec)
    elif isinstance(spec, str):
        raise InputError(f"class_map is 'wnid', 'names', a list or a dict, got '{spec}'")
    elif isinstance(spec, Mapping):
        entries = _by_class(spec, generator_classes, generator_folders)
    elif len(spec) != count:
        raise InputError(f'class_map names {len(spec)} classes, the generator has {count}')
    else:
        entries = list(spec)
    found = [names.indices(entry) for entry in entries]
    names.complain()
    if lost := [generator_classes[i] for i in (range(count) if needed is None else needed) if not found[i]]:
        raise InputError(f'class_map has no class of the classifier for {_listed(lost)}')
    return found


def confidence(probabilities: Tensor, ids: Sequence[int]) -> Tensor:
    """Class probabilities float32 (N,K), classes mapped to one class of the generator -> sum of their probabilities, float32 (N,)."""
    return probabilities[:, list(ids)].sum(1)


class Names:
    """Look-up of a classifier's classes by index or name, which collects unknown ones for one error message."""

    def __init__(self, classifier: Classifier) -> None:
        self.count = classifier.num_classes
        self._lists: dict[str, tuple[str, ...]] = {}
        if classifier.classes is not None:
            self._lists = dict(names=class_names(classifier.classes), wnid=folder_names(classifier.classes))
        self._unknown: list[str] = []

    def matches(self, wanted: Sequence[str], which: str) -> list[int | None]:
        """Indices of the classes with the given names or wnids; None for a class that is not found."""
        if not self._lists:
            raise InputError(
                f"class_map='{which}' needs the classifier's classes: classes=[names, in its order] in its config, or classes='in1k'"
            )
        return [self._lists[which].index(name) if self._lists[which].count(name) == 1 else None for name in wanted]

    def indices(self, entry: Entry | None) -> list[int]:
        """Class indices of one entry of a class map; [] for None."""
        if entry is None:
            return []
        many = entry if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry]
        found = [index for one in many if (index := self._index(one)) is not None]
        if len(set(found)) != len(found):
            raise InputError(f'class_map names a class of the classifier twice in {list(many)}')
        return found

    def _index(self, one: int | str) -> int | None:
        if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < self.count:
            return one
        for names in self._lists.values():
            if isinstance(one, str) and names.count(one) == 1:
                return names.index(one)
        self._unknown.append(repr(one))
        return None

    def complain(self) -> None:
        """Raise InputError if any class was unknown."""
        if self._unknown:
            stated = 'and the names in its config' if self._lists else 'its config states no names (classes=[...])'
            raise InputError(
                f'class_map names {_listed(self._unknown)}, which the classifier does not have; it has 0 to {self.count - 1}, {stated}'
            )


def _by_class(spec: Mapping[str, Entry], classes: Sequence[str], folders: Sequence[str]) -> list[Entry | None]:
    entries: list[Entry | None] = [None] * len(classes)
    unknown = []
    for name, entry in spec.items():
        index = next((names.index(name) for names in (list(folders), list(classes)) if names.count(name) == 1), None)
        if index is None:
            unknown.append(repr(name))
        elif entries[index] is not None:
            raise InputError(f'class_map names the class "{classes[index]}" twice, as name and as folder')
        else:
            entries[index] = entry
    if unknown:
        raise InputError(f'class_map names {_listed(unknown)}, not among the classes of the generator: {_listed(classes)}')
    return entries


def _listed(names: Sequence[str]) -> str:
    return ', '.join(map(str, names[:20])) + (f' and {len(names) - 20} more' if len(names) > 20 else '')
