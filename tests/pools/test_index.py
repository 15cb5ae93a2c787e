"""Indexing: nothing is embedded twice, a search equals a numpy search, a match equals a plain filter, error messages."""

import json
import shutil
import sqlite3
import sys

import numpy as np
import pytest
from test_layouts import clip_retrieval_columns, clip_retrieval_folder
from tiny_clip import tiny_clip, write_tiny_clip  # noqa: F401
from tiny_pools import COLOURS, caption_shards, captioned_folder, picture, rows, write_table

from mmbdg.embedders import Embedder, OpenCLIP
from mmbdg.errors import InputError
from mmbdg.pools import Entry, PoolIndex, build_index, open_pool, precision_at
from mmbdg.pools.caption_table import CaptionTable, phrase, write_entries
from mmbdg.pools.faiss_index import fill, new_index, ranked_search, set_search, train
from mmbdg.pools.vector_store import VectorStore, keys_of

pytest.importorskip('faiss', reason='pip install "mmbdg[clip]"')


class Counting(Embedder):
    """Embeds an image by its mean colour and a text by its letters, counts its inputs, and can simulate a kill."""

    dim, reads_text = 4, True

    def __init__(self, weight: float = 1.0, most: int = 10**9) -> None:
        super().__init__()
        self.weight, self.most, self.embedded, self.texts_read = weight, most, 0, []

    def _images(self, images):
        import torch

        self.embedded += len(images)
        if self.embedded > self.most:
            raise KeyboardInterrupt
        return torch.stack([torch.tensor([*image.mean((0, 1)) - 128, self.weight]) for image in images])

    def _texts(self, texts):
        import torch

        self.texts_read += texts
        return torch.tensor([[sum(map(ord, text)) % number + 1.0 for number in (7, 11, 13, 17)] for text in texts])

    def identity(self):
        return dict(config=dict(type='Counting', weight=self.weight), checksums={}, versions={})


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def content(folder):
    """Files that a search needs."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != '.lock'}


def test_search_equals_numpy(tmp_path, tiny_clip):  # noqa: F811
    """Flat search on a real, tiny CLIP: the vectors are the embedder's, the neighbours are those of a product of matrices."""
    pool = open_pool(str(caption_shards(tmp_path / 'pool')))
    embedder = OpenCLIP(str(tiny_clip))
    index = PoolIndex(build_index(pool, tmp_path / 'index', dict(type='mmbdg.OpenCLIP', folder=str(tiny_clip)), log=lambda line: None))
    index.check_pool(pool)
    index.check_embedder(embedder)
    queries = embedder.texts(['a photo of a boot', 'red', 'number 7']).numpy()
    vectors = dict(
        image=embedder.images([picture(i) for i in range(24)]).numpy(), text=embedder.texts([row['caption'] for row in rows()]).numpy()
    )
    for modality, own in vectors.items():
        expected = queries.astype(np.float64) @ own.T.astype(np.float64)
        similarities, positions = index.search(modality, queries, 7)
        np.testing.assert_array_equal(positions, np.argsort(-expected, axis=1, kind='stable')[:, :7])
        np.testing.assert_allclose(similarities, -np.sort(-expected, axis=1)[:, :7], atol=1e-5)
    assert index.search('image', queries, 1000)[1].shape == (3, 24)
    assert [index.entry(i).caption for i in range(24)] == [row['caption'] for row in rows()]
    with pytest.raises(InputError, match=r'made by another embedder \(checksums.open_clip_model.safetensors\)'):
        index.check_embedder(OpenCLIP(str(write_tiny_clip(tmp_path / 'other', seed=1))))
    with pytest.raises(InputError, match='no search parameters'):
        index.search('image', queries, 3, 'nprobe=8')


