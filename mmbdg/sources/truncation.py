"""Truncation: how z is drawn, and which batch statistics go with it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator

LEAST_RESAMPLED = 0.001
"""Below this a normal number is drawn again more than a thousand times until it lies within the threshold."""
DEFINITIONS = ('resampled', 'scaled_truncnorm', 'scaled_normal')


@dataclass(frozen=True)
class Truncation:
    """One of the three things that are called truncation. A config writes a number (``resampled``) or a dict of these fields.

    ========================= ============================== ================ =================================================
    definition                z                              statistics       who uses it
    ========================= ============================== ================ =================================================
    ``resampled`` (default)   N(0, 1), values beyond         un-truncated     BigGAN's paper (section 3.1) and BigDatasetGAN's
                              [-t, t] drawn again                             (section 3.2, t = 0.9)
    ``scaled_truncnorm``      t x N(0, 1), values beyond     those of t       DeepMind's TFHub modules, pytorch-pretrained-biggan
                              [-2, 2] drawn again first                       (``truncated_noise_sample``)
    ``scaled_normal``         N(0, t^2)                      un-truncated     BigDatasetGAN's released sampling script
    ========================= ============================== ================ =================================================

    BigDatasetGAN's released annotated latents are of none of them: they are N(0, 1), rendered with the un-truncated statistics; there
    the truncation is None.

    Args:
        threshold: t. In (0, 1] for ``scaled_truncnorm``, positive for the others.
        definition: See above.
        statistics: 'default' for what the table says; 'untruncated' for weights that have no statistics per truncation.

    Raises:
        InputError: A value is out of its range or unknown.
    """

    threshold: float
    definition: str = 'resampled'
    statistics: str = 'default'

    def __post_init__(self) -> None:
        if self.definition not in DEFINITIONS:
            raise InputError(f'truncation is defined as one of {", ".join(DEFINITIONS)}, got {self.definition!r}')
        if self.statistics not in ('default', 'untruncated'):
            raise InputError(f'truncation.statistics must be "default" or "untruncated", got {self.statistics!r}')
        is_number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if not (is_number and 0 < self.threshold < math.inf):
            raise InputError(f'truncation must be None or positive and finite, got {self.threshold!r}')
        if self.definition == 'resampled' and self.threshold < LEAST_RESAMPLED:
            raise InputError(f'truncation by resampling is defined from {LEAST_RESAMPLED} on, got {self.threshold}: drawing would not end')
        if self.definition == 'scaled_truncnorm' and self.threshold > 1:
            raise InputError(f'scaled_truncnorm is defined for truncations up to 1, got {self.threshold}')

    @classmethod
    def of(cls, value: 'Truncation | dict | float | None') -> 'Truncation | None':
        """From what a config holds: None, t, or a dict of this class's arguments.

        Raises:
            InputError: It is none of these, or out of range.
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
        """What a config would hold."""
        if self == Truncation(self.threshold):
            return self.threshold
        return dict(threshold=self.threshold, definition=self.definition, statistics=self.statistics)

    @property
    def statistics_of(self) -> float | None:
        """The truncation whose batch statistics go with it; None for the un-truncated ones."""
        return self.threshold if self.definition == 'scaled_truncnorm' and self.statistics == 'default' else None

    def draw(self, rng: np.random.Generator, dim: int) -> np.ndarray:
        """z, float64 (dim,)."""
        if self.definition == 'scaled_normal':
            return self.threshold * rng.standard_normal(dim)
        if self.definition == 'scaled_truncnorm':
            return self.threshold * _resampled(rng, dim, 2.0)
        return _resampled(rng, dim, self.threshold)


def select_statistics(generator: ClassConditionalGenerator, truncation: 'Truncation | dict | float | None') -> None:
    """Let a generator compute with the batch statistics that belong to a truncation.

    Raises:
        InputError: It has none for that truncation.
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
