"""Corrected masks: what the page saves is what the training of interpreters reads."""

import errno
import json

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES
from explored import generator_view, page

from mmbdg.annotation import check_annotated_latents, import_annotations
from mmbdg.datasets import AnnotatedLatents
from mmbdg.errors import InputError
from mmbdg.explorer import AnnotationFolder, Where
from mmbdg.files import write_png
from mmbdg.generators import to_pixels
from mmbdg.images import open_image
from mmbdg.sources import LabelledGenerator

SIZE = 16
SAMPLE = {'class': 2, 'seed': 5, 'truncation': 0.5, 'index': 13}
STEM = 'ring-s5-t0.5_2_13'


def drawn() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[3:9, 2:12], mask[0, :5] = 255, 128
    return mask


@pytest.fixture
def client(tiny_labelled_generator, tmp_path):
    return page(generator_view(tiny_labelled_generator), tmp_path / 'out')


def save(client, mask, **changes):
    return client.post('/save', params=SAMPLE | changes, content=mask.tobytes())


def test_a_saved_mask_is_what_the_training_reads(client, tmp_path, tiny_labelled_generator):
    """Mask, latent and class come back through the dataset class; the latent gives the image; the set has no faults."""
    answer = save(client, drawn())
    assert answer.status_code == 200 and answer.json()['ignored'], answer.text
    root = tmp_path / 'out' / 'annotated'
    assert answer.json()['path'] == str(root / 'annotations' / 'tiny16' / 'ring' / f'{STEM}.png')
    keys = dict(class_names=TINY_CLASSES, allow_missing_classes=True)
    dataset = AnnotatedLatents(str(root), 'tiny16', 12, SIZE, ignore_value=128, **keys)
    (item,) = list(dataset)
    mask = drawn()
    read = item['data_samples'].gt_sem_seg.data[0].numpy()
    assert (read == np.where(mask == 128, 255, mask // 255)).all() and item['data_samples'].gt_label.tolist() == [2]
    generator = LabelledGenerator.load(tiny_labelled_generator, seed=5, truncation=0.5)
    assert torch.equal(item['inputs'], generator.latents([2], [13])[0])
    with torch.no_grad():
        image = to_pixels(generator._generator.on('cpu')(item['inputs'][None], torch.tensor([2])))[0].permute(1, 2, 0).numpy()
    assert (open_image(root / 'images' / 'tiny16' / 'ring' / f'{STEM}.png') == image).all()
    check = check_annotated_latents(root, 'tiny16', SIZE, 12, 3, allow_missing_classes=True)
    assert not check.problems and check.shares == {(2, 'ring'): [pytest.approx(60 / 256)]}


def test_a_mask_is_corrected_again(client):
    fresh = client.get('/mask', params=SAMPLE).content
    listed = {key: value for key, value in SAMPLE.items() if key != 'index'}
    assert not any(sample['saved'] for sample in client.get('/samples', params={**listed, 'page': 1}).json()['samples'])
    save(client, drawn())
    assert client.get('/mask', params=SAMPLE).content == drawn().tobytes() != fresh
    assert client.get('/mask', params=SAMPLE | {'from': 'labels'}).content == fresh
    found = client.get('/samples', params={**listed, 'page': 1}).json()['samples']
    assert [sample['index'] for sample in found if sample['saved']] == [13]
    other = drawn().T.copy()
    save(client, other)
    assert client.get('/mask', params=SAMPLE).content == other.tobytes()
    assert client.get('/mask', params=SAMPLE | dict(seed=6)).content != other.tobytes(), 'another seed is another sample'


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (b'', 'a mask of these samples has 16x16 bytes, got 0'),
        (bytes(255), '16x16 bytes, got 255'),
        (bytes(257), '16x16 bytes, got 257'),
        (bytes([1]) + bytes(255), 'a mask holds 0, 128 and 255 (background, ignored, foreground), got [1]'),
    ],
)
def test_other_masks_are_refused(body, message, client, tmp_path):
    answer = client.post('/save', params=SAMPLE, content=body)
    assert answer.status_code == 400 and message in answer.json()['error'] and not (tmp_path / 'out').exists()


