"""Store of vectors by embedded content, in parts on disk, so that nothing is embedded twice."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.listing import list_files
from mmbdg.paths import check_regular

KEY = np.dtype('V16')
"""Dtype of a key: 16 bytes."""
MOST_LOADED = 4


class VectorStore:
    """Vectors of one embedder and one kind of content.

    Part files ``KIND-000000.safetensors`` hold ``keys``, uint8 (N,16), and ``vectors``, float32 (N,D). Each is written once, complete.

    Args:
        folder: Folder of the parts.
        kind: "image" or "text".
        dim: Length D of the vectors.

    Raises:
        InputError: A part is damaged or has vectors of another length.
    """

    def __init__(self, folder: Path, kind: str, dim: int) -> None:
        self.folder, self.kind, self.dim = folder, kind, dim
        self._parts: list[Path] = []
        self._loaded: dict[int, np.ndarray] = {}
        self._keys, self._part, self._row = np.zeros(0, KEY), np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._unsorted: list[tuple[int, np.ndarray]] = []
        if folder.is_dir():
            for path in list_files(folder, ('.safetensors',), depth=0).files:
                if path.name.startswith(f'{kind}-'):
                    self._add_keys(path, _read(path, dim)[0])

    def __len__(self) -> int:
        self._sort()
        return len(self._keys)

    def has(self, keys: np.ndarray) -> np.ndarray:
        """Whether each key is in the store, bool (N,)."""
        return self._find(keys)[1]

    def number_besides(self, keys: np.ndarray) -> int:
        """Number of stored vectors whose key is not among the given ones."""
        self._sort()
        return int((~np.isin(self._keys, keys)).sum())

    def add(self, keys: np.ndarray, vectors: np.ndarray) -> None:
        """Write a part.

        Args:
            keys: Keys, (N,) of :data:`KEY`.
            vectors: float32 (N,D).
        """
        from safetensors.numpy import save_file

        if not len(keys):
            return
        last = int(self._parts[-1].stem.rpartition('-')[2]) + 1 if self._parts else 0
        path = self.folder / f'{self.kind}-{last:06d}.safetensors'
        content = dict(keys=keys.view(np.uint8).reshape(-1, 16), vectors=np.ascontiguousarray(vectors, np.float32))
        write_atomically(path, lambda part: save_file(content, part))
        self._add_keys(path, keys)

    def gather(self, keys: np.ndarray) -> np.ndarray:
        """Vectors of stored keys, float32 (N,D)."""
        places, there = self._find(keys)
        assert there.all(), 'a key is not in the store'
        vectors = np.empty((len(keys), self.dim), np.float32)
        parts = self._part[places]
        for part in np.unique(parts):
            own = parts == part
            vectors[own] = self._load(int(part))[self._row[places[own]]]
        return vectors

    def _add_keys(self, path: Path, keys: np.ndarray) -> None:
        self._unsorted.append((len(self._parts), keys))
        self._parts.append(path)

    def _sort(self) -> None:
        """Sort the keys of new parts; this is slow, so it is done once for many parts."""
        if not self._unsorted:
            return
        keys = np.concatenate([self._keys, *(keys for _, keys in self._unsorted)])
        order = np.argsort(keys, kind='stable')
        self._part = np.concatenate([self._part, *(np.full(len(keys), part) for part, keys in self._unsorted)])[order]
        self._row = np.concatenate([self._row, *(np.arange(len(keys)) for _, keys in self._unsorted)])[order]
        self._keys, self._unsorted = keys[order], []

    def _find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the sorted keys, int64 (N,), and whether each key is there."""
        self._sort()
        if not len(self._keys):
            return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
        places = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
        return places, self._keys[places] == keys

    def _load(self, part: int) -> np.ndarray:
        if part not in self._loaded:
            while len(self._loaded) >= MOST_LOADED:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[part] = _read(self._parts[part], self.dim)[1]
        return self._loaded[part]


def keys_of(texts: Iterable[str]) -> np.ndarray:
    """Keys of texts, (N,) of :data:`KEY`."""
    return np.frombuffer(b''.join(_digests(texts)), KEY)


def _digests(texts: Iterable[str]) -> Iterator[bytes]:
    return (blake2b(text.encode(errors='surrogatepass'), digest_size=16).digest() for text in texts)


def _read(path: Path, dim: int) -> tuple[np.ndarray, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    check_regular(path)
    try:
        content = load_file(path)
        keys, vectors = content['keys'], content['vectors']
    except (SafetensorError, KeyError, OSError) as error:
        raise InputError(f'{path} is damaged ({error}); remove it and index the pool again') from error
    if keys.dtype != np.uint8 or keys.shape != (len(vectors), 16) or vectors.shape != (len(keys), dim) or vectors.dtype != np.float32:
        raise InputError(f'{path} holds arrays of the shapes {keys.shape} and {vectors.shape}, not vectors of length {dim}; remove it')
    return np.ascontiguousarray(keys).view(KEY)[:, 0], vectors