@pytest.mark.parametrize('factory', ['HNSW8', 'IVF2,Flat'])
def test_approximate_indices(tmp_path, factory):
    pool, embedder = open_pool(str(captioned_folder(tmp_path / 'pool', 24))), Counting()
    index = PoolIndex(build_index(pool, tmp_path / 'index', embedder, factory, log=lambda line: None))
    vectors = unit(np.stack([[*picture(i).mean((0, 1)) - 128, 1] for i in range(24)])).astype(np.float32)
    parameters = 'nprobe=2' if factory.startswith('IVF') else 'efSearch=64'
    similarities, positions = index.search('image', vectors[:5], 3, parameters)
    np.testing.assert_array_equal(positions, np.argsort(-(vectors[:5] @ vectors.T), axis=1)[:, :3])


@pytest.mark.parametrize('factory', ['Flat', 'IVF2,Flat', 'HNSW8'])
def test_equal_vectors_are_in_the_order_of_the_index(factory):
    """Four values in 40 rows, in a mixed order: the ranks, and what is beyond rank k, follow (similarity, row)."""
    kinds = np.random.default_rng(0).permutation(np.arange(40) % 4)
    vectors = np.eye(4, dtype=np.float32)[kinds]
    queries = unit(np.array([[4, 3, 2, 1], [1, 1, 0, 0], [0, 0, 0, 1]], np.float32)).astype(np.float32)
    index = new_index(factory, 4)
    train(index, vectors, factory)
    set_search(index, 'nprobe=2' if factory.startswith('IVF') else 'efSearch=64' if factory.startswith('HNSW') else '')
    fill(index, iter([vectors]))
    similarities = queries @ vectors.T
    expected = np.argsort(-similarities, axis=1, kind='stable')
    for k in (1, 3, 10, 13, 39, 40):
        found, positions = ranked_search(index, queries, k)
        np.testing.assert_array_equal(positions, expected[:, :k])
        np.testing.assert_allclose(found, np.take_along_axis(similarities, expected[:, :k], 1), atol=1e-6)


def test_a_killed_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr('mmbdg.pools.indexing.PART', 4)
    root = str(captioned_folder(tmp_path / 'pool'))
    whole = build_index(root, tmp_path / 'whole', Counting(), log=lambda line: None)
    killed, said = Counting(most=10), []
    with pytest.raises(KeyboardInterrupt):
        build_index(root, tmp_path / 'index', killed, batch_size=2, log=said.append)
    with pytest.raises(InputError, match='holds no complete index'):
        PoolIndex(tmp_path / 'index')
    again = Counting()
    build_index(root, tmp_path / 'index', again, batch_size=2, log=said.append)
    assert again.embedded == 24 - 8  # two parts of four were complete
    assert any('images: 8 of 24 are embedded already, 16 are new or changed' in line for line in said)
    assert content(tmp_path / 'index') == content(whole)


def test_a_changed_pool_embeds_what_is_new(tmp_path):
    root, embedder, said = captioned_folder(tmp_path / 'pool'), Counting(), []
    build_index(str(root), tmp_path / 'index', embedder, log=lambda line: None)
    first = content(tmp_path / 'index')
    build_index(str(root), tmp_path / 'index', embedder, log=said.append)
    assert (embedder.embedded, len(embedder.texts_read)) == (24, 24) and 'nothing has changed' in said[-1]
    assert content(tmp_path / 'index') == first
    pool, table = open_pool(str(root)), rows()
    table[3]['caption'], table[5]['caption'] = 'something else', table[6]['caption']  # the second is embedded already
    (root / f'{table[20]["key"]}.png').unlink()
    del table[20]
    shutil.copy(root / f'{table[0]["key"]}.png', root / 'added.png')
    write_table(root, [*table, dict(table[0], key='added', caption='a new one')])
    with pytest.raises(InputError, match='or the pool has changed since'):
        PoolIndex(tmp_path / 'index').check_pool(pool)
    build_index(str(root), tmp_path / 'index', embedder, log=said.append)
    assert embedder.embedded == 25 and embedder.texts_read[24:] == ['something else', 'a new one']
    assert any('images: 23 of 24 are embedded already, 1 are new or changed; 1 that were embedded' in line for line in said)
    index = PoolIndex(tmp_path / 'index')
    index.check_pool(pool)
    fresh = build_index(str(root), tmp_path / 'fresh', Counting(), log=lambda line: None)
    assert content(tmp_path / 'index') == content(fresh)
    other = Counting(weight=2.0)
    build_index(str(root), tmp_path / 'index', other, log=said.append)
    assert other.embedded == 24 and any('the embedder differs from that of the last run (config.weight)' in line for line in said)


