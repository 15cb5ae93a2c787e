"""Real images retrieved from a pool of images with captions ("The Unmet Promise", section 3.2)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from mmbdg.embedders import Embedder, build_embedder, embedder_class
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.pools import LAYOUTS, PoolIndex, open_pool
from mmbdg.pools.caption_table import TOKENIZERS, phrase
from mmbdg.pools.entry import Entry
from mmbdg.pools.faiss_index import load_faiss
from mmbdg.pools.pool_index import MANIFEST, MODALITIES
from mmbdg.registry import SOURCES
from mmbdg.sources.base import Drawn, Source
from mmbdg.sources.class_list import ClassList, ImageClass
from mmbdg.sources.image_fit import fitted
from mmbdg.sources.prompt_file import template_prompts
from mmbdg.sources.retrieved_hits import Hits, Order, Rule, by_rule, matched, number_in_several, united
from mmbdg.sources.stored_hits import stored_hits
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.originals import Store, check_store, given_image, originals_of, stored_as

UNSAFE = ('nsfw', 'true', 'yes', 'unsafe')
"""Values of the column ``nsfw``, in lower case, that mark an image as unsafe."""


@SOURCES.register_module()
class RetrievalSource(Source):
    """Images of a pool that a search finds for each class. Sample i of a class is its i-th hit; the seed has no effect.

    The hits of "knn" are searched once and stored in the cache folder (``MMBDG_CACHE``), see
    :func:`~mmbdg.sources.stored_hits.stored_hits`. The pool must be indexed by ``tools/index_pool.py``. Images have no masks.

    Args:
        pool: Path of the pool, or ``dict(folder=PATH, layout=NAME, ...)``, see :func:`mmbdg.pools.open_pool`.
        index: Path of its index.
        embedder: Config of the embedder of the index; None for ``mode='match'`` only.
        classes: The classes, see :class:`~mmbdg.sources.class_list.ClassList`.
        mode: "knn": the texts of a class are embedded, and the nearest images and captions are its hits. "match": the entries whose caption
            matches the class's ``query`` in SQLite's FTS5 language, or its name as a phrase if it has none; the hits are in the order of
            the pool, without similarities.
        k: Number of hits of each query and modality; paper: 2,000, for ImageNet 500.
        modalities: Modalities that the queries of "knn" are compared with: "image", "text" (captions) or both.
        templates: Templates of the queries of "knn", with one ``{}`` for the class's name with its sense.
        max_per_class: Largest number of hits of a class, the first ones; None: all. Paper: 10,000, the best by CLIP score, which a
            selection can choose afterwards.
        order: Ranking of the hits, "similarity" or "rank", see :func:`~mmbdg.sources.retrieved_hits.united`. "rank" is ours.
        multi_label: Rule for entries that are hits of several classes, see :func:`~mmbdg.sources.retrieved_hits.by_rule`; paper: "all".
            It is applied after entries were dropped and before ``max_per_class``.
        drop_nsfw: Whether unsafe entries are dropped. Their column ``nsfw`` has "NSFW" as in LAION, "true", "yes" or "unsafe" in any case,
            or a number of at least 0.5. Entries without a value stay.
        licences: Allowed licences, compared without case; entries without a licence are dropped. None: all entries are allowed.
        resolution: Height and width of the images in pixels.
        squash: Whether images are squashed to a square instead of cropped at the centre.
        tokenizer: Full-text table of "match": "unicode61" (words, as in the paper's code) or "trigram" (true substrings).
        search_parameters: Parameters of faiss's search, such as "nprobe=64" or "efSearch=256"; '' for the index's own.
        store: How images are stored that already have ``resolution``: "encode", "copy" or "link" (hard links to the pool's files), see
            :attr:`~mmbdg.sources.Source.store`. All others are resized and encoded.
        seed: Not used.

    Raises:
        InputError: The pool or the index is missing, they do not belong together, the index was made by another embedder, or FTS5 cannot
            parse a query.
    """

    uses_seed: ClassVar[bool] = False
    batch_matters = False

    def __init__(
        self,
        pool: str | dict,
        index: str,
        classes: str | list,
        embedder: dict | None = None,
        mode: Literal['knn', 'match'] = 'knn',
        k: int = 2000,
        modalities: Sequence[str] = ('image', 'text'),
        templates: Sequence[str] = ('a photo of a {}',),
        max_per_class: int | None = 10_000,
        order: Order = 'similarity',
        multi_label: Rule = 'all',
        drop_nsfw: bool = True,
        licences: Sequence[str] | None = None,
        resolution: int = 256,
        squash: bool = False,
        tokenizer: str = 'unicode61',
        search_parameters: str = '',
        store: Store = 'encode',
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.check(pool, embedder, mode, k, modalities, templates, max_per_class, multi_label, licences, resolution, tokenizer)
        self.mode, self.k, self.modalities, self.max_per_class = mode, k, tuple(modalities), max_per_class
        self.order, self.multi_label, self.drop_nsfw, self.squash = order, multi_label, drop_nsfw, squash
        self.licences = None if licences is None else tuple(licences)
        self.tokenizer, self.search_parameters, self.templates = tokenizer, search_parameters, tuple(templates)
        self.classes = ClassList(classes)
        self.texts = template_prompts(templates, self.classes)
        self.pool, self.store = open_pool(pool), store
        check_store(store, self.pool.has_files, 'synthesis.source')
        self.index = PoolIndex(index)
        self.index.check_pool(self.pool)
        if mode == 'match':
            self.index.check_tokenizer(tokenizer)
        self.embedder = self._built(embedder) if mode == 'knn' else None
        self.catalogue = Catalogue(self.classes.names, self.classes.ids, (), 255, resolution, 'each image has its own, see the manifest')
        self._dropped = self._dropped_positions()
        self._hits: list[Hits] | None = None
        if mode == 'match':
            self.hits()  # reports a query that cannot be parsed before any other work

    @staticmethod
    def check(
        pool: str | Mapping,
        embedder: Mapping | None = None,
        mode: str = 'knn',
        k: int = 2000,
        modalities: Sequence[str] = ('image', 'text'),
        templates: Sequence[str] = ('a photo of a {}',),
        max_per_class: int | None = 10_000,
        multi_label: str = 'all',
        licences: Sequence[str] | None = None,
        resolution: int = 256,
        tokenizer: str = 'unicode61',
        **_: Any,
    ) -> None:
        """Check the values without reading a file.

        Raises:
            InputError: A value is invalid.
        """
        where = 'synthesis.source'
        for name, value in (('k', k), ('max_per_class', max_per_class), ('resolution', resolution)):
            if value is not None and value < 1:
                raise InputError(f'{where}.{name} must be at least 1, got {value}')
        if resolution > 8192:
            raise InputError(f'{where}.resolution is at most 8192, got {resolution}')
        if isinstance(pool, Mapping) and pool.get('layout') not in (None, *LAYOUTS):
            raise InputError(f'{where}.pool: there is no layout {pool["layout"]!r}; there are {", ".join(LAYOUTS)}')
        if unknown := [name for name in modalities if name not in MODALITIES]:
            raise InputError(f'{where}.modalities are "image" and "text", got {unknown[0]!r}')
        if not modalities or len(set(modalities)) < len(modalities):
            raise InputError(f'{where}.modalities names each of "image" and "text" at most once, and at least one; got {list(modalities)}')
        if tokenizer not in TOKENIZERS:
            raise InputError(f'{where}.tokenizer is one of {", ".join(TOKENIZERS)}, got {tokenizer!r}')
        if licences is not None and not licences:
            raise InputError(f'{where}.licences allows none: name some, or leave it out to allow all')
        template_prompts(templates, ClassList(['any']))
        if mode == 'match' and multi_label == 'best':
            raise InputError(f'{where}.multi_label="best" compares similarities, which a text match does not have: use "all" or "drop"')
        if mode == 'knn' and embedder is None:
            raise InputError(f'{where}.embedder is missing: mode="knn" embeds the queries by it')
        if embedder is not None:
            embedder_class(embedder, f'{where}.embedder')

    def _built(self, config: Mapping) -> Embedder:
        embedder = build_embedder(config, where='synthesis.source.embedder')
        self.index.check_embedder(embedder)
        return embedder

    def to(self, device: torch.device | str) -> 'RetrievalSource':
        if self.embedder is not None:
            self.embedder.to(device)
        return super().to(device)

    def available(self, class_id: int) -> int:
        return len(self.hits()[class_id].positions)

    def hits(self) -> list[Hits]:
        """Hits of each class; the search runs at the first call."""
        if self._hits is None:
            self._hits = self._searched()
        return self._hits

    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        hits = self.hits()[class_id]
        entries = [self.index.entry(int(hits.positions[i])) for i in indices]
        size = self.catalogue.resolution
        read = [given_image(self.pool.file(entry.name), size, self.store, str(self.pool.images / entry.name)) for entry in entries]
        images = np.stack([fitted(image, size, self.squash) for image, _ in read])
        records = [self._record(class_id, hits, i, entry) for i, entry in zip(indices, entries, strict=True)]
        return Drawn(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), records=records, originals=originals_of(read))

    def query_of(self, one: ImageClass) -> str:
        """FTS5 query of a class."""
        return one.query or phrase(one.name)

    def identity(self) -> dict[str, dict[str, Any]]:
        embedder = self.embedder.identity() if self.embedder else dict(config={}, checksums={}, versions={})
        config = dict(
            type='mmbdg.RetrievalSource',
            layout=self.pool.layout,
            embedder=embedder['config'] or None,
            classes=self.classes.plain(),
            mode=self.mode,
            k=self.k,
            modalities=list(self.modalities),
            templates=list(self.templates),
            max_per_class=self.max_per_class,
            order=self.order,
            multi_label=self.multi_label,
            drop_nsfw=self.drop_nsfw,
            licences=None if self.licences is None else list(self.licences),
            resolution=self.catalogue.resolution,
            squash=self.squash,
            tokenizer=self.tokenizer,
            search_parameters=self.search_parameters,
            store=stored_as(self.store),
        )
        return dict(
            config=config,
            checksums={'index.json': sha256(self.index.folder / MANIFEST), 'pool': self.index.manifest['pool']['checksum']}
            | {f'embedder.{name}': value for name, value in embedder['checksums'].items()},
            versions=dict(self.index.manifest['versions']) | embedder['versions'],
        )

    def _searched(self) -> list[Hits]:
        if self.mode == 'knn':
            address = self._address()
            found = [self._nearest(one, address) for one in self._shown(self.classes)]
        else:
            found = [matched(self._matches(one)) for one in self._shown(self.classes)]
        kept = [hits.part(~np.isin(hits.positions, self._dropped)) for hits in found]
        of_several = number_in_several(kept)
        ruled = by_rule(kept, self.multi_label)
        cut = [hits.part(np.arange(len(hits.positions))[: self.max_per_class]) for hits in ruled]
        self._log_counts(found, kept, of_several, ruled, cut)
        return cut

    def _nearest(self, one: ImageClass, address: Mapping[str, Any]) -> Hits:
        # One class at a time: floating-point sums, and with them the ranks, must not depend on the other classes.
        def search() -> Hits:
            queries = self.embedder.texts(self.texts[one.id]).numpy()
            return united([self.index.search(name, queries, self.k, self.search_parameters) for name in self.modalities], self.order)

        bounds = len(self.index), len(self.texts[one.id]), len(self.modalities)
        return stored_hits(dict(address, texts=self.texts[one.id]), bounds, search)

    def _address(self) -> dict[str, Any]:
        """All values besides the texts on which the hits of a class depend."""
        return dict(
            index=sha256(self.index.folder / MANIFEST),
            embedder=self.embedder.identity(),
            device=self.device.type,
            k=self.k,
            modalities=self.modalities,
            order=self.order,
            search_parameters=self.search_parameters,
            versions=dict(numpy=np.__version__, torch=torch.__version__, faiss=load_faiss().__version__),
        )

    def _matches(self, one: ImageClass) -> np.ndarray:
        try:
            return self.index.match(self.tokenizer, self.query_of(one))
        except InputError as error:
            raise InputError(f'class "{one.id}": {error}') from error

    def _dropped_positions(self) -> np.ndarray:
        """Positions of the excluded entries, int64 (N,)."""
        captions, parts = self.index.captions, [np.zeros(0, np.int64)]
        if self.drop_nsfw:
            parts.append(captions.having('nsfw', [value for value in captions.values('nsfw') if is_unsafe(value)]))
        if self.licences is not None:
            allowed = {licence.lower() for licence in self.licences}
            parts.append(captions.having('licence', [value for value in captions.values('licence') if value.lower() not in allowed]))
        return np.unique(np.concatenate(parts))

    def _record(self, class_id: int, hits: Hits, i: int, entry: Entry) -> dict[str, Any]:
        one, similarity = self.classes[class_id], float(hits.similarities[i])
        by_text = self.mode == 'match'
        return dict(
            pool_id=entry.name,
            url=entry.url,
            caption=entry.caption,
            licence=entry.licence,
            nsfw=entry.nsfw,
            pool_similarity=entry.similarity,
            similarity=None if math.isnan(similarity) else round(similarity, 6),
            found_by='match' if by_text else self.modalities[hits.modalities[i]],
            query=self.query_of(one) if by_text else self.texts[one.id][hits.queries[i]],
        )

    def _shown(self, classes: ClassList) -> Sequence[ImageClass]:
        from tqdm import tqdm

        return tqdm(classes, desc='retrieval', unit='class', dynamic_ncols=True, leave=False, disable=len(classes) < 20)

    def _log_counts(self, found: Sequence[Hits], kept: Sequence[Hits], of_several: int, ruled: Sequence[Hits], cut: Sequence[Hits]) -> None:
        """Log the numbers of dropped hits and the classes without a hit."""
        import logging

        from mmengine.logging import print_log

        numbers = [sum(len(hits.positions) for hits in stage) for stage in (found, kept, ruled, cut)]
        print_log(
            f'retrieval: {numbers[0]:,} hits of {len(self.classes)} classes; {numbers[0] - numbers[1]:,} dropped as unsafe or for their '
            f'licence; {of_several:,} entries are hits of several classes (rule "{self.multi_label}": {numbers[1] - numbers[2]:,} hits '
            f'dropped); {numbers[2] - numbers[3]:,} beyond max_per_class; {numbers[3]:,} left',
            'current',
        )
        if empty := [one.id for one, hits in zip(self.classes, cut, strict=True) if not len(hits.positions)]:
            print_log(f'retrieval: {len(empty)} classes have no hit: {", ".join(empty[:20])}', 'current', logging.WARNING)


def is_unsafe(value: str) -> bool:
    """Whether a value of the column ``nsfw`` marks an image as unsafe, see :class:`RetrievalSource`."""
    text = value.strip().lower()
    if text in UNSAFE:
        return True
    try:
        return float(text) >= 0.5
    except ValueError:
        return False