def test_what_leads_out_is_refused(client, tmp_path, tiny_labelled_generator):
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'out' / 'annotated').mkdir(parents=True)
    (tmp_path / 'out' / 'annotated' / 'annotations').symlink_to(tmp_path / 'elsewhere')
    answer = save(client, drawn())
    assert answer.status_code == 400 and 'leads out of' in answer.json()['error'] and not list((tmp_path / 'elsewhere').iterdir())
    for name in ('../x', 'a/b', '..', '', '/x'):
        with pytest.raises(InputError, match='the name of the set'):
            AnnotationFolder(tmp_path / 'out', name, generator_view(tiny_labelled_generator))


def test_one_folder_is_for_one_generator(client, tmp_path, tiny_labelled_generator):
    save(client, drawn())
    view = generator_view(tiny_labelled_generator)
    view.checksum = 'another'
    other = page(view, tmp_path / 'out')
    answer = save(other, drawn(), index=1)
    assert answer.status_code == 400 and "holds samples with generator '" in answer.json()['error']
    with pytest.raises(InputError, match="holds samples with name 'tiny16', these have 'other'"):
        AnnotationFolder(tmp_path / 'out', 'other', view)
    (tmp_path / 'mine' / 'annotated').mkdir(parents=True)
    with pytest.raises(InputError, match='was not written by the explorer'):
        AnnotationFolder(tmp_path / 'mine', 'tiny16', view)
    record = tmp_path / 'out' / 'annotated' / 'explorer.json'
    record.write_text(json.dumps(json.loads(record.read_text()) | dict(name='../x')))
    with pytest.raises(InputError, match='is not as it should be: name'):
        AnnotationFolder(tmp_path / 'out', 'tiny16', view)


def test_statistics_of_another_truncation_are_refused(tiny_labelled_generator, tmp_path):
    """Under scaled_truncnorm each truncation has its own batch statistics; an interpreter trains on the features of one."""
    view = generator_view(tiny_labelled_generator)
    folder = AnnotationFolder(tmp_path, 'tiny16', view)
    folder.save(Where(0, 0, 0.5), 0, drawn())
    folder.save(Where(0, 0, None), 0, drawn())
    view.block(Where(0, 0, 0.7), 0)
    view.truncation_of = lambda where: type('T', (), dict(statistics_of=where.truncation))
    with pytest.raises(InputError, match='holds samples with statistics None, these have 0.7'):
        folder.save(Where(0, 0, 0.7), 1, drawn())


def test_samples_to_annotate_are_imported_as_those_of_annotate(client, tmp_path):
    """Marked samples are written without masks; a person draws these elsewhere, and tools/annotate.py import reads all."""
    place = {key: SAMPLE[key] for key in ('class', 'seed', 'truncation')}
    answer = client.post('/write_samples', params=place, json=dict(indices=[13, 4]))
    root = tmp_path / 'out' / 'to_annotate'
    assert answer.json() == dict(path=str(root))
    assert sorted(path.name for path in (root / 'latents' / 'tiny16' / 'ring').iterdir()) == [
        'ring-s5-t0.5_2_13.npy',
        'ring-s5-t0.5_2_4.npy',
    ]
    write_png(root / 'annotations' / 'tiny16' / 'ring' / f'{STEM}.png', drawn())
    report = import_annotations(root, tmp_path / 'imported')
    assert report.classes == dict(ring=1) and list(report.skipped) == ['ring-s5-t0.5_2_4']
    for body, message in (
        (dict(indices=[]), 'indices'),
        (dict(indices=[-1]), 'indices'),
        (dict(indices=['../x']), 'indices'),
        ([], 'Input'),
    ):
        refused = client.post('/write_samples', params=place, json=body)
        assert refused.status_code == 400 and message in refused.json()['error']


def test_a_full_disk(client, monkeypatch, tmp_path):
    def full(path, array):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    monkeypatch.setattr('mmbdg.explorer.annotation_folder.write_npy', full)
    answer = save(client, drawn())
    assert answer.status_code == 500 and answer.json()['error'].endswith('.npy: the disk is full')
    assert not list((tmp_path / 'out').rglob('annotations')), 'no mask without its latent'


def test_writing_needs_the_token(tiny_labelled_generator, tmp_path):
    client = page(generator_view(tiny_labelled_generator), tmp_path / 'out', token='another')
    assert save(client, drawn()).status_code == 403 and not (tmp_path / 'out').exists()
