"""Exports read back with the libraries that they are for, where those are installed: pip install datasets mlcroissant fiftyone."""

import json
from pathlib import Path

import numpy as np
import pytest
from shared_sets import GOLDEN, HOSTILE, drawn, square

from mmbdg.sharing import LAYOUTS, Options, export
from mmbdg.sharing.front_matter import one_line
from mmbdg.sharing.samples import key_of
from mmbdg.storage.stored import StoredDataset

OPTIONS = Options(min_pixels=1, samples_per_shard=3)


@pytest.fixture(scope='module')
def golden() -> StoredDataset:
    return StoredDataset(GOLDEN / 'folder')


@pytest.fixture
def exported(golden, tmp_path):
    def made(layout: str) -> Path:
        export(golden, tmp_path / layout, layout, 'golden', options=OPTIONS)
        return tmp_path / layout

    return made


@pytest.fixture
def datasets(monkeypatch, tmp_path):
    library = pytest.importorskip('datasets', reason='pip install datasets')
    if not hasattr(library, 'load_dataset'):  # the folder tests/datasets is found as a namespace package
        pytest.skip('pip install datasets')
    monkeypatch.setattr(library.config, 'HF_DATASETS_CACHE', tmp_path / 'cache')
    library.disable_progress_bars()
    return library


def test_datasets_image_folder(exported, golden, datasets):
    names: dict = {}
    exec(LAYOUTS['imagefolder'].reading.replace('FOLDER', str(exported('imagefolder'))), names)
    data = names['data']
    assert len(data) == len(golden.lines) and names['name'] == golden.lines[0]['slug']
    for sample, line in zip(data, golden.lines, strict=True):
        assert np.array_equal(np.asarray(sample['image']), golden.image(line))
        assert np.array_equal(np.asarray(sample['mask']), golden.mask(line))
        assert data.features['label'].int2str(sample['label']) == line['slug']
        assert sample['foreground_ratio'] == line['foreground_ratio']


def test_datasets_reads_names_as_they_are(datasets, tmp_path):
    """Folders of classes do not become splits, and names do not become other types."""
    names = (*HOSTILE, 'train', 'test', 'validation')
    export(drawn(tmp_path / 'd', [square(2, 2, 3, 3)] * len(names), names), tmp_path / 'out', 'imagefolder', options=OPTIONS)
    data = datasets.load_dataset(str(tmp_path / 'out'))
    assert list(data) == ['train'] and len(data['train']) == len(names)
    assert data['train'].features['label'].names == [one_line(name) for name in names] == data['train']['class'][:]


def test_datasets_webdataset(exported, golden, datasets):
    lines = {key_of(line): line for line in golden.lines}
    data = datasets.load_dataset(str(exported('webdataset')), split='train')
    assert sorted(data['__key__']) == sorted(lines)
    for sample in data:
        line = lines[sample['__key__']]
        assert np.array_equal(np.asarray(sample['png']), golden.image(line))
        assert np.array_equal(np.asarray(sample['mask.png']), golden.mask(line))
        assert sample['json']['class'] == line['slug']


def test_croissant(exported, golden):
    croissant = pytest.importorskip('mlcroissant', reason='pip install mlcroissant')
    folder = exported('imagefolder')
    data = croissant.Dataset(str(folder / 'croissant.json'))
    assert not data.metadata.ctx.issues.errors
    for row, line in zip(data.records('samples'), golden.lines, strict=True):
        assert row['samples/class'].decode() == line['slug'] and row['samples/label'] == line['class']
        assert (folder / 'train' / row['samples/mask_file_name'].decode()).is_file()


def test_fiftyone_importers(exported, golden):
    """The importers of FiftyOne without its database, which is a program of its own."""
    pytest.importorskip('fiftyone', reason='pip install fiftyone')
    import fiftyone.utils.coco
    import fiftyone.utils.data
    import fiftyone.utils.yolo

    def read(importer: object) -> list:
        with importer:
            return [(Path(path).stem, label) for path, _, label in importer]

    lines = {key_of(line): line for line in golden.lines}
    found = read(fiftyone.utils.data.ImageSegmentationDirectoryImporter(str(exported('fiftyone')), include_all_data=True))
    assert sorted(key for key, _ in found) == sorted(lines)
    for key, label in found:
        assert np.array_equal(label.get_mask(), golden.mask(lines[key]))
    folder = exported('coco')
    coco = fiftyone.utils.coco.COCODetectionDatasetImporter(
        data_path=str(folder), labels_path=str(folder / 'instances.json'), label_types='segmentations'
    )
    ids = {line['id'] + line['slug']: line for line in golden.lines}
    found = read(coco)
    assert len(found) == len(ids) and {one.label for _, label in found for one in label.detections} == {'bag', 'trouser'}
    yolo = fiftyone.utils.yolo.YOLOv5DatasetImporter(str(exported('yolo')), yaml_path='data.yaml', split='train', label_type='polylines')
    for key, label in read(yolo):
        assert {one.label for one in label.polylines} == {lines[key]['slug']}
        assert json.dumps(label.polylines[0].points).count('[') > 3
