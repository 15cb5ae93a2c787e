import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from conftest import plan_of
from mmengine import fileio
from PIL import Image

from mmbdg.datasets import SyntheticSegDataset
from mmbdg.errors import InputError
from mmbdg.storage import StoredDataset
from mmbdg.storage.shards import read_from_shard, shard_url, write_shard
from mmbdg.synthesis import synthesize

LOADING = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations'), dict(type='mmseg.PackSegInputs')]


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope='module')
def both(tiny_labelled_generator, tmp_path_factory):
    """The same dataset as folders and as shards."""
    plan = plan_of(str(tiny_labelled_generator), num_per_class=7, candidates=4, batch_size=3, uncertainty_rate=0, uncertainty_maps=True)
    roots = {name: tmp_path_factory.mktemp(name) / 'out' for name in ('folder', 'shards')}
    for name, root in roots.items():
        synthesize(plan.changed(format=name), root, log=quiet)
    return plan, *map(StoredDataset, roots.values())


def test_the_same_files_give_the_same_bytes(tmp_path):
    files = [('a/1.txt', b'one'), ('a/2.txt', b'')]
    for name in ('x.tar', 'y.tar'):
        write_shard(tmp_path / name, files)
    assert (tmp_path / 'x.tar').read_bytes() == (tmp_path / 'y.tar').read_bytes()
    with tarfile.open(tmp_path / 'x.tar') as shard:  # Python's own reader of the format
        entries = shard.getmembers()
        assert [(entry.name, shard.extractfile(entry).read()) for entry in entries] == files
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, 0, '', '')}
    assert fileio.get(shard_url(tmp_path / 'x.tar', 'a/1.txt')) == b'one'
    assert fileio.get_text(shard_url(tmp_path / 'x.tar', 'a/1.txt')) == 'one'


def test_shards_hold_what_folders_hold(both):
    _, folder, shards = both
    assert len(shards.lines) == 21 and folder.info['counts'] == shards.info['counts']
    assert [{k: v for k, v in line.items() if k != 'shard'} for line in shards.lines] == list(folder.lines)
    assert [line['shard'] for line in shards.lines[:7]] == ['shards/disc/000000.tar'] * 4 + ['shards/disc/000001.tar'] * 3
    for one, other in zip(folder.lines, shards.lines, strict=True):
        np.testing.assert_array_equal(folder.image(one), shards.image(other))
        np.testing.assert_array_equal(folder.mask(one), shards.mask(other))
        np.testing.assert_array_equal(folder.uncertainty_map(one), shards.uncertainty_map(other))
    assert not (shards.root / 'images').exists() and not (folder.root / 'shards').exists()


def test_webdataset_reads_them(both):
    webdataset = pytest.importorskip('webdataset', reason='pip install webdataset: the library the shards are for')
    _, folder, shards = both
    paths = [str(path) for path in sorted(shards.root.glob('shards/*/*.tar'))]
    samples = list(webdataset.WebDataset(paths, shardshuffle=False).decode('rgb8').to_tuple('__key__', 'png', 'mask.png', 'json'))
    assert len(samples) == 21
    lines = {f'{line["slug"]}/{line["id"]}': line for line in shards.lines}
    for key, image, mask, line in samples:
        assert line == lines[key]
        np.testing.assert_array_equal(image, shards.image(line))
        np.testing.assert_array_equal(mask[..., 0], shards.mask(line))  # webdataset converts every image to RGB


def test_mmseg_reads_them(both):
    """The standard transforms of mmcv and mmseg read shards through mmengine.fileio."""
    _, folder, shards = both
    one, other = (SyntheticSegDataset(data_root=str(stored.root), label_space='classes', pipeline=LOADING) for stored in (folder, shards))
    assert len(one) == len(other) == 21
    for i in (0, 9, 20):
        assert (one[i]['inputs'] == other[i]['inputs']).all()
        assert (one[i]['data_samples'].gt_sem_seg.data == other[i]['data_samples'].gt_sem_seg.data).all()
        assert other[i]['data_samples'].gt_sem_seg.data.max() == 1 + i // 7