def test_broken_images(tmp_path):
    root = captioned_folder(tmp_path / 'pool', 12)
    broken = [root / f'{row["key"]}.png' for row in rows(12)[2:4]]
    for path in broken:
        path.write_bytes(path.read_bytes()[:-40])
    (root / f'{rows(12)[7]["key"]}.png').unlink()
    embedder = Counting()
    with pytest.raises(InputError, match='missing image, 1 times'):
        build_index(str(root), tmp_path / 'index', embedder, log=lambda line: None)
    assert embedder.embedded == 0  # what can be told without opening images is told before any work
    write_table(root, [row for i, row in enumerate(rows(12)) if i != 7])
    with pytest.raises(InputError, match=r'(?s)broken image, 2 times:\n.*000000002.png.*000000003.png.*cut off or damaged'):
        build_index(str(root), tmp_path / 'index', embedder, log=lambda line: None)
    assert not (tmp_path / 'index/index.json').exists() and embedder.embedded == 9
    build_index(str(root), tmp_path / 'index', embedder, skip_broken=True, log=lambda line: None)
    assert embedder.embedded == 9
    index = PoolIndex(tmp_path / 'index')
    assert len(index) == 9 and index.manifest['pool']['left_out'] == 2
    left_out = [json.loads(line) for line in (tmp_path / 'index/left_out.jsonl').read_text().splitlines()]
    assert [(line['kind'], line['name']) for line in left_out] == [('broken image', str(path.relative_to(root))) for path in broken]
    similarities, positions = index.search('image', unit(np.array([[*picture(4).mean((0, 1)) - 128, 1]])), 1)
    assert index.entry(int(positions[0, 0])).caption == rows()[4]['caption'] and similarities[0, 0] > 0.999
    # Without an embedder no pixels are decoded, but an invalid image file is found.
    broken[0].write_bytes(b'no image')
    with pytest.raises(InputError, match='broken image, 1 times'):
        build_index(str(root), tmp_path / 'captions', log=lambda line: None)


QUERIES = {
    'red boot': lambda words, text: {'red', 'boot'} <= words,
    'RED AND (boot OR shirt)': lambda words, text: 'red' in words and bool({'boot', 'shirt'} & words),
    'boot NOT red': lambda words, text: 'boot' in words and 'red' not in words,
    '"number 1"': lambda words, text: ' number 1 ' in f' {text} ',
    '"t-shirt"': lambda words, text: 't-shirt' in text,
    'oot': lambda words, text: False,
    'bag OR nothing': lambda words, text: 'bag' in words,
}


def captions(number=300):
    things = ('boot', 'bag', 't-shirt', 'Shirt', 'boots')
    return [f'A {COLOURS[i % 4]} {things[i % 5]}, number {i % 37}' for i in range(number)]


@pytest.fixture(scope='module')
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp('table') / 'captions.sqlite'
    entries = [Entry(f'{i}.png', 1, text) for i, text in enumerate(captions())]
    assert write_entries(path, entries, ('unicode61', 'trigram')) == 300
    return CaptionTable(path)


