"""Reading text, lists, JSON and arrays that other programs wrote."""

import codecs
import io
import os
import zipfile

import numpy as np
import pytest

from mmbdg.errors import InputError
from mmbdg.reading import read_array, read_arrays, read_json, read_lines, read_text
from mmbdg.schema import PlainName, Schema


@pytest.mark.parametrize(
    'data',
    [
        'ü\nb\n'.encode(),
        codecs.BOM_UTF8 + 'ü\r\nb'.encode(),
        'ü\r\nb\r\n'.encode('utf-16'),
        codecs.BOM_UTF16_BE + 'ü\nb'.encode('utf-16-be'),
        'ü\rb'.encode('utf-32'),
    ],
)
def test_encodings(tmp_path, data):
    (tmp_path / 'list.txt').write_bytes(data)
    assert read_lines(tmp_path / 'list.txt') == ['ü', 'b'] and read_text(tmp_path / 'list.txt').strip() == 'ü\nb'


def test_other_encodings_are_named(tmp_path):
    (tmp_path / 'list.txt').write_bytes(b'a\nb\n\xfcber\n')
    with pytest.raises(InputError, match='list.txt, line 3, is not UTF-8'):
        read_lines(tmp_path / 'list.txt')
    (tmp_path / 'list.txt').write_bytes(b'a\n\0\0\0\0')
    with pytest.raises(InputError, match='line 2, holds null characters'):
        read_lines(tmp_path / 'list.txt')


class Card(Schema):
    name: PlainName
    count: int
    share: float = 0.0
    more: dict[str, list[int]] = {}


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"name": "a", "count": 1', 'is cut off'),
        ('', 'is empty, not JSON'),
        ('{"name": "a", count: 1}', r'is no JSON, or is cut off: .* at line 1, column 15'),
        ('[' * 100_000, 'nested too deeply|is cut off'),
        ('[' * 100_000 + ']' * 100_000, 'nested too deeply'),
        ('[]', 'is not as it should be'),
        ('null', 'is not as it should be'),
        ('{"name": "a", "count": "1"}', "count: Input should be a valid integer, got '1'"),
        ('{"name": "a", "count": true}', 'count: Input should be a valid integer, got True'),
        ('{"name": "a", "count": 1.5}', 'count: Input should be a valid integer'),
        ('{"name": "../a", "count": 1}', 'name: must be the name of a folder or file'),
        ('{"name": "a", "count": 1, "share": NaN}', 'share: Input should be a finite number'),
        ('{"name": "a", "count": 1, "misspelt": 2}', 'misspelt: Extra inputs are not permitted'),
        ('{"name": "a", "count": 1, "more": {"x": [1, null]}}', r'more\.x\.1: Input should be a valid integer, got None'),
        ('{"name": "a"}', 'count: Field required$'),
        ('{"name": "a", "count": 1' + '0' * 5000 + '}', 'holds JSON that cannot be read'),
    ],
)
def test_json_that_is_refused(tmp_path, text, message):
    (tmp_path / 'card.json').write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        read_json(tmp_path / 'card.json', Card)
    assert str(refused.value).startswith(str(tmp_path / 'card.json')) and len(str(refused.value)) < 800


def test_json_that_is_read(tmp_path):
    (tmp_path / 'card.json').write_bytes(codecs.BOM_UTF8 + '{"name": "ü", "count": 1, "share": 1}'.encode())
    assert read_json(tmp_path / 'card.json', Card) == dict(name='ü', count=1, share=1)
    (tmp_path / 'card.json').write_text('"' + 'x' * 10_000 + '"')
    with pytest.raises(InputError, match='x{50,60}\\.\\.\\.$'):
        read_json(tmp_path / 'card.json', Card)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / 'card.json')
    with pytest.raises(InputError, match='is a pipe'):
        read_json(tmp_path / 'card.json')


def saved(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    'array', [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(3, dtype='>f4'), np.float32(2)]
)
def test_arrays(array):
    found = read_array(saved(array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder('=')


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (saved(np.array([{}], dtype=object), allow_pickle=True), 'values of the type object'),
        (saved(np.array(['a'])), 'values of the type <U1'),
        (saved(np.zeros(0)), 'holds no numbers'),
        (saved(np.zeros(100))[:300], r'is cut off: 172 bytes for an array of shape \(100,\)'),
        (saved(np.zeros(1)).replace(b'(1,), }', b'(10**9,)}').replace(b'10**9', b'99999'), 'cut off|no .npy file'),
        (saved(np.zeros(1)).replace(b"'shape': (1,)", b"'shape': (9,)"), r'8 bytes for an array of shape \(9,\)'),
        (b'\x93NUMPY', 'no .npy file'),
        (b'', 'no .npy file'),
        (b'PK\x03\x04', 'no .npy file'),
    ],
)
def test_arrays_that_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_array(data)


def test_arrays_by_name(tmp_path):
    np.savez_compressed(tmp_path / 'x.npz', a=np.arange(3), b=np.float32([[0.5]]))
    found = read_arrays(tmp_path / 'x.npz')
    assert {name: values.tolist() for name, values in found.items()} == dict(a=[0, 1, 2], b=[[0.5]])
    assert list(read_arrays(tmp_path / 'x.npz', ['b'])) == ['b']
    with pytest.raises(InputError, match="has no array c; it has .'a', 'b'."):
        read_arrays(tmp_path / 'x.npz', ['a', 'c'])


def test_archives_of_arrays_that_are_refused(tmp_path, monkeypatch):
    path = tmp_path / 'x.npz'
    np.savez(path, a=np.array([{}], dtype=object))
    with pytest.raises(InputError, match='x.npz, a, holds values of the type object'):
        read_arrays(path)
    np.savez(path, a=np.zeros(1000))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match='no .npz file'):
        read_arrays(path)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.npy', saved(np.zeros(10**6)))
    monkeypatch.setattr('mmbdg.reading.MOST_ARRAY_BYTES', 10**6)
    with pytest.raises(InputError, match='would unpack to 8,000,128 bytes'):
        read_arrays(path)