def test_a_shard_cut_in_half(both, tmp_path):
    """A truncated shard is named in the error. Other shards can be read, and the synthesis makes only this shard again."""
    plan, _, _ = both
    plan = plan.changed(format='shards')
    root = synthesize(plan, tmp_path / 'out', log=quiet)
    shard = root / 'shards/disc/000000.tar'
    whole, times = shard.read_bytes(), {p: p.stat().st_mtime_ns for p in root.rglob('*.tar')}
    stored = StoredDataset(root)
    for end in (len(whole) // 2, 700, 100):
        shard.write_bytes(whole[:end])
        with pytest.raises(InputError, match=r'disc/000000\.tar.*cut off'):
            for line in stored.lines[:4]:
                stored.image(line)
        assert stored.image(stored.lines[4]).shape == (16, 16, 3)
    synthesize(plan, root, log=quiet)
    assert shard.read_bytes() == whole
    assert {p for p, time in times.items() if p.stat().st_mtime_ns != time} == {shard}
    shard.unlink()
    with pytest.raises(InputError, match='there is no shard'):
        stored.image(stored.lines[0])
    with pytest.raises(InputError, match='is not the address of a file in a shard'):
        fileio.get('tar:///somewhere/else')


def test_a_shard_that_changed_is_read_anew(tmp_path):
    write_shard(tmp_path / 's.tar', [('a', b'1')])
    assert read_from_shard(tmp_path / 's.tar', 'a') == b'1'
    write_shard(tmp_path / 's.tar', [('b', b'12345'), ('a', b'22')])
    assert read_from_shard(tmp_path / 's.tar', 'a') == b'22'


def test_more_samples_complete_the_last_shard(both, tmp_path):
    plan = replace(both[0], format='shards')
    grown = synthesize(plan.changed(num_per_class=5), tmp_path / 'grown', log=quiet)
    first = (grown / 'shards/ring/000000.tar').stat().st_mtime_ns
    synthesize(plan, grown, log=quiet)
    assert (grown / 'shards/ring/000000.tar').stat().st_mtime_ns == first
    for path in both[2].root.rglob('*.tar'):
        assert (grown / path.relative_to(both[2].root)).read_bytes() == path.read_bytes()


def test_jpeg_and_resolution(tiny_labelled_generator, tmp_path):
    plan = plan_of(str(tiny_labelled_generator), num_per_class=2, candidates=2, uncertainty_rate=0, image='jpeg', resolution=8)
    small = StoredDataset(synthesize(plan, tmp_path / 'small', log=quiet))
    large = StoredDataset(synthesize(plan.changed(image='png', resolution=None), tmp_path / 'large', log=quiet))
    assert small.info['resolution'] == 8 and len(list(small.root.glob('images/*/*.jpg'))) == 6
    for one, other in zip(small.lines, large.lines, strict=True):
        picture = Image.fromarray(large.image(other)).resize((8, 8), Image.Resampling.BILINEAR)  # antialiased, by another implementation
        buffer = io.BytesIO()
        picture.save(buffer, format='JPEG', quality=95)
        expected = np.asarray(Image.open(buffer)).astype(int)
        assert np.abs(small.image(one).astype(int) - expected).mean() < 2
        np.testing.assert_array_equal(small.mask(one), large.mask(other)[1::2, 1::2])  # the pixel with the nearest centre
        assert one['foreground_ratio'] == pytest.approx((small.mask(one) > 0).mean(), abs=1e-6)


def test_uncertainty_maps_are_the_disagreement(both, tiny_labelled_generator):
    from mmbdg.sources import LabelledGenerator

    _, folder, _ = both
    generator = LabelledGenerator.load(tiny_labelled_generator)
    assert folder.info['uncertainty_maps'] == pytest.approx(np.log(2))
    for line in folder.lines[5:8]:
        expected = generator.label([line['class']], [int(line['id'])]).disagreement[0].numpy()
        np.testing.assert_allclose(folder.uncertainty_map(line), expected, atol=np.log(2) / 255 / 2 + 1e-4)
    assert folder.uncertainty_map(line).max() > 2 * np.log(2) / 255