@pytest.mark.parametrize('query', sorted(QUERIES))
def test_words_equal_a_filter(table, query):
    """Token match: whole words, in any case."""
    expected = []
    for i, text in enumerate(captions()):
        plain = text.lower().replace(',', '')
        if QUERIES[query](set(plain.replace('-', ' ').split()), plain):
            expected.append(i)
    assert table.match('unicode61', query).tolist() == expected
    assert expected or query == 'oot'


@pytest.mark.parametrize('substring', ['oot', 'shirt', 'd boots, n', 't-s', 'EEN'])
def test_substrings_equal_a_filter(table, substring):
    expected = [i for i, text in enumerate(captions()) if substring.lower() in text.lower()]
    assert table.match('trigram', phrase(substring)).tolist() == expected and expected


@pytest.mark.parametrize('query', ['', 'boot AND', '"boot', 't-shirt', 'nothing:boot', '(boot', '*'])
def test_queries_that_cannot_be_parsed(table, query):
    with pytest.raises(InputError, match='FTS5 cannot parse the query'):
        table.match('unicode61', query)


def test_substrings_that_are_too_short(table):
    with pytest.raises(InputError, match='the term \'ab\'; the tokenizer "trigram" finds substrings of at least 3'):
        table.match('trigram', 'boot AND "ab"')


def test_the_columns_of_a_table(tmp_path):
    entries = [Entry(f'{i}.png', i, 'c', nsfw=('NSFW', '', 'UNLIKELY')[i % 3], similarity=None if i else 0.5) for i in range(7)]
    write_entries(tmp_path / 'a', entries)
    table = CaptionTable(tmp_path / 'a')
    assert list(table.entries()) == entries and list(table.entries(2, 3)) == entries[2:5]
    assert table.values('nsfw') == ['', 'NSFW', 'UNLIKELY'] and table.having('nsfw', ['NSFW', '']).tolist() == [0, 1, 3, 4, 6]
    with pytest.raises(InputError, match='no entry 7'):
        table.entry(7)
    with pytest.raises(InputError, match='has a text that is not valid Unicode'):
        write_entries(tmp_path / 'b', [Entry('a', 1, '\udcff')])
    assert not (tmp_path / 'b').exists()
    with pytest.raises(sqlite3.OperationalError):
        table._table.execute('DELETE FROM entries')


def test_a_store_finds_what_it_holds(tmp_path):
    store, rng = VectorStore(tmp_path, 'text', 3), np.random.default_rng(0)
    keys, vectors = keys_of(str(i) for i in range(50)), rng.standard_normal((50, 3)).astype(np.float32)
    for begin in range(0, 40, 8):
        store.add(keys[begin : begin + 8], vectors[begin : begin + 8])
    chosen = rng.permutation(40)
    again = VectorStore(tmp_path, 'text', 3)
    assert again.has(keys).tolist() == [True] * 40 + [False] * 10 and len(again) == 40 and again.number_besides(keys[5:]) == 5
    np.testing.assert_array_equal(again.gather(keys[chosen]), vectors[chosen])
    assert len(VectorStore(tmp_path, 'image', 3)) == 0
    with pytest.raises(InputError, match='not vectors of length 4'):
        VectorStore(tmp_path, 'text', 4)
    path = tmp_path / 'text-000001.safetensors'
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match='text-000001.safetensors is damaged'):
        VectorStore(tmp_path, 'text', 3)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(embedder=None, tokenizers=()), 'finds nothing'),
        (dict(tokenizers=('porter',)), 'no tokenizer "porter"'),
        (dict(tokenizers=('trigram', 'trigram')), 'twice'),
        (dict(factory='Flatt'), 'no index of the factory string'),
        (dict(factory='IVF64,Flat'), 'cannot be trained on 5 vectors'),
        (dict(vectors='read'), 'comes without embeddings'),
        (dict(vectors='read', embedder=None), 'needs the embedder'),
        (dict(embedder=dict(type='os.system')), 'there is no embedder'),
    ],
)
def test_wrong_options(tmp_path, options, message):
    root = captioned_folder(tmp_path / 'pool', 5)
    with pytest.raises(InputError, match=message):
        build_index(str(root), tmp_path / 'index', **dict(dict(embedder=Counting(), log=lambda line: None), **options))
    assert not (tmp_path / 'index/index.json').exists()
    with pytest.raises(InputError, match='must lie outside its pool'):
        build_index(str(root), root / 'index', Counting())


