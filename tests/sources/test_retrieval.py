"""RetrievalSource: hits equal a numpy search and a plain filter; several classes, unsafe entries, licences; bad input."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tiny_clip import tiny_clip, write_tiny_clip  # noqa: F401
from tiny_pools import caption_shards, captioned_folder, picture, rows, write_table

from mmbdg.embedders import build_embedder
from mmbdg.errors import InputError
from mmbdg.pools import PoolIndex, build_index
from mmbdg.sources.build import build_source, source_class
from mmbdg.sources.image_fit import fitted
from mmbdg.sources.retrieval_source import is_unsafe
from mmbdg.sources.retrieved_hits import Hits, by_rule, matched, united
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import Synthesis, synthesize

pytest.importorskip('faiss', reason='pip install "mmbdg[clip]"')
CLASSES = [
    dict(id='c0', name='boot'),
    dict(id='c1', name='bag', query='bag AND (red OR green)'),
    dict(id='c2', name='dark', sense='colour'),
]
TEMPLATES = ('a photo of a {}', 'the {}.')


@pytest.fixture(scope='module')
def pool(tmp_path_factory, tiny_clip):  # noqa: F811
    """A tiny pool and its index: keys of the source's config."""
    root = tmp_path_factory.mktemp('retrieval')
    embedder = dict(type='mmbdg.OpenCLIP', folder=str(tiny_clip))
    build_index(str(caption_shards(root / 'pool')), root / 'index', embedder, tokenizers=('unicode61', 'trigram'), log=lambda line: None)
    return dict(pool=str(root / 'pool'), index=str(root / 'index'), embedder=embedder)


def source(pool, /, **keys):
    config = dict(type='mmbdg.RetrievalSource', classes=CLASSES, k=5, templates=TEMPLATES, resolution=24)
    return build_source(config | pool | keys, 0, 'cpu')


SAFE = np.array([row['NSFW'] != 'NSFW' for row in rows()])


@pytest.fixture(scope='module')
def embedded(tiny_clip):  # noqa: F811
    """Vectors of the pool's images and captions and of the queries, by a separate embedder."""
    embedder = build_embedder(dict(type='mmbdg.OpenCLIP', folder=str(tiny_clip)))
    names = ['boot', 'bag', 'dark (colour)']
    return dict(
        image=embedder.images([picture(i) for i in range(24)]).numpy(),
        text=embedder.texts([row['caption'] for row in rows()]).numpy(),
        queries=[embedder.texts([text.replace('{}', name) for text in TEMPLATES]).numpy() for name in names],
    )


def expected_hits(embedded, class_id, modalities=('image', 'text'), k=5):
    """Positions and similarities of a class by one product of matrices."""
    best = np.full(24, -np.inf)
    for modality in modalities:
        for similarities in embedded['queries'][class_id] @ embedded[modality].T:
            nearest = np.argsort(-similarities, kind='stable')[:k]
            best[nearest] = np.maximum(best[nearest], similarities[nearest])
    best[~SAFE] = -np.inf
    order = np.argsort(-best, kind='stable')
    return order[: np.isfinite(best).sum()], best[order[: np.isfinite(best).sum()]]


@pytest.mark.parametrize('modalities', [('image', 'text'), ('image',), ('text',)])
def test_hits_equal_a_search_in_numpy(pool, embedded, modalities):
    found = source(pool, modalities=modalities, max_per_class=None)
    for class_id in range(3):
        positions, similarities = expected_hits(embedded, class_id, modalities)
        hits = found.hits()[class_id]
        assert hits.positions.tolist() == positions.tolist() and found.available(class_id) == len(positions) > 4
        np.testing.assert_allclose(hits.similarities, similarities, atol=1e-5)
    found._hits, found.max_per_class = None, 3
    assert found.hits()[0].positions.tolist() == expected_hits(embedded, 0, modalities)[0][:3].tolist()


