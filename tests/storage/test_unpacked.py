"""Datasets as plain folders."""

import os
import shutil

import numpy as np
import pytest
from conftest import ROOT, plan_of, run_tool
from PIL import Image

from mmbdg.errors import InputError
from mmbdg.storage.stored import StoredDataset
from mmbdg.storage.unpacked import unpack_shards, write_image_folder
from mmbdg.synthesis import synthesize

CONVERTERS = ROOT / 'tools' / 'dataset_converters'


@pytest.fixture(scope='module')
def datasets(tiny_labelled_generator, tmp_path_factory):
    """The same dataset in folders and in shards, with JPEG images and uncertainty maps."""
    root = tmp_path_factory.mktemp('datasets')
    for form in ('folder', 'shards'):
        plan = plan_of(str(tiny_labelled_generator), num_per_class=5, candidates=3, format=form, image='jpeg', uncertainty_maps=True)
        synthesize(plan, root / form)
    return root


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and 'logs' not in p.parts}


def test_unpacked_shards_are_the_folder_format(datasets, tmp_path):
    unpacked = unpack_shards(StoredDataset(datasets / 'shards'), tmp_path / 'out')
    assert contents(unpacked) == contents(datasets / 'folder') and len(contents(unpacked)) == 3 * 15 + 3
    with pytest.raises(InputError, match='is not in shards'):
        unpack_shards(StoredDataset(unpacked), tmp_path / 'more')
    with pytest.raises(InputError, match='is there already'):
        unpack_shards(StoredDataset(datasets / 'shards'), unpacked)


def test_cut_off_shard_leaves_nothing(datasets, tmp_path):
    shutil.copytree(datasets / 'shards', tmp_path / 'cut')
    shard = sorted((tmp_path / 'cut').rglob('*.tar'))[1]
    shard.write_bytes(shard.read_bytes()[:2000])
    for convert in (unpack_shards, write_image_folder):
        with pytest.raises(InputError, match='cut off'):
            convert(StoredDataset(tmp_path / 'cut'), tmp_path / 'out')
    assert [p.name for p in tmp_path.iterdir()] == ['cut']


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_image_folder(form, datasets, tmp_path):
    dataset = StoredDataset(datasets / form)
    out = write_image_folder(dataset, tmp_path / 'out')
    assert sorted(p.name for p in out.iterdir()) == ['disc', 'ring', 'square'] and len(contents(out)) == 15
    for line in dataset.lines:
        with Image.open(out / line['slug'] / f'{line["id"]}.jpg') as picture:
            assert np.array_equal(np.asarray(picture), dataset.image(line))
    with pytest.raises(InputError, match='is there already'):
        write_image_folder(dataset, out)


def test_links(datasets, tmp_path, monkeypatch):
    """``link=True`` writes relative links that can be read."""
    monkeypatch.chdir(datasets)
    out = write_image_folder(StoredDataset('folder'), tmp_path / 'deep/er/out', link=True)
    links = [p for p in out.rglob('*') if p.is_symlink()]
    assert len(links) == 15 and not any(os.path.isabs(os.readlink(link)) for link in links)
    assert contents(out) == {name[7:]: data for name, data in contents(datasets / 'folder').items() if name.startswith('images/')}
    with pytest.raises(InputError, match='in shards, so its images have no files to link to'):
        write_image_folder(StoredDataset('shards'), tmp_path / 'other', link=True)
    assert not (tmp_path / 'other').exists()


def test_missing_image(datasets, tmp_path):
    copy = unpack_shards(StoredDataset(datasets / 'shards'), tmp_path / 'copy')
    next((copy / 'images').rglob('*.jpg')).unlink()
    with pytest.raises(InputError, match=r'jpg and 0 other files are missing.*tools/verify.py .*copy --repair'):
        StoredDataset(copy)
    assert [p.name for p in tmp_path.iterdir()] == ['copy']


def test_commands(datasets, tmp_path):
    assert '15 labelled images in' in run_tool(CONVERTERS / 'shards_to_folders.py', datasets / 'shards', tmp_path / 'a').stdout
    assert (
        '15 images of 3 classes' in run_tool(CONVERTERS / 'synthetic_to_image_folder.py', tmp_path / 'a', tmp_path / 'b', '--link').stdout
    )
    failed = run_tool(CONVERTERS / 'synthetic_to_image_folder.py', tmp_path / 'nothing', tmp_path / 'c', check=False)
    assert failed.returncode == 2 and 'holds no synthetic dataset' in failed.stdout
