"""Truncation: the distribution of z and the matching batch statistics."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator

LEAST_RESAMPLED = 0.001
"""Smallest threshold for resampling. Below it, a number is drawn more than a thousand times on average."""
DEFINITIONS = ('resampled', 'scaled_truncnorm', 'scaled_normal')


@dataclass(frozen=True)
class Truncation:
    """A truncation by one of three definitions. In a config it is a number (``resampled``) or a dict of these fields.

    ========================= ============================== ================ =================================================
    definition                z                              statistics       used by
    ========================= ============================== ================ =================================================
    ``resampled`` (default)   N(0, 1), values beyond         un-truncated     BigGAN's paper (section 3.1) and BigDatasetGAN's
                              [-t, t] drawn again                             (section 3.2, t = 0.9)
    ``scaled_truncnorm``      t x N(0, 1), values beyond     those of t       DeepMind's TFHub modules, pytorch-pretrained-biggan
                              [-2, 2] drawn again first                       (``truncated_noise_sample``)
    ``scaled_normal``         N(0, t^2)                      un-truncated     BigDatasetGAN's released sampling script
    ========================= ============================== ================ =================================================

    BigDatasetGAN's released annotated latents use no truncation: z is N(0, 1), rendered with the un-truncated statistics. The
    truncation is None for them.

    Args:
        threshold: Threshold t, in (0, 1] for ``scaled_truncnorm``, positive for the others.
        definition: Definition in the table above. Default: 'resampled'.
        statistics: Batch statistics: 'default' for those in the table, 'untruncated' for weights without statistics per
            truncation. Default: 'default'.

    Raises:
        InputError: A value is out of its range or unknown.
    """

    threshold: float
    definition: str = 'resampled'
    statistics: str = 'default'

    def __post_init__(self) -> None:
        if self.definition not in DEFINITIONS:
            raise InputError(f'truncation.definition must be one of {", ".join(DEFINITIONS)}, got {self.definition!r}')
        if self.statistics not in ('default', 'untruncated'):
            raise InputError(f'truncation.statistics must be "default" or "untruncated", got {self.statistics!r}')
        is_number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if not (is_number and 0 < self.threshold < math.inf):
            raise InputError(f'truncation must be None or positive and finite, got {self.threshold!r}')
        if self.definition == 'resampled' and self.threshold < LEAST_RESAMPLED:
            raise InputError(f'truncation by resampling must be at least {LEAST_RESAMPLED}, got {self.threshold}: drawing would not end')
        if self.definition == 'scaled_truncnorm' and self.threshold > 1:
            raise InputError(f'truncation by scaled_truncnorm must be at most 1, got {self.threshold}')

    @classmethod
    def of(cls, value: 'Truncation | dict | float | None') -> 'Truncation | None':
        """Create a truncation from the value in a config: None, t, or a dict of this class's arguments.

        Raises:
            InputError: The value has another type or is out of range.
        """
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, dict):
            try:
                return cls(**value)
            except TypeError as error:
                raise InputError(f'truncation takes threshold, definition and statistics, got {dict(value)}') from error
        return cls(value)

    @property
    def plain(self) -> float | dict[str, Any]:
        """Value of the truncation in a config."""
        if self == Truncation(self.threshold):
            return self.threshold
        return dict(threshold=self.threshold, definition=self.definition, statistics=self.statistics)

    @property
    def statistics_of(self) -> float | None:
        """Truncation of the matching batch statistics. None for the un-truncated statistics."""
        return self.threshold if self.definition == 'scaled_truncnorm' and self.statistics == 'default' else None

    def draw(self, rng: np.random.Generator, dim: int) -> np.ndarray:
        """Draw z, float64 (dim,)."""
        if self.definition == 'scaled_normal':
            return self.threshold * rng.standard_normal(dim)
        if self.definition == 'scaled_truncnorm':
            return self.threshold * _resampled(rng, dim, 2.0)
        return _resampled(rng, dim, self.threshold)


def select_statistics(generator: ClassConditionalGenerator, truncation: 'Truncation | dict | float | None') -> None:
    """Select the batch statistics of a generator that match a truncation.

    Raises:
        InputError: The generator has no statistics for this truncation.
    """
    truncation = Truncation.of(truncation)
    generator.use_statistics(truncation.statistics_of if truncation else None)


def _resampled(rng: np.random.Generator, dim: int, limit: float) -> np.ndarray:
    z = rng.standard_normal(dim)
    beyond = np.abs(z) > limit
    while beyond.any():
        z[beyond] = rng.standard_normal(int(beyond.sum()))
        beyond = np.abs(z) > limit
    return z
