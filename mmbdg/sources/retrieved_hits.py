"""Hits of each class in a pool: hits of several queries are united, ranked and assigned to classes."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from mmbdg.errors import InputError

Rule = Literal['all', 'best', 'drop']
Order = Literal['similarity', 'rank']


class Hits(NamedTuple):
    """Hits of one class, the best one first, each entry once.

    Attributes:
        positions: Positions of the entries in the index, int64 (N,).
        similarities: Cosine similarity with the best query, float32 (N,); NaN for hits of a text match.
        queries: Index of the best query, int32 (N,).
        modalities: Index of the modality by which the best query found it, int8 (N,).
    """

    positions: np.ndarray
    similarities: np.ndarray
    queries: np.ndarray
    modalities: np.ndarray

    def part(self, kept: np.ndarray) -> 'Hits':
        """Subset of the hits, by a mask, bool (N,), or by indices."""
        return Hits(*(values[kept] for values in self))


def matched(positions: np.ndarray) -> Hits:
    """Hits of a text match, in the order of the pool."""
    number = len(positions)
    return Hits(positions, np.full(number, np.nan, np.float32), np.zeros(number, np.int32), np.zeros(number, np.int8))


def united(found: Sequence[tuple[np.ndarray, np.ndarray]], order: Order = 'similarity') -> Hits:
    """Unite the hits of all queries and modalities of a class.

    Args:
        found: Similarities, float32 (Q,K), descending in each row, and positions, int64 (Q,K), -1 for none, of each modality.
        order: Ranking. "similarity": by the largest similarity. "rank": by the best rank in the list of any query and modality, then by
            the similarity; this mixes modalities whose similarities differ.

    Returns:
        Hits without duplicates; hits with equal values are in the order of the pool.
    """
    columns = []
    for modality, (similarities, positions) in enumerate(found):
        query, rank = np.indices(positions.shape)
        there = positions >= 0
        columns.append(
            (positions[there], similarities[there], query[there], np.full(int(there.sum()), modality), rank[there]),
        )
    positions, similarities, queries, modalities, ranks = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    # The best hit of an entry comes first; among equal ones, that of the first modality and query.
    best = np.lexsort((queries, modalities, -similarities, positions))
    first = best[np.r_[True, np.diff(positions[best]) != 0]] if len(best) else best
    by = [positions[first], -similarities[first]]
    if order == 'rank':
        least = np.full(int(positions.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(least, positions, ranks)
        by.append(least[positions[first]])
    chosen = first[np.lexsort(by)]
    return Hits(
        positions[chosen].astype(np.int64),
        similarities[chosen].astype(np.float32),
        queries[chosen].astype(np.int32),
        modalities[chosen].astype(np.int8),
    )


def by_rule(classes: Sequence[Hits], rule: Rule) -> list[Hits]:
    """Apply a rule to entries that are hits of several classes.

    Args:
        classes: Hits of each class.
        rule: Classes that keep such an entry. "all": every class ("The Unmet Promise", section 3.2). "best": the class with the largest
            similarity, the first one if several are equal. "drop": none.

    Raises:
        InputError: The rule is "best", but the hits have no similarities.
    """
    if rule == 'all' or not classes:
        return list(classes)
    positions = np.concatenate([hits.positions for hits in classes])
    owners = np.concatenate([np.full(len(hits.positions), i) for i, hits in enumerate(classes)])
    if rule == 'drop':
        values, numbers = np.unique(positions, return_counts=True)
        several = values[numbers > 1]
        return [hits.part(~np.isin(hits.positions, several)) for hits in classes]
    similarities = np.concatenate([hits.similarities for hits in classes])
    if np.isnan(similarities).any():
        raise InputError('multi_label="best" compares similarities, which a text match does not have: use "all" or "drop"')
    best = np.lexsort((owners, -similarities, positions))
    first = best[np.r_[True, np.diff(positions[best]) != 0]] if len(best) else best
    owner = dict(zip(positions[first].tolist(), owners[first].tolist(), strict=True))
    return [hits.part(np.array([owner[p] == i for p in hits.positions.tolist()], bool)) for i, hits in enumerate(classes)]


def number_in_several(classes: Sequence[Hits]) -> int:
    """Number of entries that are hits of more than one class."""
    positions = np.concatenate([hits.positions for hits in classes]) if classes else np.zeros(0, np.int64)
    return int((np.unique(positions, return_counts=True)[1] > 1).sum())