def test_without_faiss(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'faiss', None)
    root = captioned_folder(tmp_path / 'pool', 5)
    with pytest.raises(InputError, match=r'pip install "mmbdg\[clip\]"'):
        build_index(str(root), tmp_path / 'index', Counting(), log=lambda line: None)
    assert not (tmp_path / 'index').exists()
    index = PoolIndex(build_index(str(root), tmp_path / 'index', tokenizers=('trigram',), log=lambda line: None))
    assert index.match('trigram', 'oot').tolist() == [0, 3]
    with pytest.raises(InputError, match='no full-text table of the tokenizer "unicode61", only of trigram'):
        index.match('unicode61', 'boot')
    with pytest.raises(InputError, match='no vectors, only captions'):
        index.check_embedder(Counting())


@pytest.mark.parametrize('name', ['captions.sqlite', 'image.index', 'index.json'])
def test_a_damaged_index(tmp_path, name):
    root = captioned_folder(tmp_path / 'pool', 5)
    folder = build_index(str(root), tmp_path / 'index', Counting(), log=lambda line: None)
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before[:-9] + b'123456789')
    with pytest.raises(InputError, match=name):
        PoolIndex(folder)
    build_index(str(root), tmp_path / 'index', Counting(), log=lambda line: None)
    assert (folder / name).read_bytes() == before


def test_embeddings_that_come_with_a_pool(tmp_path):
    images = captioned_folder(tmp_path / 'images', 6)
    (images / 'captions.csv').unlink()
    clip_retrieval_folder(tmp_path / 'pool', clip_retrieval_columns(images))
    pool = dict(folder=str(tmp_path / 'pool'), images=str(images))
    embedder = Counting()
    own = embedder.images([picture(i) for i in range(6)]).numpy(), embedder.texts([row['caption'] for row in rows(6)]).numpy()
    for folder, vectors in zip(('img_emb', 'text_emb'), own, strict=True):
        np.save(tmp_path / f'pool/{folder}/{folder}_0.npy', (3 * vectors).astype(np.float16))
    embedder = Counting()
    index = PoolIndex(build_index(pool, tmp_path / 'index', embedder, vectors='read', log=lambda line: None))
    assert embedder.embedded == 4 and index.manifest['vectors'] == 'read'  # those that are compared
    similarities, positions = index.search('image', own[0], 1)
    assert positions[:, 0].tolist() == list(range(6)) and (abs(similarities - 1) < 1e-3).all()
    np.save(tmp_path / 'pool/text_emb/text_emb_0.npy', own[1][::-1])
    with pytest.raises(InputError, match='it was made by another model'):
        build_index(pool, tmp_path / 'index', embedder, vectors='read', log=lambda line: None)
    np.save(tmp_path / 'pool/text_emb/text_emb_0.npy', own[1][:5])
    with pytest.raises(InputError, match='its metadata have more rows'):
        build_index(pool, tmp_path / 'index', embedder, vectors='read', log=lambda line: None)
    np.save(tmp_path / 'pool/text_emb/text_emb_0.npy', np.ones((6, 7), np.float32))
    with pytest.raises(InputError, match='have the length 7, those of the embedder 4'):
        build_index(pool, tmp_path / 'index', embedder, vectors='read', log=lambda line: None)


def test_precision():
    assert precision_at([True, False, True, True], 2) == 0.5 and precision_at([True, False, True, True], 10) == 0.75
    assert np.isnan(precision_at([], 3))
    with pytest.raises(ValueError, match='at least 1'):
        precision_at([True], 0)
