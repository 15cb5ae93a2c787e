"""Label spaces: mappings from foreground and image class to label ids. They are applied when a dataset is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from mmengine.logging import print_log

from mmbdg.assets.class_lists import imagenet_groups
from mmbdg.errors import InputError
from mmbdg.storage.masks import ignore_label

Item = TypeVar('Item')
Groups = Mapping[str, Sequence[int | str]]


@dataclass(frozen=True)
class LabelSpace:
    """A mapping from (foreground, class of the image) to a label id.

    Attributes:
        classes: Names of the labels, background first.
        foreground_ids: Label id of the foreground for each class of the generator. None if the class is outside the space.
        name: Name of the space. "groups" for a user-defined space.
    """

    classes: tuple[str, ...]
    foreground_ids: tuple[int | None, ...]
    name: str

    @property
    def num_classes(self) -> int:
        """Number of labels including the background."""
        return len(self.classes)

    @property
    def ignore(self) -> int:
        """Label of ignored pixels, see :func:`mmbdg.storage.masks.ignore_label`."""
        return ignore_label(self.num_classes)

    @property
    def metainfo(self) -> dict:
        """Entry of the space in a dataset's ``metainfo``, for metrics. It has plain types only, because checkpoints store it."""
        return dict(name=self.name, foreground_ids=self.foreground_ids)

    def has(self, class_id: int) -> bool:
        """Whether the class has a label."""
        return 0 <= class_id < len(self.foreground_ids) and self.foreground_ids[class_id] is not None

    def paint(self, mask: np.ndarray, class_id: int, ignore: int | None = None) -> np.ndarray:
        """Return the label ids of a mask.

        Args:
            mask: Mask, bool or integer (H,W). Non-zero values are foreground.
            class_id: Class index of the image.
            ignore: Value of ignored pixels in an integer mask. They get :attr:`ignore`. Default: None.

        Returns:
            int64 (H,W).

        Raises:
            InputError: The class is outside the space.
        """
        if not self.has(class_id):
            raise InputError(f'class {class_id} is not in the label space "{self.name}"')
        labels = np.where(mask != 0, self.foreground_ids[class_id], 0).astype(np.int64)
        if ignore is not None and mask.dtype != bool:
            labels[mask == ignore] = self.ignore
        return labels

    def check_masks(self, labels: Sequence[str], of: str) -> None:
        """Raise InputError unless masks with these labels can be read in this space.

        Args:
            labels: Names of the mask labels, background first: two names for background and foreground, or more.
            of: Origin of the masks, for messages.
        """
        if len(labels) == 2 or self.name == 'fgbg':
            return
        if self.name == 'classes' and len(labels) != self.num_classes:
            raise InputError(
                f'the masks of {of} hold {len(labels)} labels, but label_space="classes" needs background and foreground, or background '
                f'and one label for each of the {self.num_classes - 1} classes: use label_space="fgbg"'
            )
        if self.name != 'classes' and tuple(labels) != self.classes:
            raise InputError(
                f'the masks of {of} hold {len(labels)} labels, but the label space "{self.name}" needs background and foreground, or its '
                'own labels: use label_space="fgbg"'
            )

    def within(self, items: Iterable[Item], class_of: Callable[[Item], int], what: str = 'items') -> list[Item]:
        """Return the items whose class has a label. The number of dropped items is logged.

        Args:
            items: Items of any type.
            class_of: Function that returns the class index of an item.
            what: Name of the items in messages. Default: "items".

        Raises:
            InputError: No item has a class with a label.
        """
        items = list(items)
        kept = [item for item in items if self.has(class_of(item))]
        if not kept:
            raise InputError(f'none of the {len(items)} {what} has a class of the label space "{self.name}"')
        if len(kept) < len(items):
            print_log(
                f'{len(items) - len(kept)} of {len(items)} {what} are left out: their classes are not in the label space "{self.name}"',
                'current',
            )
        return kept


def label_space(name: str | Groups, class_names: Sequence[str]) -> LabelSpace:
    """Return a label space by name, or create one from groups of classes.

    Args:
        name: Name of a label space, or a mapping from each label to the names or indices of its classes. The names are
            "fgbg" (one foreground label for all classes), "classes" (one label for each class), and the spaces of the
            paper over the 1,000 classes of ImageNet: "dog", "bird" (foreground and background, of these classes only),
            "mc16" (15 names of PASCAL VOC), "mc100", "mc128" (groups of WordNet) and "mc992".
        class_names: Names of the generator's classes.

    Raises:
        InputError: The name is unknown, the space needs the classes of ImageNet, or groups are empty, overlap or name
            unknown classes.
    """
    if isinstance(name, Mapping):
        return _grouped('groups', {label: [class_id(cls, class_names) for cls in group] for label, group in name.items()}, class_names)
    if name == 'fgbg':
        return LabelSpace(('background', 'foreground'), (1,) * len(class_names), name)
    if name == 'classes':
        return LabelSpace(('background', *class_names), tuple(range(1, len(class_names) + 1)), name)
    if name not in imagenet_groups():
        known = ', '.join(f'"{known}"' for known in imagenet_groups())
        raise InputError(f'unknown label space "{name}"; use "fgbg", "classes", groups {{label: classes}}, or over ImageNet {known}')
    if len(class_names) != 1000:
        raise InputError(f'the label space "{name}" needs the 1,000 classes of ImageNet, the generator has {len(class_names)} classes')
    return _grouped(name, imagenet_groups()[name], class_names)


def _grouped(name: str, groups: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> LabelSpace:
    if not groups or not all(groups.values()) or 'background' in groups:
        raise InputError(
            f'a label space needs at least one label, and classes for each label; "background" must not be among them; got {dict(groups)}'
        )
    ids: list[int | None] = [None] * len(class_names)
    for label_id, (label, members) in enumerate(groups.items(), 1):
        for class_id in members:
            if ids[class_id] not in (None, label_id):
                raise InputError(f'class {class_id} ({class_names[class_id]}) belongs to two labels, the second one is "{label}"')
            ids[class_id] = label_id
    return LabelSpace(('background', *groups), tuple(ids), name)


def class_id(cls: int | str, class_names: Sequence[str]) -> int:
    """Return the index of a class that is given by index or by a unique name. Raise InputError if there is no such class."""
    if isinstance(cls, str) and list(class_names).count(cls) == 1:
        return list(class_names).index(cls)
    if isinstance(cls, int) and 0 <= cls < len(class_names):
        return cls
    raise InputError(f'{cls!r} is not one of the {len(class_names)} classes: use an index from 0, or a name that only one class has')
