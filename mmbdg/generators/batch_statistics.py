"""Batch statistics of a trained generator: the un-truncated ones, and a table of those for each truncation."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.errors import InputError


def interpolate_row(table: Tensor, truncation: float, first: float) -> Tensor:
    """The row of a table at a truncation, linear between its neighbours.

    Args:
        table: float32 (rows,C), for evenly spaced truncations from ``first`` to 1.
        truncation: t.
        first: The truncation of the first row.

    Returns:
        float32 (C,).

    Raises:
        InputError: t lies outside the table.
    """
    rows = len(table)
    if not rows > 1 or not first <= truncation <= 1:
        known = f'for truncations from {first:g} to 1' if rows > 1 else 'without truncation only'
        raise InputError(f'there are no batch statistics for truncation {truncation}: these weights have them {known}')
    position = (truncation - first) / (1 - first) * (rows - 1)
    if abs(position - round(position)) < 1e-6:  # 0.58 is a row of the table, whatever 0.58 / 0.02 is in floating point
        return table[round(position)]
    lower = math.floor(position)
    weight = position - lower
    return table[lower] * (1 - weight) + table[lower + 1] * weight


class StandingBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d that can keep the statistics of several truncations beside its running ones.

    DeepMind's BigGANs come with statistics for t = 0.02, 0.04, ..., 1, each taken from samples of that truncation. The running
    statistics (``running_mean``, ``running_var``) stay the un-truncated ones.

    Args:
        channels: C.
        eps: Added to the variance.
        affine: Whether there are a gain and a bias.
        rows: Rows of the table, 0 for none; the truncation of row k is (k + 1) / rows.
    """

    def __init__(self, channels: int, eps: float, affine: bool = True, rows: int = 0) -> None:
        super().__init__(channels, eps=eps, affine=affine)
        self.rows = rows
        if rows:
            self.register_buffer('truncation_means', torch.zeros(rows, channels))
            self.register_buffer('truncation_vars', torch.ones(rows, channels))
        self.register_buffer('chosen_mean', None, persistent=False)
        self.register_buffer('chosen_var', None, persistent=False)

    def use_statistics(self, truncation: float | None) -> None:
        """Compute with the statistics of a truncation in eval mode; None for the running ones.

        Raises:
            InputError: There is no table, or it does not reach there.
        """
        if truncation is None:
            self.chosen_mean = self.chosen_var = None
        elif not self.rows:
            raise InputError(
                f'there are no batch statistics for truncation {truncation}: these weights have the un-truncated ones only; '
                'convert weights that have them (ivclab, tfhub), or use a definition of truncation without them'
            )
        else:
            mean, var = (interpolate_row(table, truncation, 1 / self.rows) for table in (self.truncation_means, self.truncation_vars))
            self.chosen_mean, self.chosen_var = mean, var

    def forward(self, x: Tensor) -> Tensor:
        """x (N,C,H,W) -> (N,C,H,W)."""
        if self.training or self.chosen_mean is None:
            return super().forward(x)
        return F.batch_norm(x, self.chosen_mean, self.chosen_var, self.weight, self.bias, eps=self.eps)
