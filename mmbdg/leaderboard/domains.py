"""Domains of the leaderboard and their tasks. The list is closed: an entry with another domain or task is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmbdg.assets.class_lists import IN1K, class_names
from mmbdg.storage.label_spaces import Groups, label_space


@dataclass(frozen=True)
class Task:
    """A segmentation task of a domain.

    Args:
        name: Name in entries.
        title: Title of the column.
        space: Value of ``label_space`` in the configs: a name, or groups of classes.
        labels: Names of the labels, background first.
        test_set: Number of test images and checksum of their masks, as ``tools/test.py`` writes them. Default: None, not fixed; all entries
            must still agree.
    """

    name: str
    title: str
    space: str | Groups
    labels: tuple[str, ...]
    test_set: tuple[int, str] | None = None


@dataclass(frozen=True)
class Domain:
    """Tasks that share their test images.

    Args:
        name: Name in entries.
        title: Heading on the pages.
        test_set: Test images in words.
        tasks: Tasks in the order of the columns.
    """

    name: str
    title: str
    test_set: str
    tasks: tuple[Task, ...]

    @cached_property
    def by_name(self) -> dict[str, Task]:
        """Tasks by name."""
        return {task.name: task for task in self.tasks}

    def task_with(self, labels: Sequence[str]) -> Task | None:
        """The task with these labels in this order, or None."""
        return next((task for task in self.tasks if task.labels == tuple(labels)), None)


def _tasks(
    classes: str, spaces: Mapping[str, tuple[str, str | Groups]], test_sets: Mapping[str, tuple[int, str]] | None = None
) -> tuple[Task, ...]:
    """Tasks over the classes of an embedded list, from titles and label spaces by name."""
    return tuple(
        Task(name, title, space, label_space(space, class_names(classes)).classes, (test_sets or {}).get(name))
        for name, (title, space) in spaces.items()
    )


IMAGENET = Domain(
    'imagenet',
    'ImageNet',
    'Real-annotated images of ImageNet (BigDatasetGAN, section 5.2)',
    _tasks(
        IN1K,
        dict(
            dog=('Dog', 'dog'),
            bird=('Bird', 'bird'),
            fgbg=('FG/BG', 'fgbg'),
            mc16=('MC-16', 'mc16'),
            mc100=('MC-100', 'mc100'),
            mc128=('MC-128', 'mc128'),
            mc992=('MC-992', 'mc992'),
        ),
    ),
)
FASHION = Domain(
    'fashion',
    'Embedded garments',
    'embedded test images of Fashion-MNIST, with masks of 32 px drawn by the foreground rule',
    _tasks(
        'fashion32',
        {
            'fgbg': ('FG/BG', 'fgbg'),
            'bag': ('Bag', dict(bag=['bag'])),
            'boot': ('Boot', dict(boot=['ankle boot'])),
            'classes': ('10 classes', 'classes'),
            'long-tailed': (
                'Long-tailed',
                {
                    'upper body': ['t-shirt', 'pullover', 'dress', 'coat', 'shirt'],
                    'shoe': ['sandal', 'sneaker', 'ankle boot'],
                    'trouser': ['trouser'],
                    'bag': ['bag'],
                },
            ),
        },
        {
            'fgbg': (1000, '39af2d85001873fcd3e2153409b4d6b9f79a231473d5bfab5bd7d987fc665e37'),
            'bag': (100, '3d5625e0cb07fe5d13276d74be2474dda9231904c60904fd9795016a2780cbb3'),
            'boot': (100, 'a758af4fcbc9892b01bc0004d472c7cb2045a94abeedb86635a6ea8d933c1eb7'),
            'classes': (1000, '731ac080856b1492fc3fbef0fb9e1534526d24f1a9e1b973ed750049a0208426'),
            'long-tailed': (1000, 'ad88e50eda70020dbbeb5ce968031966bb05dd44ff9598c35bcecae253637eb5'),
        },
    ),
)
DOMAINS = {domain.name: domain for domain in (IMAGENET, FASHION)}
"""Domains by name."""
