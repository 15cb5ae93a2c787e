"""Stratified random subsets: for label fractions and held-out samples of all datasets."""

import math
from fractions import Fraction

import numpy as np

from mmbdg.addressed import generator_at


def stratified_order(strata: np.ndarray, *address: int | str) -> np.ndarray:
    """Order all samples so that every prefix is approximately stratified; the first samples are one of each stratum.

    The random order within a stratum is drawn at ``(*address, stratum)``, so it depends only on the size of the stratum. Then sample k of
    the n samples of a stratum (k from 0) is sorted by (k + 1/2) / n, the Sainte-Laguë method.

    Args:
        strata: Class of each sample, or the set it comes from; int or str (N,).
        *address: Address of the random numbers, see :func:`~mmbdg.addressed.generator_at`.

    Returns:
        Positions in ``strata``, int64 (N,).
    """
    ranked = []
    for stratum in np.unique(strata).tolist():
        members = generator_at(*address, stratum).permutation(np.flatnonzero(strata == stratum)).tolist()
        ranked += [(k > 0, (k + 0.5) / len(members), stratum, position) for k, position in enumerate(members)]
    return np.array([position for *_, position in sorted(ranked)], dtype=np.int64)


def share(fraction: float, total: int) -> int:
    """``fraction`` times ``total``, with halves rounded up: 1, 5, 10, 50 and 100 % of 735 are 7, 37, 74, 368 and 735.

    Raises:
        ValueError: ``fraction`` is outside (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f'label_fraction must be in (0, 1], got {fraction}')
    return math.floor(Fraction(str(fraction)) * total + Fraction(1, 2))  # str: exact decimal, 0.07 is 7/100


def labelled_subset(strata: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose a stratified subset; with the same seed, a smaller fraction is contained in a larger one.

    Args:
        strata: Stratum of each sample, see :func:`stratified_order`.
        fraction: Fraction of the samples, in (0, 1], see :func:`share`; at least one sample of each stratum is kept.
        seed: Seed of the order of the samples.

    Returns:
        Sorted positions in ``strata``, int64 (K,).

    Raises:
        ValueError: ``fraction`` is outside (0, 1].
    """
    kept = max(share(fraction, len(strata)), len(np.unique(strata)))
    return np.sort(stratified_order(strata, 'labels', seed)[:kept])


def part_of(strata: np.ndarray, part: str, held_out: float, seed: int) -> np.ndarray:
    """Choose one of two disjoint parts: "val", ``held_out`` of each stratum, or "train", the rest.

    Args:
        strata: Stratum of each sample, see :func:`stratified_order`.
        part: "train", "val", or "all" for both.
        held_out: Fraction of each stratum in "val", in (0, 1); at least one sample and never all. A stratum of one sample is in "train".
        seed: Seed of the choice; within a stratum the choice depends only on the size of the stratum.

    Returns:
        Sorted positions in ``strata``, int64 (K,).

    Raises:
        ValueError: The part is unknown, or ``held_out`` is outside (0, 1).
    """
    if part not in ('train', 'val', 'all') or not 0 < held_out < 1:
        raise ValueError(f'part must be "train", "val" or "all", and held_out lie between 0 and 1; got "{part}" and {held_out}')
    kept: list[int] = []
    for stratum in np.unique(strata).tolist():
        members = generator_at('held out', seed, stratum).permutation(np.flatnonzero(strata == stratum)).tolist()
        out = min(max(round(held_out * len(members)), 1), len(members) - 1)
        kept += dict(val=members[:out], train=members[out:], all=members)[part]
    return np.sort(np.array(kept, dtype=np.int64))
