"""The index of a pool on disk, for search by vectors and match by text.

.. code-block:: none

    INDEX/index.json        pool, embedder and settings of the index, checksums; written last
    INDEX/captions.sqlite   the entries and full-text tables of their captions
    INDEX/image.index       faiss: the images' vectors, in the order of the entries
    INDEX/text.index        faiss: the captions' vectors
    INDEX/left_out.jsonl    entries that were left out, if any
    INDEX/embeddings/       vectors, by embedder, for resuming and updating; the search does not need them
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmbdg.embedders import Embedder
from mmbdg.errors import InputError
from mmbdg.pools.base import Modality, Pool
from mmbdg.pools.caption_table import CaptionTable
from mmbdg.pools.entry import Entry
from mmbdg.pools.faiss_index import ranked_search, read_faiss, set_search
from mmbdg.reading import read_json
from mmbdg.schema import Schema
from mmbdg.storage.checksums import Checksum, file_checksum

MANIFEST, CAPTIONS, LEFT_OUT, EMBEDDINGS = 'index.json', 'captions.sqlite', 'left_out.jsonl', 'embeddings'
MODALITIES: tuple[Modality, ...] = ('image', 'text')


class FileFacts(Schema):
    """A file of an index."""

    bytes: int
    blake2b: Checksum


class PoolFacts(Schema):
    """The pool of an index."""

    layout: str
    checksum: Checksum
    """Checksum of the pool's files, see :meth:`mmbdg.pools.Pool.checksum`."""
    entries: int
    left_out: int


class IndexManifest(Schema):
    """Content of ``index.json``."""

    format: Literal[1]
    pool: PoolFacts
    content: Checksum
    """Checksum of names, sizes and captions of all entries, in their order."""
    embedder: dict | None
    """Identity of the embedder; None if there are no vectors."""
    dim: int | None
    factory: str
    vectors: Literal['computed', 'read', 'none']
    tokenizers: list[str]
    files: dict[Literal['captions.sqlite', 'image.index', 'text.index'], FileFacts]
    versions: dict[str, str]


def index_file(modality: Modality) -> str:
    """Name of the file of a modality's vectors."""
    return f'{modality}.index'


class PoolIndex:
    """An index made by :func:`mmbdg.pools.build_index`.

    Args:
        folder: Path of its folder.

    Attributes:
        manifest: Content of ``index.json``.
        captions: The entries.

    Raises:
        InputError: There is no complete index, or a file of it is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        if not (self.folder / MANIFEST).is_file():
            raise InputError(f'{self.folder} holds no complete index of a pool: make it with python tools/index_pool.py POOL')
        self.manifest: dict[str, Any] = read_json(self.folder / MANIFEST, IndexManifest)
        for name, facts in self.manifest['files'].items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != facts['bytes'] or file_checksum(path) != facts['blake2b']:
                raise InputError(f'{path} is missing or not as it was when the index was made; index the pool again')
        self.captions = CaptionTable(self.folder / CAPTIONS)
        self._loaded: dict[Modality, Any] = {}

    def __len__(self) -> int:
        return len(self.captions)

    def check_pool(self, pool: Pool) -> None:
        """Check that the index was made from the current state of a pool.

        Raises:
            InputError: It was made from another pool, or the pool has changed.
        """
        facts = self.manifest['pool']
        if (pool.layout, pool.checksum()) != (facts['layout'], facts['checksum']):
            raise InputError(
                f'the index {self.folder} does not belong to the pool {pool.folder}, or the pool has changed since: index it again, which '
                'embeds only what is new'
            )

    def check_embedder(self, embedder: Embedder) -> None:
        """Check that the vectors were made by an embedder.

        Raises:
            InputError: They were made by another embedder, or there are none.
        """
        made_by, given = self.manifest['embedder'], embedder.identity()
        if made_by is None:
            raise InputError(f'the index {self.folder} has no vectors, only captions: index the pool with an embedder')
        if changed := difference(made_by, given):
            raise InputError(f'the vectors of {self.folder} were made by another embedder ({changed}): index the pool with this one')

    def search(self, modality: Modality, queries: np.ndarray, k: int, parameters: str = '') -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest entries of queries.

        Args:
            modality: Modality of the searched vectors, "image" or "text".
            queries: Vectors of length 1, float32 (Q,D).
            k: Number of entries for each query.
            parameters: Parameters of the search, see :func:`mmbdg.pools.faiss_index.set_search`.

        Returns:
            Similarities, float32 (Q,K), descending, and positions of the entries, int64 (Q,K), K at most ``k``; -1 where an approximate
            index finds fewer. Entries of equal similarity are in the order of the index, also where some of them are beyond rank k.

        Raises:
            InputError: The index has no vectors, or does not take the parameters.
        """
        index = self._index(modality)
        set_search(index, parameters)
        return ranked_search(index, np.ascontiguousarray(queries, np.float32), min(k, len(self)))

    def match(self, tokenizer: str, query: str) -> np.ndarray:
        """Positions of the entries whose caption matches a query, see :meth:`CaptionTable.match`.

        Raises:
            InputError: The index has no such full-text table, or the query cannot be parsed.
        """
        self.check_tokenizer(tokenizer)
        return self.captions.match(tokenizer, query)

    def check_tokenizer(self, tokenizer: str) -> None:
        """Check that there is a full-text table.

        Raises:
            InputError: There is no table of this tokenizer.
        """
        if tokenizer not in (have := self.manifest['tokenizers']):
            raise InputError(
                f'the index {self.folder} has no full-text table of the tokenizer "{tokenizer}", only of {", ".join(have) or "none"}: '
                f'index the pool with --tokenizers {tokenizer}'
            )

    def entry(self, position: int) -> Entry:
        """Entry at a position."""
        return self.captions.entry(position)

    def _index(self, modality: Modality) -> Any:
        if modality not in self._loaded:
            if self.manifest['embedder'] is None:
                raise InputError(f'the index {self.folder} has no vectors, only captions: index the pool with an embedder')
            index = read_faiss(self.folder / index_file(modality))
            if (index.ntotal, index.d) != (len(self), self.manifest['dim']):
                raise InputError(
                    f'{self.folder / index_file(modality)} has {index.ntotal} vectors of length {index.d}; index the pool again'
                )
            self._loaded[modality] = index
        return self._loaded[modality]


def difference(made_by: dict, given: dict) -> str:
    """Keys in which two identities differ, such as "checksums.model.safetensors"; '' if they are equal."""
    found = []
    for part in sorted(made_by.keys() | given.keys()):
        one, other = made_by.get(part) or {}, given.get(part) or {}
        found += [f'{part}.{key}' for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]
    return ', '.join(found)
