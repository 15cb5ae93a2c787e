"""A selection step that drops samples with too little or too much foreground."""

from dataclasses import dataclass
from typing import Any

from mmbdg.errors import InputError
from mmbdg.registry import SELECTIONS
from mmbdg.synthesis.selections.base import Choice, Samples, Selection


@SELECTIONS.register_module()
@dataclass(frozen=True)
class ForegroundBounds(Selection):
    """Keeps samples whose share of foreground pixels (``foreground_ratio`` of the manifest) is within bounds.

    A class can lose all its samples.

    Args:
        min_foreground: Smallest share that is kept, 0 to 1. Default: 0.
        max_foreground: Largest share that is kept, 0 to 1. Default: 1.

    Raises:
        InputError: A bound is out of its range, or ``min_foreground`` is above ``max_foreground``.
    """

    min_foreground: float = 0.0
    max_foreground: float = 1.0

    def __post_init__(self) -> None:
        for name in ('min_foreground', 'max_foreground'):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
                raise InputError(f'ForegroundBounds.{name} must be a number in [0, 1], got {value!r}')
        if self.min_foreground > self.max_foreground:
            raise InputError('ForegroundBounds.min_foreground is above max_foreground, so no sample would be kept: change one of them')

    def choose(self, samples: Samples) -> Choice:
        ratios = samples.values('foreground_ratio')
        return Choice((ratios >= self.min_foreground) & (ratios <= self.max_foreground), {})

    def identity(self) -> dict[str, Any]:
        return dict(type='mmbdg.ForegroundBounds', min_foreground=self.min_foreground, max_foreground=self.max_foreground)
