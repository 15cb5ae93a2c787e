"""The extent of a dataset: how many samples of each class a plan asks for, and from which block on."""

import math
from collections.abc import Mapping

from mmbdg.errors import InputError
from mmbdg.storage.catalogue import Catalogue
from mmbdg.synthesis.plan import Synthesis


class Extent:
    """Numbers of samples and blocks of each class of a plan.

    Args:
        plan: Plan of the dataset.
        catalogue: Classes of its source.

    Attributes:
        class_ids: Indices of the classes of the plan, without duplicates.

    Raises:
        InputError: There is no such class, or ``num_per_class`` or ``first`` names a class twice.
    """

    def __init__(self, plan: Synthesis, catalogue: Catalogue) -> None:
        self.plan = plan
        self._first = _by_class('first', plan.first or {}, catalogue)
        if isinstance(plan.num_per_class, Mapping):
            self._samples = _by_class('num_per_class', plan.num_per_class, catalogue)
            self.class_ids = [class_id for class_id, samples in self._samples.items() if samples]
        else:
            wanted = range(len(catalogue.classes)) if plan.classes is None else plan.classes
            self.class_ids = list(dict.fromkeys(catalogue.class_id(c) for c in wanted))
            self._samples = dict.fromkeys(range(len(catalogue.classes)), plan.num_per_class)

    def samples(self, class_id: int) -> int:
        """Return the number of wanted samples of a class."""
        return self._samples.get(class_id, 0)

    def first_block(self, class_id: int) -> int:
        """Return the number of the first block of a class."""
        return self._first.get(class_id, 0) // self.plan.candidates

    def needed(self, class_id: int) -> range:
        """Return the blocks of a class that are needed for its samples, if no bound drops any."""
        first = self.first_block(class_id)
        return range(first, first + self.plan.blocks_for(self.samples(class_id)))

    def possible(self, class_id: int, available: int | None) -> range:
        """Return the blocks that are made for a class at most.

        Args:
            class_id: Class index.
            available: Number of images of the class that the source has. None: endless.
        """
        first = self.first_block(class_id)
        end = first + self.plan.max_blocks_for(self.samples(class_id))
        return range(first, end if available is None else min(end, math.ceil(available / self.plan.candidates)))


def _by_class(key: str, values: Mapping[str, int], catalogue: Catalogue) -> dict[int, int]:
    """Return the values of a mapping from names or folders of classes, by class index."""
    found: dict[int, int] = {}
    for name, value in values.items():
        try:
            class_id = catalogue.class_id(name)
        except InputError as error:
            raise InputError(f'synthesis.{key}: {error}') from None
        if class_id in found:
            raise InputError(f'synthesis.{key} names the class {catalogue.classes[class_id]} twice')
        found[class_id] = value
    return found
