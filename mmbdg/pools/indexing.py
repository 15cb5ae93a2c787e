"""Indexing of a pool: images and captions are embedded once and made searchable."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmbdg.embedders import Embedder, build_embedder
from mmbdg.errors import InputError
from mmbdg.files import json_text, write_json
from mmbdg.pools.base import Modality, Pool
from mmbdg.pools.build import open_pool
from mmbdg.pools.caption_table import TOKENIZERS, CaptionTable, write_entries
from mmbdg.pools.entry import Entry
from mmbdg.pools.faiss_index import fill, load_faiss, new_index, train, train_rows, write_faiss
from mmbdg.pools.faults import BROKEN_IMAGE, Faults
from mmbdg.pools.given_vectors import check_given, given_vectors
from mmbdg.pools.pool_index import (
    CAPTIONS,
    EMBEDDINGS,
    LEFT_OUT,
    MANIFEST,
    MODALITIES,
    IndexManifest,
    difference,
    index_file,
)
from mmbdg.pools.vector_store import KEY, VectorStore, keys_of
from mmbdg.reading import read_json
from mmbdg.storage.checksums import checksum, file_checksum

PART, GATHERED, SPOT_CHECKS = 1024, 16384, 4
"""Number of entries in a part of the embeddings, of vectors that are gathered at once, and of entries in the check of given embeddings."""
SCANNED = 'scanned.sqlite'


def build_index(
    pool: str | Mapping | Pool,
    folder: str | Path,
    embedder: Mapping | Embedder | None = None,
    factory: str = 'Flat',
    tokenizers: Sequence[str] = ('unicode61',),
    vectors: Literal['computed', 'read'] = 'computed',
    skip_broken: bool = False,
    batch_size: int = 64,
    device: str = 'cpu',
    log: Callable[[str], None] = print,
) -> Path:
    """Make or update the index of a pool.

    Embeddings are stored in parts, by embedder and by content: name and size of an image, text of a caption. A killed run can be resumed.
    After a change of the pool only new content is embedded.

    Args:
        pool: Path or config of the pool, see :func:`mmbdg.pools.open_pool`.
        folder: Folder of the index.
        embedder: Config of the embedder; None: captions only, for text match.
        factory: faiss's factory string.
        tokenizers: Tokenizers of the full-text tables, of :data:`~mmbdg.pools.caption_table.TOKENIZERS`.
        vectors: "computed" or "read". "read" takes the embeddings that the pool provides; they must be made by ``embedder``, which is
            checked on a few entries.
        skip_broken: Whether entries with a broken or missing image or caption are left out and listed in ``left_out.jsonl``, instead of
            raising an error.
        batch_size: Number of images or captions that are embedded at once.
        device: Device of the embedder.
        log: Function that is called with each line of the log.

    Returns:
        The folder.

    Raises:
        InputError: The pool cannot be read or has broken entries, the tokenizer, factory or embedder does not exist, or another run is
            using the folder. An existing index stays until it is replaced.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder).expanduser()
    _check(tokenizers, embedder, vectors)
    pool = pool if isinstance(pool, Pool) else open_pool(pool)
    if folder.resolve() == pool.folder.resolve() or pool.folder.resolve() in folder.resolve().parents:
        raise InputError(f'the index {folder} must lie outside its pool {pool.folder}')
    if embedder is not None:
        load_faiss()
        embedder = embedder if isinstance(embedder, Embedder) else build_embedder(embedder, device)
        if not embedder.reads_text:
            raise InputError(f'{type(embedder).__name__} embeds images only; a pool needs an embedder of images and texts, mmbdg.OpenCLIP')
        new_index(factory, embedder.dim)  # reports an unknown factory before any other work
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / 'work.lock', timeout=0):
            _Indexing(pool, folder, embedder, factory, tuple(tokenizers), vectors, skip_broken, batch_size, log).run()
    except Timeout as error:
        raise InputError(f'another run is using {folder}') from error
    return folder


def default_index(pool: str | Path) -> Path:
    """Default folder of the index of a pool: ``POOL_index`` beside it."""
    path = Path(pool).expanduser()
    return path.with_name(f'{path.name}_index')


