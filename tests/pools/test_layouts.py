"""Every layout gives the same entries and images; broken or missing files are named."""

import shutil
import sys

import numpy as np
import pytest
from tiny_pools import MAKERS, captioned_folder, picture, png, rows, sidecar_files, write_table

from mmbdg.errors import InputError
from mmbdg.pools import open_pool
from mmbdg.pools.faults import Faults
from mmbdg.storage.shards import write_shard

pyarrow = pytest.importorskip('pyarrow', reason='pip install pyarrow: the library that reads Parquet')


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


def clip_retrieval_columns(images, number=6, absolute=False):
    """Columns of clip-retrieval's metadata: those of img2dataset and LAION, and the path of the image."""
    table = rows(number)
    columns = {name: [row[name] for row in table] for name in ('caption', 'url', 'LICENSE', 'NSFW', 'similarity')}
    paths = [f'{row["key"]}.png' for row in table]
    return dict(columns, image_path=[f'{images}/{path}' for path in paths] if absolute else paths, width=[36] * number)


def clip_retrieval_folder(root, columns, part=0):
    """Folder in clip-retrieval's layout, with one part of the metadata."""
    from pyarrow import parquet

    for folder in ('metadata', 'img_emb', 'text_emb'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), root / f'metadata/metadata_{part}.parquet', compression='snappy')
    return root


@pytest.mark.parametrize('absolute', [False, True])
def test_clip_retrieval(tmp_path, absolute):
    """Twelve rows in eleven files, whose numbers are sorted as numbers; missing values."""
    images = captioned_folder(tmp_path / 'images', 12)
    (images / 'captions.csv').unlink()
    columns = clip_retrieval_columns(images, 12, absolute)
    columns['caption'][2] = columns['LICENSE'][4] = columns['similarity'][5] = None
    for part in range(11):
        places = slice(part, part + 1) if part < 10 else slice(10, 12)
        clip_retrieval_folder(tmp_path / 'pool', {name: values[places] for name, values in columns.items()}, part)
    vectors = np.arange(1, 37, dtype=np.float16).reshape(12, 3)
    np.save(tmp_path / 'pool/img_emb/img_emb_0.npy', vectors[:4])
    np.save(tmp_path / 'pool/img_emb/img_emb_1.npy', vectors[4:])
    pool, faults = open_pool(dict(folder=str(tmp_path / 'pool'), images=str(images))), Faults()
    entries = list(pool.entries(faults))
    assert [entry.row for entry in entries] == [0, 1, *range(3, 12)] and faults[0].kind == 'missing caption'
    assert (entries[3].licence, entries[4].similarity) == ('', None) and 'not used: width' in pool.notes[0]
    expected = [*open_pool(str(_csv(images))).entries(Faults())]
    for i in (0, 1, 5, 10):
        assert entries[i] == expected[entries[i].row]._replace(row=entries[i].row)
        np.testing.assert_array_equal(pool.image(entries[i].name), picture(entries[i].row))
    given, wide = np.concatenate(list(pool.vectors('image'))), vectors.astype(np.float64)
    np.testing.assert_allclose(given, wide / np.linalg.norm(wide, axis=1, keepdims=True), rtol=1e-6)
    assert given.dtype == np.float32


def _csv(images):
    write_table(images, rows(12))
    return images


def test_clip_retrieval_errors(tmp_path, monkeypatch):
    images, root = captioned_folder(tmp_path / 'images', 6), tmp_path / 'pool'
    columns = clip_retrieval_columns(images)
    pool = open_pool(dict(folder=str(clip_retrieval_folder(root, columns)), images=str(images)))
    for other, message in (
        (dict(columns, image_path=['/elsewhere/a.png'] * 6), 'which is not below .*"images" of the pool'),
        (dict(columns, image_path=['../a.png'] * 6), 'leads out of its folder'),
        (dict(caption=['a']), 'has no column "image_path"'),
        (dict(columns, similarity=['much'] * 6), 'row 0: the similarity must be a number'),
    ):
        clip_retrieval_folder(root, other)
        with pytest.raises(InputError, match=message):
            list(pool.entries(Faults()))
    for content in (b'', b'PAR1', b'no Parquet', (root / 'metadata/metadata_0.parquet').read_bytes()[:-20]):
        (root / 'metadata/metadata_0.parquet').write_bytes(content)
        with pytest.raises(InputError, match='metadata_0.parquet cannot be read as Parquet'):
            list(pool.entries(Faults()))
    np.save(root / 'img_emb/img_emb_0.npy', np.zeros((6, 3), np.float32))
    with pytest.raises(InputError, match='vectors of length 0'):
        list(pool.vectors('image'))
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(InputError, match='pip install pyarrow'):
        list(pool.entries(Faults()))


@pytest.mark.parametrize('layout', ['caption_shards', 'sidecar_files'])
def test_the_tables_of_img2dataset_are_left_out(layout, tmp_path):
    """img2dataset also writes a Parquet file and a JSON file of statistics for each shard or folder."""
    from pyarrow import parquet

    root = MAKERS[layout](tmp_path / 'pool')
    for i in range(3):
        parquet.write_table(pyarrow.table(dict(url=['a'], caption=['b'])), root / f'{i:05d}.parquet')
        (root / f'{i:05d}_stats.json').write_text('{"count": 1}')
    pool, faults = open_pool(str(root)), Faults()
    assert pool.layout == layout and len(list(pool.entries(faults))) == 24 and not faults