def test_hits_are_searched_once(pool, embedded, tmp_path, monkeypatch):
    """Other processes and later runs read them; another k, another index or a damaged file is searched again."""
    monkeypatch.setenv('MMBDG_CACHE', str(tmp_path))
    asked, search = [], PoolIndex.search

    def counted(self, modality, queries, k, parameters):
        asked.append((modality, k))
        return search(self, modality, queries, k, parameters)

    monkeypatch.setattr(PoolIndex, 'search', counted)
    first, again = source(pool).hits(), source(pool).hits()
    assert len(asked) == 3 * 2 and not list(tmp_path.rglob('*.part'))
    for one, other in zip(first, again, strict=True):
        for values, own in zip(one, other, strict=True):
            np.testing.assert_array_equal(values, own)
            assert values.dtype == own.dtype
    source(pool, classes=CLASSES[:1], max_per_class=1, drop_nsfw=False).hits()  # rules are applied to stored hits
    assert len(asked) == 6
    source(pool, k=4).hits()
    assert asked[6:] == [('image', 4), ('text', 4)] * 3
    files = sorted(tmp_path.rglob('*.safetensors'))
    files[0].write_bytes(files[0].read_bytes()[:-3])
    save_file({name: getattr(first[0], name) + 100 for name in Hits._fields}, files[1])  # positions outside the index
    assert [hits.positions.tolist() for hits in (*source(pool).hits(), *source(pool, k=4).hits())] == [
        expected_hits(embedded, i, k=k)[0].tolist() for k in (5, 4) for i in range(3)
    ]
    assert len(asked) == 12 + 2 * 2


def test_hits_do_not_depend_on_other_classes(pool):
    alone = source(pool, classes=CLASSES[2:])
    for one, other in zip(alone.hits()[0], source(pool).hits()[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_draw(pool, embedded):
    """The i-th sample is the i-th hit, resized and cropped; the manifest has its origin."""
    found = source(pool)
    positions, similarities = expected_hits(embedded, 2)
    drawn = found.draw(2, [3, 0])
    assert drawn.images.shape == (2, 3, 24, 24) and drawn.images.dtype == torch.uint8
    for image, record, i in zip(drawn.images, drawn.records, (3, 0), strict=True):
        row, position = rows()[positions[i]], int(positions[i])
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), fitted(picture(position), 24))
        assert abs(record.pop('similarity') - similarities[i]) < 1e-5 and record.pop('found_by') in ('image', 'text')
        assert record.pop('query') in ('a photo of a dark (colour)', 'the dark (colour).')
        assert record == dict(
            pool_id=f'{row["key"].split("/")[0]}.tar!{position % 10:04d}.png',
            url=row['url'],
            caption=row['caption'],
            licence=row['LICENSE'],
            nsfw=row['NSFW'],
            pool_similarity=row['similarity'],
        )


def captions_with(test, safe=True):
    return [i for i, row in enumerate(rows()) if test(row['caption'].split()) and (SAFE[i] or not safe)]


@pytest.mark.parametrize('tokenizer', ['unicode61', 'trigram'])
def test_match_equals_a_filter(pool, tokenizer):
    """A query in FTS5's language, or the name; hits in the order of the pool; no embedder is needed."""
    found = source(pool | dict(embedder=None), mode='match', tokenizer=tokenizer)
    assert [hits.positions.tolist() for hits in found.hits()] == [
        captions_with(lambda words: 'boot' in words),
        captions_with(lambda words: 'bag' in words and ('red' in words or 'green' in words)),
        captions_with(lambda words: 'dark' in words),
    ]
    record = found.draw(1, [0]).records[0]
    assert (record['query'], record['found_by'], record['similarity']) == (CLASSES[1]['query'], 'match', None)
    unsafe = source(pool | dict(embedder=None), mode='match', tokenizer=tokenizer, drop_nsfw=False)
    assert unsafe.hits()[0].positions.tolist() == captions_with(lambda words: 'boot' in words, safe=False)
    part = source(pool, mode='match', tokenizer=tokenizer, classes=[dict(id='a', name='oo')] if tokenizer == 'unicode61' else ['oot'])
    assert part.hits()[0].positions.tolist() == ([] if tokenizer == 'unicode61' else captions_with(lambda words: 'boot' in words))


def test_licences(pool):
    """Case is ignored; entries without a licence are dropped if licences are given."""
    found = source(pool, mode='match', licences=['CC-BY', 'mit'], classes=['number'])
    assert found.hits()[0].positions.tolist() == [i for i, row in enumerate(rows()) if row['LICENSE'] == 'cc-by' and SAFE[i]]


@pytest.mark.parametrize(
    ('value', 'unsafe'),
    [('NSFW', True), ('nsfw ', True), ('True', True), ('0.9', True), ('0.1', False), ('UNLIKELY', False), ('UNSURE', False), ('', False)],
)
def test_unsafe_values(value, unsafe):
    assert is_unsafe(value) is unsafe


