"""Every layout gives the same entries and images; broken or missing files are named."""

import json
import shutil
import sys
import types

import numpy as np
import pytest
from tiny_pools import MAKERS, captioned_folder, picture, png, rows, sidecar_files, write_table

from mmbdg.errors import InputError
from mmbdg.pools import open_pool
from mmbdg.pools.faults import Faults
from mmbdg.storage.shards import write_shard


@pytest.mark.parametrize('layout', sorted(MAKERS))
def test_entries_and_images(layout, tmp_path):
    pool, faults = open_pool(str(MAKERS[layout](tmp_path / 'pool'))), Faults()
    assert pool.layout == layout
    entries = list(pool.entries(faults))
    assert not faults and len(entries) == 24
    for i, (entry, row) in enumerate(zip(entries, rows(), strict=True)):
        assert (entry.caption, entry.url, entry.licence, entry.nsfw, entry.similarity) == (
            *(row['caption'], row['url'], row['LICENSE'], row['NSFW'], row['similarity']),
        )
        assert entry.size == len(png(i))
        pool.check_image(entry.name)
        np.testing.assert_array_equal(pool.image(entry.name), picture(i))
    assert len({entry.name for entry in entries}) == 24
    assert open_pool(dict(folder=str(tmp_path / 'pool'), layout=layout)).checksum() == pool.checksum()


def test_the_checksum_follows_the_files(tmp_path):
    root = captioned_folder(tmp_path / 'pool')
    before = open_pool(str(root)).checksum()
    shutil.move(root, tmp_path / 'moved')
    moved = open_pool(str(tmp_path / 'moved'))
    assert moved.checksum() == before
    table = tmp_path / 'moved/captions.csv'
    table.write_text(table.read_text().replace('red', 'tan'))  # of the same length
    assert moved.checksum() != before


def test_columns_that_nothing_reads_are_said(tmp_path):
    pool = open_pool(str(captioned_folder(tmp_path / 'pool')))
    list(pool.entries(Faults()))
    assert len(pool.notes) == 1 and pool.notes[0].endswith('columns that are not used: width')


def test_faults_of_a_table(tmp_path):
    root = captioned_folder(tmp_path / 'pool', 5)
    table = rows(6)  # the last one has no image
    table[1]['caption'] = ' '
    del table[3]
    write_table(root, table)
    faults = Faults()
    names = [entry.name for entry in open_pool(str(root)).entries(faults)]
    assert names == [f'00000/{i:09d}.png' for i in (0, 2, 4)]
    assert [(fault.kind, fault.name[-5:-4]) for fault in faults] == [
        ('missing caption', '1'),
        ('missing image', '5'),
        ('missing caption', '3'),
    ]
    with pytest.raises(InputError, match=r'(?s)missing caption, 2 times:.*000000001.png.*missing image, 1 times:.*--skip-broken'):
        faults.refuse(root)


def test_faults_of_files_beside_images(tmp_path):
    root = sidecar_files(tmp_path / 'pool', 5)
    (root / '00000/000000000.png').unlink()
    (root / '00000/000000001.txt').write_bytes(b'\xff\xfe\xff')
    (root / '00000/000000002.txt').unlink()  # the JSON has the caption
    (root / '00000/000000003.json').write_text('{')
    for suffix in ('txt', 'json'):
        (root / f'00000/000000004.{suffix}').unlink()
    faults = Faults()
    assert [entry.caption for entry in open_pool(str(root)).entries(faults)] == ['a blue shirt number 2']
    assert [(fault.kind, fault.name[14:15]) for fault in faults] == [
        *(('missing image', '0'), ('broken caption', '1'), ('broken caption', '3'), ('missing caption', '4')),
    ]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('caption\na\n', 'has no column "file"; it has caption'),
        ('', 'has no column "file"; it has none'),
        ('file,caption\na.png\n', 'line 2: the row has fewer cells than the head'),
        ('file,caption\na.png,b,c\n', 'line 2: the row has more cells than the head'),
        ('file,caption\na.png,b\na.png,c\n', 'line 3: a.png has a row already'),
        ('file,caption\n../a.png,b\n', 'leads out of its folder'),
        ('file,caption\n/etc/passwd,b\n', 'leads out of its folder'),
        ('file,caption,similarity\na.png,b,much\n', "line 2: the similarity must be a number, got 'much'"),
        ('file,caption\n"a.png"x,b\n', 'is not a row of a CSV file'),
    ],
)
def test_a_table_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / 'captions.csv').write_text(text)
    with pytest.raises(InputError, match=message):
        list(open_pool(str(tmp_path)).entries(Faults()))


