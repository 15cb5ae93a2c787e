"""Vector search with faiss, which is imported on first use."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.files import write_atomically

MOST_TRAINING = 500_000
"""Largest number of training vectors of an index such as ``IVF1024,Flat``; faiss uses fewer if fewer suffice."""


def load_faiss() -> ModuleType:
    """Import faiss.

    Raises:
        InputError: It is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise InputError(f'searching for vectors needs faiss, which cannot be imported ({error}): pip install "mmbdg[clip]"') from error
    return faiss


def new_index(factory: str, dim: int) -> Any:
    """Make an empty index for inner products.

    Args:
        factory: faiss's factory string, such as "Flat" (exact), "HNSW32", "IVF4096,Flat".
        dim: Length of the vectors.

    Raises:
        InputError: faiss is not installed, or the factory string is invalid.
    """
    faiss = load_faiss()
    try:
        return faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise InputError(f'faiss makes no index of the factory string {factory!r} for vectors of length {dim}: {_reason(error)}') from error


def train_rows(number: int) -> np.ndarray:
    """Rows of the training vectors of an index, int64 (M,), ascending: all rows, or :data:`MOST_TRAINING` rows drawn by address."""
    if number <= MOST_TRAINING:
        return np.arange(number)
    return np.sort(generator_at('pools', 'faiss training', number).choice(number, MOST_TRAINING, replace=False))


def fill(index: Any, vectors: Iterator[np.ndarray]) -> None:
    """Add vectors, float32 (N,D) each, in order."""
    for part in vectors:
        index.add(np.ascontiguousarray(part, np.float32))


def train(index: Any, vectors: np.ndarray, factory: str) -> None:
    """Train an index, if its type needs training.

    Raises:
        InputError: There are too few vectors.
    """
    if index.is_trained:
        return
    try:
        index.train(np.ascontiguousarray(vectors, np.float32))
    except RuntimeError as error:
        raise InputError(f'an index {factory!r} cannot be trained on {len(vectors)} vectors: {_reason(error)}') from error


def write_faiss(path: Path, index: Any) -> None:
    """Write an index, atomically."""
    write_atomically(path, lambda part: load_faiss().write_index(index, str(part)))


def read_faiss(path: Path) -> Any:
    """Read an index.

    Raises:
        InputError: The file is damaged, or faiss is not installed.
    """
    faiss = load_faiss()
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise InputError(f'{path} is not an index of faiss, or is damaged: {_reason(error)}; index the pool again') from error


def ranked_search(index: Any, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Search, with a rule of ours for equal similarities: the lower position comes first. faiss returns them in any order.

    A query is searched again with twice as many results while the similarity of rank k may continue beyond the last result.

    Args:
        index: Index of inner products.
        queries: float32 (Q,D).
        k: Number of results, at most that of the vectors.

    Returns:
        Similarities, float32 (Q,k), descending, and positions, int64 (Q,k), -1 for none.
    """
    similarities, positions = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    rows, asked = np.arange(len(queries)), min(k + 1, index.ntotal)
    while len(rows) and k:
        found, places = index.search(queries[rows], asked)
        open_ones = (found[:, -1] == found[:, k - 1]) & (places[:, -1] >= 0) & (asked < index.ntotal)
        order = np.lexsort((places, -found, places < 0), axis=1)[:, :k]
        similarities[rows], positions[rows] = np.take_along_axis(found, order, 1), np.take_along_axis(places, order, 1)
        rows, asked = rows[open_ones], min(2 * asked, index.ntotal)
    return similarities, positions


def set_search(index: Any, parameters: str) -> None:
    """Set parameters of the search, in faiss's own form: "nprobe=64" or "efSearch=128,...".

    Raises:
        InputError: The index does not have the parameter.
    """
    if not parameters:
        return
    try:
        load_faiss().ParameterSpace().set_index_parameters(index, parameters)
    except RuntimeError as error:
        raise InputError(f'the index takes no search parameters {parameters!r}: {_reason(error)}') from error


def _reason(error: RuntimeError) -> str:
    """Message of a faiss exception, without the position in the source of faiss."""
    return str(error).rpartition(': ')[2].splitlines()[0][:200] if str(error) else 'no reason given'