def hits_of(*pairs):
    positions, similarities = zip(*pairs, strict=True)
    return Hits(np.array(positions), np.array(similarities, np.float32), np.zeros(len(pairs), np.int32), np.zeros(len(pairs), np.int8))


def test_rules_of_several_classes():
    """Position 5 is nearest to the first class, 7 equally near to both."""
    classes = [hits_of((5, 0.9), (7, 0.5), (1, 0.4)), hits_of((7, 0.5), (5, 0.2), (2, 0.1))]
    assert by_rule(classes, 'all') == classes
    assert [hits.positions.tolist() for hits in by_rule(classes, 'best')] == [[5, 7, 1], [2]]
    assert [hits.positions.tolist() for hits in by_rule(classes, 'drop')] == [[1], [2]]
    with pytest.raises(InputError, match='multi_label="best" compares similarities'):
        by_rule([matched(np.array([1, 2])), matched(np.array([2]))], 'best')


def test_uniting():
    """Two modalities of two queries: the best hit of an entry counts; ties are in the order of the pool; -1 is no hit."""
    image = np.array([[0.3, 0.2], [0.25, 0.1]], np.float32), np.array([[4, 6], [6, -1]])
    text = np.array([[0.9, 0.25], [0.8, 0.7]], np.float32), np.array([[8, 3], [2, 4]])
    hits = united([image, text])
    assert hits.positions.tolist() == [8, 2, 4, 3, 6]
    np.testing.assert_allclose(hits.similarities, [0.9, 0.8, 0.7, 0.25, 0.25], atol=1e-7)
    assert hits.queries.tolist() == [0, 1, 1, 0, 1] and hits.modalities.tolist() == [1, 1, 1, 1, 0]
    # By rank: 8, 2, 4 and 6 are each the first hit of a query; 3 is a second one.
    assert united([image, text], 'rank').positions.tolist() == [8, 2, 4, 6, 3]
    assert united([(np.zeros((1, 2), np.float32), np.full((1, 2), -1))]).positions.tolist() == []


def test_fitting():
    image = np.arange(6 * 10 * 3, dtype=np.uint8).reshape(6, 10, 3)
    np.testing.assert_array_equal(fitted(image, 6), image[:, 2:8])  # the short side is unchanged: the centre is cropped
    assert fitted(image[:6, :6], 6).base is not None  # unchanged
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :20] = 200
    assert fitted(wide, 8, squash=True)[:, :3].min() == 200 and fitted(wide, 8, squash=True)[:, 5:].max() == 0
    assert fitted(np.zeros((1, 5000, 3), np.uint8), 16).shape == (16, 16, 3)


def test_a_dataset(pool, tmp_path):
    """Images without masks; the manifest describes the hits; classes with too few hits are named."""
    config = dict(type='mmbdg.RetrievalSource', classes=[*CLASSES, 'nowhere'], mode='match', resolution=24, **pool)
    said, plan = [], Synthesis.from_config(dict(source=config, num_per_class=4, candidates=3))
    stored = StoredDataset(synthesize(plan, tmp_path / 'out', log=said.append))
    boots, numbers = captions_with(lambda words: 'boot' in words), stored.info['available']
    assert stored.info['counts'] == {'c0': 4, 'c1': 4, 'c2': 4} and numbers['c0'] == len(boots) and numbers['nowhere'] == 0
    assert any('nowhere: 0 of 4 samples' in line for line in said)
    line = stored.lines[2]
    assert (line['class'], line['caption'], line['found_by']) == (0, rows()[boots[2]]['caption'], 'match')
    np.testing.assert_array_equal(stored.image(line), fitted(picture(boots[2]), 24))
    text = json.dumps(stored.info)
    assert str(tmp_path) not in text and pool['pool'] not in text and stored.info['masks'] is False


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(k=0), 'source.k must be at least 1'),
        (dict(max_per_class=0), 'max_per_class must be at least 1'),
        (dict(resolution=10**6), 'resolution is at most 8192'),
        (dict(modalities=['sound']), "modalities are .* got 'sound'"),
        (dict(modalities=[]), 'at least one'),
        (dict(templates=[]), 'there are no templates'),
        (dict(templates=['a photo']), 'exactly one {}'),
        (dict(embedder=None), 'embedder is missing'),
        (dict(embedder=dict(type='os.system')), 'there is no embedder'),
        (dict(mode='nearest'), "mode: Input should be 'knn' or 'match'"),
        (dict(mode='match', multi_label='best'), 'a text match does not have'),
        (dict(multi_label='first'), "multi_label: Input should be 'all', 'best' or 'drop'"),
        (dict(tokenizer='porter'), 'tokenizer is one of unicode61, trigram'),
        (dict(licences=[]), 'licences allows none'),
        (dict(pool=dict(folder='x', layout='zip')), "there is no layout 'zip'"),
    ],
)
def test_values_that_make_no_sense(keys, message):
    config = dict(type='mmbdg.RetrievalSource', pool='x', index='y', classes=CLASSES, embedder=dict(type='mmbdg.OpenCLIP', folder='z'))
    with pytest.raises(InputError, match=message):
        source_class(config | keys)


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        ([dict(id='a', name='boot', query='boot AND')], 'class "a": FTS5 cannot parse the query'),
        ([dict(id='a', name='boot'), dict(id='a', name='bag')], 'have the same id "a"'),
    ],
)
def test_classes_that_make_no_sense(pool, classes, message):
    with pytest.raises(InputError, match=message):
        source(pool, mode='match', classes=classes)


