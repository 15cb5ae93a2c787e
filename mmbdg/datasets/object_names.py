"""Maps the classes of pasted objects to the classes of a dataset."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module

import mmengine.registry
import numpy as np

from mmbdg.datasets.objects import Objects
from mmbdg.errors import InputError, listed, nearest


def class_names(classes: Sequence[str] | str, what: str) -> tuple[str, ...]:
    """Names of the classes of a detector or segmentor.

    Args:
        classes: The names, or the type of a dataset that has them, e.g. "mmdet.CocoDataset".
        what: Name of the key, for messages.

    Raises:
        InputError: There is no such dataset or it has no names, or the names are no list of different strings.
    """
    if isinstance(classes, str):
        with suppress(ImportError):
            import_module(f'{classes.partition(".")[0]}.registry')
        kind = mmengine.registry.DATASETS.get(classes)
        names = (getattr(kind, 'METAINFO', None) or {}).get('classes')
        if not names:
            raise InputError(f'{what}="{classes}" is no dataset type with class names; give a list of names, or e.g. "mmdet.CocoDataset"')
        return tuple(names)
    names = tuple(classes)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise InputError(f'{what} must be different names of classes, got {list(names)!r}')
    return names


def labels_of_objects(objects: Objects, classes: Sequence[str], names: Mapping[str, str | None] | None) -> np.ndarray:
    """Label of each object.

    Args:
        objects: Objects.
        classes: Names of the dataset's classes; the label of a class is its position.
        names: ``{class of the objects: class of the dataset}`` where the names differ; None: objects of the class are left out.

    Returns:
        Labels, int64 (N,); -1 for objects that are left out.

    Raises:
        InputError: ``names`` has an unknown class, or a class of the objects is none of the dataset.
    """
    names, classes = dict(names or {}), list(classes)
    for name in names:
        if name not in objects.classes:
            raise InputError(f'names: the objects have no class "{name}"{nearest(str(name), objects.classes)}')
    present = np.unique(objects.class_ids).tolist()
    wanted = {objects.classes[class_id]: names.get(objects.classes[class_id], objects.classes[class_id]) for class_id in present}
    if unknown := {own: name for own, name in wanted.items() if name is not None and name not in classes}:
        shown = [f'"{own}"' + ('' if name == own else f' (names: "{name}"{nearest(name, classes)})') for own, name in unknown.items()]
        example = next(iter(unknown))
        raise InputError(
            f'the objects have {len(unknown)} classes that the dataset does not have:\n  {listed(shown)}\n'
            f'Map them to its classes ({", ".join(classes[:10])}{", ..." if len(classes) > 10 else ""}), e.g. '
            f'names={{{example!r}: {classes[-1]!r}}}, or leave them out, e.g. names={{{example!r}: None}}'
        )
    table = np.full(len(objects.classes), -1, np.int64)
    for class_id in present:
        if (name := wanted[objects.classes[class_id]]) is not None:
            table[class_id] = classes.index(name)
    return table[objects.class_ids]
