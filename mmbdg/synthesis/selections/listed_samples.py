"""A selection step that keeps, or drops, samples that a person has listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbdg.errors import InputError, listed
from mmbdg.registry import SELECTIONS
from mmbdg.synthesis.selections.base import Choice, Samples, Selection

MOST_LISTED = 100_000
"""Largest number of listed samples: they are part of the header of the selection."""


@SELECTIONS.register_module()
@dataclass(frozen=True)
class ListedSamples(Selection):
    """Keeps the listed samples, or all others. ``tools/explore.py`` writes it for the samples that were marked on its page.

    Args:
        samples: Names of the samples, ``<class folder>/<id>``, at most :data:`MOST_LISTED`. Their order has no effect.
        keep: Whether the listed samples are kept. Default: False, they are dropped.

    Raises:
        InputError: ``samples`` is no list of names, or is empty although ``keep`` is True. In :meth:`choose`: a name is not in the
            dataset.
    """

    samples: Sequence[str]
    keep: bool = False

    def __post_init__(self) -> None:
        named = isinstance(self.samples, list | tuple) and all(isinstance(name, str) for name in self.samples)
        if not named or len(self.samples) > MOST_LISTED:
            raise InputError(f'ListedSamples.samples must be a list of up to {MOST_LISTED:,} names, "CLASS/ID", got {self.samples!r:.200}')
        if not isinstance(self.keep, bool):
            raise InputError(f'ListedSamples.keep must be True or False, got {self.keep!r}')
        if self.keep and not self.samples:
            raise InputError('ListedSamples.samples is empty, so no sample would be kept: list at least one')

    def choose(self, samples: Samples) -> Choice:
        wanted = set(self.samples)
        inside = np.array([samples.title(i) in wanted for i in range(len(samples))], bool)
        if inside.sum() != len(wanted):  # the steps before this one may have dropped some; the others must exist
            everything = Samples(samples.dataset, np.arange(len(samples.dataset.lines)))
            unknown = sorted(wanted - {everything.title(i) for i in range(len(everything))})
            if unknown:
                raise InputError(f'ListedSamples lists names that are not in the dataset:\n  {listed(unknown)}')
        return Choice(inside == self.keep, {})

    def identity(self) -> dict[str, Any]:
        return dict(type='mmbdg.ListedSamples', samples=sorted(set(self.samples)), keep=self.keep)
