import gzip
import json

import numpy as np
import pytest
from conftest import ROOT

from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets import FashionMNIST32
from mmbdg.datasets.fashion_files import load_fashion, read_idx, write_subset
from mmbdg.datasets.label_fraction import labelled_subset
from mmbdg.errors import InputError


def test_embedded_subset():
    images, labels = load_fashion('train')
    assert images.shape == (10_000, 32, 32) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [1000] * 10
    assert images[:, :2].max() == images[:, :, -2:].max() == 0  # the padding
    assert np.bincount(load_fashion('test')[1]).tolist() == [100] * 10


def test_items():
    dataset = FashionMNIST32('test')
    item = dataset[17]
    image, label = load_fashion('test')[0][17], load_fashion('test')[1][17]
    assert item['gt_label'] == label and np.array_equal(item['img'], np.repeat(image[..., None], 3, 2))
    assert np.array_equal(item['gt_seg_map'], fashion_foreground(image) * (label + 1))
    assert dataset.metainfo['classes'][:3] == ('background', 't-shirt', 'trouser') and len(dataset.metainfo['palette']) == 11
    assert set(np.unique(FashionMNIST32('test', label_space='fgbg')[17]['gt_seg_map'])) == {0, 1}


def test_label_subsets_are_stratified_and_nested():
    labels = load_fashion('train')[1]
    small, middle = labelled_subset(labels, 0.01, 0), labelled_subset(labels, 0.1, 0)
    assert np.bincount(labels[small]).tolist() == [10] * 10 and len(middle) == 1000
    assert set(small) < set(middle)
    assert len(set(small) & set(labelled_subset(labels, 0.01, 1))) < 10
    assert len(labelled_subset(labels, 1e-9, 0)) == 10  # no class is empty
    with pytest.raises(ValueError, match='label_fraction'):
        labelled_subset(labels, 0, 0)


def test_listed_subsets():
    listed = json.loads((ROOT / 'configs/transfer/fashion/label_subsets.json').read_text())
    labels = load_fashion('train')[1]
    for fraction in ('0.01', '0.1'):
        for seed in range(3):
            assert listed[fraction][str(seed)] == labelled_subset(labels, float(fraction), seed).tolist()


def test_fraction_reaches_the_dataset():
    dataset = FashionMNIST32('train', label_fraction=0.01, label_seed=2)
    assert len(dataset) == 100
    kept = labelled_subset(load_fashion('train')[1], 0.01, 2)
    assert np.array_equal(dataset[3]['img'][..., 0], load_fashion('train')[0][kept[3]])


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b''.join(int(n).to_bytes(4, 'big') for n in array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def full_set(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (('train', 60), ('t10k', 30)):
        write_idx(tmp_path / f'{name}-images-idx3-ubyte.gz', rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        write_idx(tmp_path / f'{name}-labels-idx1-ubyte.gz', rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), count // 10)))
    return tmp_path


def test_full_set_and_subset(full_set, tmp_path):
    images, labels = load_fashion('train', str(full_set))
    assert images.shape == (60, 32, 32) and images[:, 2:-2, 2:-2].mean() > 100
    out = tmp_path / 'subset.npz'
    write_subset(out, full_set, dict(train=2, test=1))
    first = out.read_bytes()
    write_subset(out, full_set, dict(train=2, test=1))
    assert out.read_bytes() == first
    with np.load(out, allow_pickle=False) as arrays:
        indices = arrays['train_indices']
        assert np.bincount(arrays['train_labels']).tolist() == [2] * 10
        assert indices.tolist() == sorted(i for c in range(10) for i in np.flatnonzero(labels == c)[:2])
        assert np.array_equal(arrays['train_images'], images[indices, 2:-2, 2:-2])


def test_missing_or_broken_files(full_set, tmp_path):
    with pytest.raises(InputError, match='apt-get install dataset-fashion-mnist'):
        load_fashion('train', str(tmp_path / 'nowhere'))
    path = full_set / 'train-images-idx3-ubyte.gz'
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match='cut off'):
        read_idx(path)
    with pytest.raises(ValueError, match='split'):
        load_fashion('val')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (bytes(10_001), 'unpacks to more than 10,000 bytes'),
        (b'\0\0\x08', 'no IDX file'),
        (b'\0\0\x08\xff' + b'\xff' * 100, 'no IDX file'),
        (b'\0\0\x08\x02' + b'\xff' * 8, 'cut off: 0 of 18446744065119617025 bytes'),
    ],
)
def test_hostile_files(content, message, tmp_path, monkeypatch):
    monkeypatch.setattr('mmbdg.datasets.fashion_files.MOST_BYTES', 10_000)
    (tmp_path / 'x.gz').write_bytes(gzip.compress(content, 1))
    with pytest.raises(InputError, match=message):
        read_idx(tmp_path / 'x.gz')


def test_files_of_another_set(full_set):
    write_idx(full_set / 'train-labels-idx1-ubyte.gz', np.full(60, 10, np.uint8))
    load_fashion.cache_clear()
    with pytest.raises(InputError, match='60 labels up to 10'):
        load_fashion('train', str(full_set))