def test_shards_that_cannot_be_read(tmp_path):
    write_shard(tmp_path / '0.tar', [('a.png', png(0)), ('a.jpg', png(1)), ('a.txt', b'a')])
    with pytest.raises(InputError, match='several images of the key a'):
        list(open_pool(str(tmp_path)).entries(Faults()))
    write_shard(tmp_path / '0.tar', [('a.png', png(0)), ('a.txt', b'a'), ('a.txt', b'b')])
    with pytest.raises(InputError, match='holds a.txt twice'):
        list(open_pool(str(tmp_path)).entries(Faults()))
    write_shard(tmp_path / '0.tar', [('x/a.png', png(0)), ('x/a.txt', b'a'), ('b.txt', b'b'), ('c.txt.bak', b'c')])
    pool, faults = open_pool(str(tmp_path)), Faults()
    assert [entry.name for entry in pool.entries(faults)] == ['0.tar!x/a.png']
    assert [tuple(fault[:2]) for fault in faults] == [('missing image', '0.tar!b')] and '1 files in shards' in pool.notes[0]
    for name in ('0.tar!nothing.png', 'x/a.png', '../0.tar!x/a.png'):
        with pytest.raises(InputError):
            pool.image(name)
    (tmp_path / '0.tar').write_bytes(b'no tar file' * 100)
    with pytest.raises(InputError, match=r'0.tar is not a tar file or is truncated'):
        list(open_pool(str(tmp_path)).entries(Faults()))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('nowhere', 'there is no pool nowhere'),
        (dict(folder='.', layout='captioned-folder'), r'no layout of a pool .*; did you mean "captioned_folder"\?'),
        (dict(folder='.', layout='os.system'), 'there is no layout of a pool'),
        (dict(layout='caption_shards'), 'a pool is the path of a folder'),
        (dict(folder='.', layout='caption_shards', images='x'), 'takes no "images"'),
    ],
)
def test_pools_that_cannot_be_opened(config, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        open_pool(config)


def test_a_folder_without_captions(tmp_path):
    (tmp_path / 'a.png').write_bytes(png(0))
    with pytest.raises(InputError, match='is not a pool of images with captions'):
        open_pool(str(tmp_path))


def clip_retrieval_folder(root, images, number=6, absolute=False):
    """Folder in clip-retrieval's layout; the Parquet file is a placeholder, see :func:`fake_parquet`."""
    table = rows(number)
    for folder in ('metadata', 'img_emb', 'text_emb'):
        (root / folder).mkdir(parents=True)
    (root / 'metadata/metadata_0.parquet').write_bytes(b'PAR1')
    columns = {name: [row[name] for row in table] for name in ('caption', 'url', 'LICENSE', 'NSFW', 'similarity')}
    paths = [f'{row["key"]}.png' for row in table]
    return dict(columns, image_path=[f'{images}/{path}' for path in paths] if absolute else paths)


@pytest.fixture
def fake_parquet(monkeypatch):
    """Replace the only function of pyarrow that is used; the tests do not require pyarrow."""

    def use(columns):
        parquet = types.ModuleType('pyarrow.parquet')
        parquet.read_table = lambda path: types.SimpleNamespace(to_pydict=lambda: columns)
        package = types.ModuleType('pyarrow')
        package.parquet = parquet
        monkeypatch.setitem(sys.modules, 'pyarrow', package)
        monkeypatch.setitem(sys.modules, 'pyarrow.parquet', parquet)

    return use


@pytest.mark.parametrize('absolute', [False, True])
def test_clip_retrieval(tmp_path, fake_parquet, absolute):
    images = captioned_folder(tmp_path / 'images', 6)
    (images / 'captions.csv').unlink()
    columns = clip_retrieval_folder(tmp_path / 'pool', images, absolute=absolute)
    columns['caption'][2] = None
    fake_parquet(columns)
    vectors = np.arange(1, 19, dtype=np.float16).reshape(6, 3)
    np.save(tmp_path / 'pool/img_emb/img_emb_0.npy', vectors[:4])
    np.save(tmp_path / 'pool/img_emb/img_emb_1.npy', vectors[4:])
    pool, faults = open_pool(dict(folder=str(tmp_path / 'pool'), images=str(images))), Faults()
    entries = list(pool.entries(faults))
    assert [entry.row for entry in entries] == [0, 1, 3, 4, 5] and faults[0].kind == 'missing caption'
    assert entries[0]._replace(row=-1, size=0) == next(iter(open_pool(str(_csv(images))).entries(Faults())))._replace(size=0)
    np.testing.assert_array_equal(pool.image(entries[2].name), picture(3))
    given, wide = np.concatenate(list(pool.vectors('image'))), vectors.astype(np.float64)
    np.testing.assert_allclose(given, wide / np.linalg.norm(wide, axis=1, keepdims=True), rtol=1e-6)
    assert given.dtype == np.float32


def _csv(images):
    write_table(images, rows(6))
    return images


def test_clip_retrieval_errors(tmp_path, fake_parquet, monkeypatch):
    images = captioned_folder(tmp_path / 'images', 6)
    columns = clip_retrieval_folder(tmp_path / 'pool', images)
    pool = open_pool(dict(folder=str(tmp_path / 'pool'), images=str(images)))
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(InputError, match='pip install pyarrow'):
        list(pool.entries(Faults()))
    fake_parquet(dict(columns, image_path=['/elsewhere/a.png'] * 6))
    with pytest.raises(InputError, match='which is not below .*"images" of the pool'):
        list(pool.entries(Faults()))
    fake_parquet(dict(columns, image_path=['../a.png'] * 6))
    with pytest.raises(InputError, match='leads out of its folder'):
        list(pool.entries(Faults()))
    fake_parquet(dict(caption=['a']))
    with pytest.raises(InputError, match='has no column "image_path"'):
        list(pool.entries(Faults()))
    np.save(tmp_path / 'pool/img_emb/img_emb_0.npy', np.zeros((6, 3), np.float32))
    with pytest.raises(InputError, match='vectors of length 0'):
        list(pool.vectors('image'))


def test_real_parquet(tmp_path):
    """The same with pyarrow, if it is installed."""
    pyarrow = pytest.importorskip('pyarrow', reason='pip install pyarrow: the library that reads Parquet')
    from pyarrow import parquet

    images = captioned_folder(tmp_path / 'images', 6)
    columns = clip_retrieval_folder(tmp_path / 'pool', images)
    parquet.write_table(pyarrow.table(columns), tmp_path / 'pool/metadata/metadata_0.parquet')
    entries = list(open_pool(dict(folder=str(tmp_path / 'pool'), images=str(images))).entries(Faults()))
    assert [entry.caption for entry in entries] == [row['caption'] for row in rows(6)]
    (tmp_path / 'pool/metadata/metadata_0.parquet').write_text(json.dumps(columns))
    with pytest.raises(InputError, match='cannot be read as Parquet'):
        list(open_pool(dict(folder=str(tmp_path / 'pool'), images=str(images))).entries(Faults()))
