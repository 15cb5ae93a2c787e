"""Embeddings that a pool provides, and a check that they were made by a given embedder."""

from collections.abc import Sequence

import numpy as np

from mmbdg.embedders import Embedder
from mmbdg.errors import InputError
from mmbdg.pools.base import Modality, Pool
from mmbdg.pools.entry import Entry

LEAST_SIMILARITY = 0.98
"""Minimum similarity of two embeddings of the same image or caption by the same model, in half and in single precision."""


def given_vectors(pool: Pool, modality: Modality, rows: np.ndarray, dim: int) -> np.ndarray:
    """Read the embeddings of some rows of a pool's metadata.

    Args:
        pool: The pool.
        modality: Modality of the embeddings, "image" or "text".
        rows: Row numbers, int64 (N,).
        dim: Required length D of the vectors.

    Returns:
        Vectors of length 1, float32 (N,D).

    Raises:
        InputError: The pool has no embeddings, they have another length, or there are fewer embeddings than rows.
    """
    parts = pool.vectors(modality)
    if parts is None:
        raise InputError(f'{pool.folder} comes without embeddings of the modality "{modality}": let them be computed')
    number, wanted = 0, np.empty((len(rows), dim), np.float32)
    for part in parts:
        if part.shape[1] != dim:
            raise InputError(
                f'the embeddings of the modality "{modality}" in {pool.folder} have the length {part.shape[1]}, those of the embedder '
                f'{dim}: they are of another model'
            )
        own = (rows >= number) & (rows < number + len(part))
        wanted[own] = part[rows[own] - number]
        number += len(part)
    if number <= rows.max(initial=-1):
        raise InputError(f'{pool.folder} has {number} embeddings of the modality "{modality}", but its metadata have more rows')
    return wanted


def check_given(pool: Pool, modality: Modality, entries: Sequence[Entry], vectors: np.ndarray, embedder: Embedder) -> None:
    """Check on a few entries that an embedder made the vectors.

    Args:
        pool: The pool.
        modality: Modality of the embeddings, "image" or "text".
        entries: The first N entries.
        vectors: Vectors of length 1, float32 (M,D); the first N are those of the entries.
        embedder: The embedder.

    Raises:
        InputError: The vector that the embedder computes for an entry differs from the given one.
    """
    if modality == 'text':
        own = embedder.texts([entry.caption for entry in entries]).numpy()
    else:
        own = embedder.images([pool.image(entry.name) for entry in entries]).numpy()
    similarities = (own * vectors[: len(own)]).sum(1)
    if (similarities < LEAST_SIMILARITY).any():
        i = int(similarities.argmin())
        raise InputError(
            f'the {modality} embedding of {entries[i].name} in {pool.folder} has a similarity of {similarities[i]:.3f} with the one that '
            'the embedder computes, not about 1: it was made by another model, or from an image that was otherwise preprocessed'
        )
