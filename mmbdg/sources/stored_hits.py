"""Hits of a search, stored so that each is searched once by all processes and runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.cache import cache_folder
from mmbdg.files import write_atomically
from mmbdg.sources.retrieved_hits import Hits

TYPES = Hits(np.dtype(np.int64), np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.int8))


def stored_hits(address: Mapping[str, Any], bounds: Sequence[int], search: Callable[[], Hits]) -> Hits:
    """Read the hits of an address from the cache folder, or search and store them.

    Args:
        address: All values that determine the hits, as JSON values: checksum of the index, identity of the embedder, queries, settings.
        bounds: Numbers of entries, queries and modalities.
        search: The search.
    """
    from safetensors.numpy import save_file

    key = blake2b(json.dumps(address, sort_keys=True, ensure_ascii=False).encode(), digest_size=16).hexdigest()
    path = cache_folder() / 'hits' / key[:2] / f'{key}.safetensors'
    if (known := _read(path, bounds)) is not None:
        return known
    hits = search()
    write_atomically(path, lambda part: save_file(hits._asdict(), part), sync=False)
    return hits


def _read(path: Path, bounds: Sequence[int]) -> Hits | None:
    """Hits of a file; None if it is missing or damaged, and they must be searched again."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        content = load_file(path)
        hits = Hits(*(content[name] for name in Hits._fields))
    except (OSError, SafetensorError, KeyError):
        return None
    fits = all(values.dtype == kind and values.shape == hits.positions.shape for values, kind in zip(hits, TYPES, strict=True))
    indices = zip((hits.positions, hits.queries, hits.modalities), bounds, strict=True)
    return hits if fits and hits.positions.ndim == 1 and all(((part >= 0) & (part < end)).all() for part, end in indices) else None
