"""Label spaces: which ids a foreground of a known class is given. Applied when a dataset is read."""

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
        foreground_ids: For each class of the generator, the id its foreground is given; None if the class is outside the space.
        name: Of the space; "groups" for a user's own.
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
        """Label of pixels that do not count, see :func:`mmbdg.storage.masks.ignore_label`."""
        return ignore_label(self.num_classes)

    @property
    def metainfo(self) -> dict:
        """What a dataset's meta information tells a metric of it, in plain types: checkpoints hold it."""
        return dict(name=self.name, foreground_ids=self.foreground_ids)

    def has(self, class_id: int) -> bool:
        """Whether the class has a label."""
        return 0 <= class_id < len(self.foreground_ids) and self.foreground_ids[class_id] is not None

    def paint(self, mask: np.ndarray, class_id: int, ignore: int | None = None) -> np.ndarray:
        """Label ids of a mask.

        Args:
            mask: bool or integer (H,W), foreground is what is not 0.
            class_id: Class of the image.
            ignore: Value of pixels of an integer mask that do not count; they get :attr:`ignore`.

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
        """Raise InputError unless masks with these labels, background first, can be read in this space.

        Args:
            labels: Two names, of foreground and background; or the names of a head that tells more apart.
            of: What the masks are of, in the message.
        """
        if len(labels) == 2 or self.name == 'fgbg':
            return
        if self.name == 'classes' and len(labels) != self.num_classes:
            raise InputError(
                f'the masks of {of} hold {len(labels)} labels, neither foreground and background nor one for each of '
                f'the {self.num_classes - 1} classes: label_space="classes" does not apply, use "fgbg"'
            )
        if self.name != 'classes' and tuple(labels) != self.classes:
            raise InputError(
                f'the masks of {of} hold {len(labels)} labels, neither foreground and background nor those of the label space '
                f'"{self.name}": it does not apply, use "fgbg"'
            )

    def within(self, items: Iterable[Item], class_of: Callable[[Item], int], what: str = 'items') -> list[Item]:
        """The items whose class has a label; the log says how many have none.

        Args:
            items: Any.
            class_of: Class of an item.
            what: They are, in the log.

        Raises:
            InputError: None is left.
        """
        items = list(items)
        kept = [item for item in items if self.has(class_of(item))]
        if not kept:
            raise InputError(f'none of the {len(items)} {what} is of a class in the label space "{self.name}"')
        if len(kept) < len(items):
            print_log(
                f'{len(items) - len(kept)} of {len(items)} {what} are left out, their classes are not in the label space "{self.name}"',
                'current',
            )
        return kept


def label_space(name: str | Groups, class_names: Sequence[str]) -> LabelSpace:
    """A label space by name, or from groups of classes.

    Args:
        name: "fgbg" (one foreground label for all classes), "classes" (one label for each class), one of the paper's over the 1,000 classes
            of ImageNet: "dog", "bird" (foreground and background, of these classes only), "mc16" (15 names of PASCAL VOC), "mc100",
            "mc128" (groups of WordNet), "mc992"; or groups of your own, label: names or indices of its classes.
        class_names: Names of the generator's classes.

    Raises:
        InputError: An unknown name, a space over ImageNet for other classes, or groups that are empty, overlap or name unknown classes.
    """
    if isinstance(name, Mapping):
        return _grouped('groups', {label: [class_id(cls, class_names) for cls in group] for label, group in name.items()}, class_names)
    if name == 'fgbg':
        return LabelSpace(('background', 'foreground'), (1,) * len(class_names), name)
    if name == 'classes':
        return LabelSpace(('background', *class_names), tuple(range(1, len(class_names) + 1)), name)
    if name not in imagenet_groups():
        known = ', '.join(f'"{known}"' for known in imagenet_groups())
        raise InputError(
            f'unknown label space "{name}"; known are "fgbg" and "classes", over ImageNet {known}, and groups {{label: classes}}'
        )
    if len(class_names) != 1000:
        raise InputError(f'the label space "{name}" is one over the 1,000 classes of ImageNet, the generator has {len(class_names)}')
    return _grouped(name, imagenet_groups()[name], class_names)


def _grouped(name: str, groups: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> LabelSpace:
    if not groups or not all(groups.values()) or 'background' in groups:
        raise InputError(f'a label space has labels with classes, beside a background that is not named; got {dict(groups)}')
    ids: list[int | None] = [None] * len(class_names)
    for label_id, (label, members) in enumerate(groups.items(), 1):
        for class_id in members:
            if ids[class_id] not in (None, label_id):
                raise InputError(f'class {class_id} ({class_names[class_id]}) is in two labels, "{label}" is the second')
            ids[class_id] = label_id
    return LabelSpace(('background', *groups), tuple(ids), name)


def class_id(cls: int | str, class_names: Sequence[str]) -> int:
    """A class by its index, or by a name that no other class has; raises InputError if there is none."""
    if isinstance(cls, str) and list(class_names).count(cls) == 1:
        return list(class_names).index(cls)
    if isinstance(cls, int) and 0 <= cls < len(class_names):
        return cls
    raise InputError(f'{cls!r} is not one of the {len(class_names)} classes: give an index from 0, or a name that one class has')
