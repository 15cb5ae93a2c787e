"""Embeddings of a dataset's samples, computed once and stored beside its selections."""

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from mmbdg.embedders import Embedder
from mmbdg.errors import InputError
from mmbdg.files import write_npy
from mmbdg.reading import read_array
from mmbdg.storage.layout import SELECTIONS
from mmbdg.storage.selections import dataset_checksum
from mmbdg.synthesis.selections.base import Samples

PART = 4096
"""Number of samples in a file of embeddings; an interrupted run loses at most this number."""
BATCH = 64
"""Batch size of the embedder."""


def embedded(samples: Samples, embedder: Embedder) -> np.ndarray:
    """Embed the images of samples.

    The vectors of the whole dataset are stored in ``selections/embeddings/KEY`` of its folder, where the key depends on the embedder and on
    the dataset, in parts of :data:`PART` samples. Existing parts are read. Only parts with a requested sample are computed.

    Args:
        samples: Samples of a dataset.
        embedder: Embedder.

    Returns:
        Vectors of length 1, float32 (N,D).

    Raises:
        InputError: A sample is damaged, or a stored part does not have the expected size.
    """
    from tqdm import tqdm

    dataset = samples.dataset
    folder = Path(dataset.root, SELECTIONS, 'embeddings', _key(samples, embedder))
    found = np.empty((len(samples), embedder.dim), np.float32)
    parts = samples.places // PART
    for part in tqdm(np.unique(parts).tolist(), unit='part', desc='embed', dynamic_ncols=True, disable=not samples.progress):
        first = int(part) * PART
        places = range(first, min(first + PART, len(dataset.lines)))
        path = folder / f'{part:06d}.npy'
        if path.is_file():
            vectors = read_array(path)
        else:
            vectors = np.concatenate(list(_batches(samples, embedder, places)))
            folder.mkdir(parents=True, exist_ok=True)
            write_npy(path, vectors)
        if vectors.shape != (len(places), embedder.dim):
            raise InputError(f'{path} has the shape {vectors.shape}, expected {(len(places), embedder.dim)}: remove the file')
        inside = parts == part
        found[inside] = vectors[samples.places[inside] - first]
    return found


def _batches(samples: Samples, embedder: Embedder, places: range) -> Iterator[np.ndarray]:
    dataset = samples.dataset
    for start in range(0, len(places), BATCH):
        yield embedder.images([dataset.image(dataset.lines[place]) for place in places[start : start + BATCH]]).numpy()


def _key(samples: Samples, embedder: Embedder) -> str:
    made = dict(embedder=embedder.identity(), dataset=dataset_checksum(samples.dataset.root, samples.dataset.info))
    return blake2b(json.dumps(made, sort_keys=True).encode(), digest_size=16).hexdigest()
