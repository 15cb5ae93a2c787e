"""Batch statistics of a trained generator: without truncation, and a table with one row per truncation."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.errors import InputError


def interpolate_row(table: Tensor, truncation: float, first: float) -> Tensor:
    """Look up a table of statistics at a truncation, with linear interpolation between rows.

    Args:
        table: Statistics at evenly spaced truncations from ``first`` to 1, float32 (rows,C).
        truncation: Truncation t.
        first: Truncation of the first row.

    Returns:
        Statistics at t, float32 (C,).

    Raises:
        InputError: t lies outside the table.
    """
    rows = len(table)
    if not rows > 1 or not first <= truncation <= 1:
        known = f'for truncations from {first:g} to 1' if rows > 1 else 'without truncation only'
        raise InputError(f'there are no batch statistics for truncation {truncation}: these weights have them {known}')
    position = (truncation - first) / (1 - first) * (rows - 1)
    if abs(position - round(position)) < 1e-6:  # rounding: 0.58 is a row of the table, although 0.58 / 0.02 is not exactly 29
        return table[round(position)]
    lower = math.floor(position)
    weight = position - lower
    return table[lower] * (1 - weight) + table[lower + 1] * weight


class StandingBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d that can store statistics for several truncations in addition to its running statistics.

    DeepMind's BigGANs have statistics for t = 0.02, 0.04, ..., 1, each computed from samples with that truncation. The running
    statistics (``running_mean``, ``running_var``) are those without truncation.

    Args:
        channels: Number of channels C.
        eps: Constant added to the variance.
        affine: Whether the layer has a gain and a bias; default True.
        rows: Number of rows of the table; row k has truncation (k + 1) / rows. Default 0: no table.
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
        """Choose the statistics that eval mode uses: those of a truncation, or the running statistics for None.

        Raises:
            InputError: The layer has no table, or the truncation lies outside it.
        """
        if truncation is None:
            self.chosen_mean = self.chosen_var = None
        elif not self.rows:
            raise InputError(
                f'there are no batch statistics for truncation {truncation}: these weights have only those without truncation; '
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