class _Indexing:
    """One run of the indexing."""

    def __init__(
        self,
        pool: Pool,
        folder: Path,
        embedder: Embedder | None,
        factory: str,
        tokenizers: tuple[str, ...],
        vectors: str,
        skip_broken: bool,
        batch_size: int,
        log: Callable[[str], None],
    ) -> None:
        self.pool, self.folder, self.embedder, self.factory, self.tokenizers = pool, folder, embedder, factory, tokenizers
        self.vectors = 'none' if embedder is None else vectors
        self.skip_broken, self.batch_size, self.log = skip_broken, batch_size, log
        self.faults = Faults()
        self.stores: dict[str, VectorStore] = {}

    def run(self) -> None:
        for left_over in self.folder.rglob('*.part'):  # left by a killed run
            left_over.unlink()
        before, pool_checksum = self._before(), self.pool.checksum()
        number = write_entries(self.folder / SCANNED, self._progress(self.pool.entries(self.faults), None, f'reading {self.pool.layout}'))
        try:
            for note in self.pool.notes:
                self.log(note)
            if not self.skip_broken:
                self.faults.refuse(self.pool.folder)
            if not number:
                raise InputError(f'{self.pool.folder} has no entry that can be used{f": {self.faults.summary()}" if self.faults else ""}')
            with closing(CaptionTable(self.folder / SCANNED)) as scanned:
                broken = self._embed(scanned, before) if self.vectors == 'computed' else self._check_images(scanned)
                if not self.skip_broken:
                    self.faults.refuse(self.pool.folder)
                self._write(scanned, broken, before, pool_checksum)
        finally:
            (self.folder / SCANNED).unlink(missing_ok=True)

    def _before(self) -> dict | None:
        """Manifest of the existing index; None if it is missing or damaged."""
        try:
            return read_json(self.folder / MANIFEST, IndexManifest)
        except InputError:
            return None

    def _embed(self, scanned: CaptionTable, before: dict | None) -> set[int]:
        """Embed the content without stored vectors, and return the positions of broken images."""
        identity = self.embedder.identity()
        if before and before['embedder'] and (changed := difference(before['embedder'], identity)):
            self.log(f'the embedder differs from that of the last run ({changed}): everything is embedded again')
        folder = self.folder / EMBEDDINGS / checksum(json_text(identity).encode())
        write_json(folder / 'embedder.json', identity)
        self.stores = {modality: VectorStore(folder, modality, self.embedder.dim) for modality in MODALITIES}
        broken: set[int] = set()
        for modality, name in zip(MODALITIES, ('images', 'captions'), strict=True):
            store, keys = self.stores[modality], _keys(scanned, modality)
            _, first = np.unique(keys, return_index=True)
            missing = np.sort(first[~store.has(keys[first])])
            gone = store.number_besides(keys)
            self.log(
                f'{name}: {len(keys) - len(missing):,} of {len(keys):,} are embedded already, {len(missing):,} are new or changed'
                + (f'; {gone:,} that were embedded are no longer in the pool, or have changed' if gone else '')
            )
            with self._bar(len(missing), f'embedding {name}') as bar:
                for begin in range(0, len(missing), PART):
                    part = missing[begin : begin + PART]
                    good, vectors = self._embedded(scanned, modality, part, broken)
                    store.add(keys[good], vectors)
                    bar.update(len(part))
        return broken

    def _embedded(
        self, scanned: CaptionTable, modality: Modality, positions: np.ndarray, broken: set[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the embedded entries, int64 (N,), and their vectors, float32 (N,D)."""
        good, vectors = [], [np.zeros((0, self.embedder.dim), np.float32)]
        for begin in range(0, len(positions), self.batch_size):
            batch = [(int(i), scanned.entry(int(i))) for i in positions[begin : begin + self.batch_size]]
            if modality == 'text':
                vectors.append(self.embedder.texts([entry.caption for _, entry in batch]).numpy())
                good += [i for i, _ in batch]
                continue
            images = []
            for i, entry in batch:
                try:
                    images.append(self.pool.image(entry.name))
                    good.append(i)
                except InputError as error:
                    broken.add(i)
                    self.faults.note(BROKEN_IMAGE, entry.name, error)
            vectors.append(self.embedder.images(images).numpy())
        return np.array(good, np.int64), np.concatenate(vectors)

    def _check_images(self, scanned: CaptionTable) -> set[int]:
        """Check the header of each image if no images are embedded, and return the positions of broken images."""
        broken = set()
        for i, entry in enumerate(self._progress(scanned.entries(), len(scanned), 'checking images')):
            try:
                self.pool.check_image(entry.name)
            except InputError as error:
                broken.add(i)
                self.faults.note(BROKEN_IMAGE, entry.name, error)
        return broken

    def _write(self, scanned: CaptionTable, broken: set[int], before: dict | None, pool_checksum: str) -> None:
        """Write the files of the index, the manifest last."""
        positions = np.array([i for i in range(len(scanned)) if i not in broken], np.int64)
        if not len(positions):
            raise InputError(f'{self.pool.folder} has no entry that can be used: {self.faults.summary()}')
        facts = self._facts(scanned, positions, pool_checksum)
        if before and {key: before[key] for key in facts} == facts and self._is_complete(before):
            self.log(f'{self.folder} is complete already; nothing has changed')
            return
        (self.folder / MANIFEST).unlink(missing_ok=True)  # without a manifest the index counts as incomplete until all files are written
        (self.folder / LEFT_OUT).unlink(missing_ok=True)
        if self.faults:
            self.faults.write(self.folder / LEFT_OUT)
            self.log(f'left out, and listed in {self.folder / LEFT_OUT}: {self.faults.summary()}')
        write_entries(self.folder / CAPTIONS, (entry for i, entry in enumerate(scanned.entries()) if i not in broken), self.tokenizers)
        names = [CAPTIONS]
        for modality in MODALITIES:
            path = self.folder / index_file(modality)
            path.unlink(missing_ok=True)
            if self.embedder is not None:
                self._write_faiss(path, modality, scanned, positions)
                names.append(path.name)
        files = {name: dict(bytes=(self.folder / name).stat().st_size, blake2b=file_checksum(self.folder / name)) for name in names}
        write_json(self.folder / MANIFEST, facts | dict(files=files))
        self.log(f'{len(positions):,} entries of {self.pool.folder} are indexed in {self.folder}')

    def _facts(self, scanned: CaptionTable, positions: np.ndarray, pool_checksum: str) -> dict[str, Any]:
        """Manifest without the list of files."""
        state, wanted = blake2b(digest_size=16), set(positions.tolist())
        for i, entry in enumerate(scanned.entries()):
            if i in wanted:
                state.update('\0'.join(map(str, entry)).encode() + b'\n')
        versions = dict(sqlite=sqlite3.sqlite_version)
        if self.embedder is not None:
            versions['faiss-cpu'] = _faiss_version()
        return dict(
            format=1,
            pool=dict(layout=self.pool.layout, checksum=pool_checksum, entries=len(positions), left_out=len(self.faults)),
            content=state.hexdigest(),
            embedder=None if self.embedder is None else self.embedder.identity(),
            dim=None if self.embedder is None else self.embedder.dim,
            factory=self.factory,
            vectors=self.vectors,
            tokenizers=list(self.tokenizers),
            versions=versions,
        )

    def _is_complete(self, before: dict) -> bool:
        paths = {self.folder / name: facts for name, facts in before['files'].items()}
        return all(path.is_file() and file_checksum(path) == facts['blake2b'] for path, facts in paths.items())

    def _write_faiss(self, path: Path, modality: Modality, scanned: CaptionTable, positions: np.ndarray) -> None:
        index = new_index(self.factory, self.embedder.dim)
        gather = self._gather_given(modality, scanned) if self.vectors == 'read' else self._gather_stored(modality, scanned)
        rows = [positions[begin : begin + GATHERED] for begin in range(0, len(positions), GATHERED)]
        if not index.is_trained:
            chosen = positions[train_rows(len(positions))]
            train(index, np.concatenate([gather(chosen[i : i + GATHERED]) for i in range(0, len(chosen), GATHERED)]), self.factory)
        fill(index, (gather(part) for part in self._progress(rows, len(rows), f'indexing {modality}')))
        write_faiss(path, index)

    def _gather_stored(self, modality: Modality, scanned: CaptionTable) -> Callable[[np.ndarray], np.ndarray]:
        keys = _keys(scanned, modality)
        return lambda positions: self.stores[modality].gather(keys[positions])

    def _gather_given(self, modality: Modality, scanned: CaptionTable) -> Callable[[np.ndarray], np.ndarray]:
        rows = np.array([entry.row for entry in scanned.entries()], np.int64)
        vectors = given_vectors(self.pool, modality, rows, self.embedder.dim)
        check_given(self.pool, modality, list(scanned.entries(0, SPOT_CHECKS)), vectors, self.embedder)
        return lambda positions: vectors[positions]

    def _bar(self, total: int | None, what: str) -> Any:
        from tqdm import tqdm

        return tqdm(total=total, desc=what, dynamic_ncols=True, disable=total == 0, leave=False)

    def _progress(self, items: Any, total: int | None, what: str) -> Iterator[Any]:
        with self._bar(total, what) as bar:
            for item in items:
                yield item
                bar.update(1)


def _keys(scanned: CaptionTable, modality: str) -> np.ndarray:
    """Key of each entry's image or caption, (N,)."""
    return keys_of(_content(entry, modality) for entry in scanned.entries()) if len(scanned) else np.zeros(0, KEY)


def _content(entry: Entry, modality: str) -> str:
    return entry.caption if modality == 'text' else f'{entry.name}\0{entry.size}'


def _faiss_version() -> str:
    try:
        return version('faiss-cpu')
    except Exception:  # faiss from another distribution
        return str(load_faiss().__version__)


def _check(tokenizers: Sequence[str], embedder: object, vectors: str) -> None:
    if unknown := [name for name in tokenizers if name not in TOKENIZERS]:
        raise InputError(f'there is no tokenizer "{unknown[0]}" for captions; there are {", ".join(TOKENIZERS)}')
    if len(set(tokenizers)) < len(tokenizers):
        raise InputError(f'a tokenizer is named twice: {", ".join(tokenizers)}')
    if embedder is None and not tokenizers:
        raise InputError('an index without an embedder and without a tokenizer finds nothing')
    if vectors not in ('computed', 'read'):
        raise InputError(f'vectors are "computed" or "read", got {vectors!r}')
    if vectors == 'read' and embedder is None:
        raise InputError("reading a pool's embeddings needs the embedder that made them: queries are embedded by it")