def test_what_does_not_belong_together(pool, tmp_path):
    with pytest.raises(InputError, match='holds no complete index'):
        source(pool, index=str(tmp_path))
    other = captioned_folder(tmp_path / 'pool', 5)
    with pytest.raises(InputError, match='does not belong to the pool'):
        source(pool, pool=str(other))
    with pytest.raises(InputError, match='made by another embedder'):
        source(pool, embedder=dict(type='mmbdg.OpenCLIP', folder=str(write_tiny_clip(tmp_path / 'clip', seed=1))))
    build_index(str(other), tmp_path / 'index', log=lambda line: None)
    with pytest.raises(InputError, match='no vectors, only captions'):
        source(pool, pool=str(other), index=str(tmp_path / 'index'))
    with pytest.raises(InputError, match='no full-text table of the tokenizer "trigram"'):
        source(pool, pool=str(other), index=str(tmp_path / 'index'), mode='match', tokenizer='trigram')


def test_an_image_that_breaks_during_a_synthesis(tmp_path):
    """Finished blocks stay, the dataset is not finished; when the image is mended, the same command finishes it."""
    root = captioned_folder(tmp_path / 'pool', 12)
    build_index(str(root), tmp_path / 'index', log=str)
    source = dict(type='mmbdg.RetrievalSource', pool=str(root), index=str(tmp_path / 'index'), classes=['number'], mode='match')
    plan = Synthesis.from_config(dict(source=source | dict(drop_nsfw=False, resolution=24), num_per_class=6, candidates=2))
    path = root / f'{rows()[4]["key"]}.png'
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    with pytest.raises(InputError, match='000000004.png is no image'):
        synthesize(plan, tmp_path / 'out', log=str)
    assert len(list((tmp_path / 'out/images').rglob('*.png'))) == 4 and not (tmp_path / 'out/dataset.json').exists()
    path.write_bytes(whole)
    assert len(StoredDataset(synthesize(plan, tmp_path / 'out', log=str)).lines) == 6


def test_an_image_that_is_gone(tmp_path):
    """The checksum of a pool covers names and sizes; an image that broke without a change of them raises an error when it is read."""
    root = captioned_folder(tmp_path / 'pool', 5)
    build_index(str(root), tmp_path / 'index', log=lambda line: None)
    path = root / f'{rows()[3]["key"]}.png'
    path.write_bytes(bytes(path.stat().st_size))
    found = build_source(
        dict(type='mmbdg.RetrievalSource', pool=str(root), index=str(tmp_path / 'index'), classes=['boot'], mode='match', drop_nsfw=False),
        *(0, 'cpu'),
    )
    assert found.draw(0, [0]).records[0]['pool_id'] == f'{rows()[0]["key"]}.png'
    with pytest.raises(InputError, match='000000003.png is no image'):
        found.draw(0, [1])
    write_table(root, rows(4))
    with pytest.raises(InputError, match='the pool has changed since'):
        found.index.check_pool(found.pool)
