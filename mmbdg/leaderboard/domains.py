"""Domains of the leaderboard and their tasks. The list is closed: an entry with another domain or task is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mmbdg.assets.class_lists import imagenet_groups


@dataclass(frozen=True)
class Task:
    """A segmentation task of a domain.

    Args:
        name: Name in entries.
        title: Title of the column.
        labels: Names of the labels, background first.
    """

    name: str
    title: str
    labels: tuple[str, ...]


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


def _of_imagenet(name: str, title: str) -> Task:
    return Task(name, title, ('background', *(imagenet_groups()[name] if name != 'fgbg' else ('foreground',))))


_GARMENTS = ('t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot')

IMAGENET = Domain(
    'imagenet',
    'ImageNet',
    'Real-annotated images of ImageNet (BigDatasetGAN, section 5.2)',
    tuple(
        _of_imagenet(name, title)
        for name, title in dict(dog='Dog', bird='Bird', fgbg='FG/BG', mc16='MC-16', mc100='MC-100', mc128='MC-128', mc992='MC-992').items()
    ),
)
FASHION = Domain(
    'fashion',
    'Embedded garments',
    'test images of Fashion-MNIST, 32 px, with masks drawn by the foreground rule',
    (
        Task('fgbg', 'FG/BG', ('background', 'foreground')),
        Task('bag', 'Bag', ('background', 'bag')),
        Task('boot', 'Boot', ('background', 'ankle boot')),
        Task('classes', '10 classes', ('background', *_GARMENTS)),
        Task('long-tailed', 'Long-tailed', ('background', 'upper body', 'shoe', 'trouser', 'dress', 'bag')),
    ),
)
DOMAINS = {domain.name: domain for domain in (IMAGENET, FASHION)}
"""Domains by name."""
