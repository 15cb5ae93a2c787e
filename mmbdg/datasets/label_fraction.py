"""A part of the samples: which ones, for every dataset of which only some are used or some are held out."""

import math
from fractions import Fraction

import numpy as np

from mmbdg.addressed import generator_at


def stratified_order(strata: np.ndarray, *address: int | str) -> np.ndarray:
    """All samples in an order of which every beginning holds the strata about in proportion, and one sample of each first.

    Within a stratum the order is drawn at ``(*address, stratum)``, so it depends on how many samples the stratum has and on nothing
    outside it. The k-th of n samples of a stratum (k from 0) then stands at (k + 1/2) / n, which is Sainte-Laguë's way to share seats.

    Args:
        strata: The class of each sample, or the set it comes from; int or str (N,).
        *address: Of the randomness, see :func:`~mmbdg.addressed.generator_at`.

    Returns:
        Positions in ``strata``, int64 (N,).
    """
    ranked = []
    for stratum in np.unique(strata).tolist():
        members = generator_at(*address, stratum).permutation(np.flatnonzero(strata == stratum)).tolist()
        ranked += [(k > 0, (k + 0.5) / len(members), stratum, position) for k, position in enumerate(members)]
    return np.array([position for *_, position in sorted(ranked)], dtype=np.int64)


def share(fraction: float, total: int) -> int:
    """``fraction`` of ``total``, halves rounded up: 1, 5, 10, 50 and 100 % of 735 are 7, 37, 74, 368 and 735.

    Raises:
        ValueError: fraction lies outside (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f'label_fraction must be in (0, 1], got {fraction}')
    return math.floor(Fraction(str(fraction)) * total + Fraction(1, 2))  # 0.07 is seven hundredths here


def labelled_subset(strata: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Sorted positions of a stratified subset; a smaller fraction is contained in a larger one of the same seed.

    Args:
        strata: See :func:`stratified_order`.
        fraction: In (0, 1], see :func:`share`; at least one sample of each stratum is kept.
        seed: Which order the labels come in.

    Raises:
        ValueError: fraction lies outside (0, 1].
    """
    kept = max(share(fraction, len(strata)), len(np.unique(strata)))
    return np.sort(stratified_order(strata, 'labels', seed)[:kept])


def part_of(strata: np.ndarray, part: str, held_out: float, seed: int) -> np.ndarray:
    """Sorted positions of one of two parts that have nothing in common: "val", ``held_out`` of each stratum, and "train", the rest.

    Args:
        strata: See :func:`stratified_order`.
        part: "train" or "val"; "all": both.
        held_out: Share of each stratum, of which at least one sample, and never all, is held out; a stratum of one sample is "train".
        seed: Which samples those are; within a stratum it depends on how many samples that has, and on nothing outside it.

    Raises:
        ValueError: Another part, or held_out lies outside (0, 1).
    """
    if part not in ('train', 'val', 'all') or not 0 < held_out < 1:
        raise ValueError(f'part must be "train", "val" or "all", and held_out lie between 0 and 1; got "{part}" and {held_out}')
    kept: list[int] = []
    for stratum in np.unique(strata).tolist():
        members = generator_at('held out', seed, stratum).permutation(np.flatnonzero(strata == stratum)).tolist()
        out = min(max(round(held_out * len(members)), 1), len(members) - 1)
        kept += dict(val=members[:out], train=members[out:], all=members)[part]
    return np.sort(np.array(kept, dtype=np.int64))
