"""Selections that compare images, against a plain numpy search and direct calls of open_clip."""

import json
import os

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from ranked import chosen, write_ranked
from tiny_clip import write_tiny_clip

from mmbdg.embedders import Embedder
from mmbdg.errors import InputError
from mmbdg.files import write_png
from mmbdg.registry import EMBEDDERS, SELECTIONS
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.selections import Samples, SelectionPlan, embedded, select

CATS, DOGS = range(14), range(9)


@EMBEDDERS.register_module()
class PixelsEmbedder(Embedder):
    """Embeds an image by its pixels minus their mean, and counts the images."""

    dim, seen = 48, 0

    def _images(self, images):
        type(self).seen += len(images)
        pixels = torch.from_numpy(np.stack(images)).flatten(1).float()
        return pixels - pixels.mean(1, keepdim=True)

    def identity(self):
        return dict(config=dict(type='mmbdg.PixelsEmbedder'), checksums={}, versions={})


PIXELS = dict(type='mmbdg.PixelsEmbedder')


@pytest.fixture
def root(tmp_path):
    """Random images; some equal an earlier one plus noise of several strengths, one of them of another class."""
    samples = {'cat': dict.fromkeys(CATS, (0.1, 0.5)), 'dog': dict.fromkeys(DOGS, (0.1, 0.5))}
    root, rng = write_ranked(tmp_path / 'data', samples), np.random.default_rng(3)
    images = {(folder, i): rng.integers(30, 220, (4, 4, 3)) for folder, numbers in (('cat', CATS), ('dog', DOGS)) for i in numbers}
    for number, (copy, original) in enumerate([(5, 1), (6, 1), (9, 6), (11, 3), (12, 11)]):
        images['cat', copy] = images['cat', original] + rng.integers(-4 * number, 4 * number + 1, (4, 4, 3))
    images['dog', 4] = images['cat', 2]
    for (folder, i), image in images.items():
        write_png(root / f'images/{folder}/{i:08d}.png', image.clip(0, 255).astype(np.uint8))
    return root


def run(root, *steps, name='s'):
    select(root, SelectionPlan(name, list(steps)), log=lambda line: None)
    return chosen(root, name)


def vectors_of(root):
    dataset = StoredDataset(root)
    pixels = np.stack([dataset.image(line) for line in dataset.lines]).reshape(len(dataset.lines), -1).astype(np.float64)
    pixels -= pixels.mean(1, keepdims=True)
    return pixels / np.linalg.norm(pixels, axis=1, keepdims=True)


def examples(name, folder):
    """Arguments of each step, by its registered name. Add new steps here."""
    clip = dict(type='mmbdg.OpenCLIP', folder=str(write_tiny_clip(folder / 'clip'))) if name == 'ClipScore' else None
    if name == 'TestSetLeakage':
        write_png(folder / 'test/x.png', np.random.default_rng(3).integers(30, 220, (4, 4, 3)).astype(np.uint8))  # the first cat
    return dict(
        ClipScore=(dict(embedder=clip, fraction=0.5), dict(embedder=clip, fraction=0.4)),
        ForegroundBounds=(dict(max_foreground=0.5), dict(max_foreground=0.4)),
        LeastUncertain=(dict(fraction=0.5), dict(fraction=0.4)),
        ListedSamples=(dict(samples=['dog/00000004', 'cat/00000005']), dict(samples=['cat/00000005'])),
        NearDuplicates=(dict(embedder=PIXELS, threshold=0.9), dict(embedder=PIXELS, threshold=0.8)),
        TestSetLeakage=(dict(embedder=PIXELS, threshold=0.5, against=str(folder / 'test')),) * 2,
    )


@pytest.mark.parametrize('name', sorted(SELECTIONS.module_dict))
def test_conformance(root, tmp_path, name):
    """A choice depends on the samples and the arguments only, here on those of each class alone; the identity is JSON without paths."""
    assert name in examples('', tmp_path), f'add the step {name} to the examples of this test'
    keys, others = examples(name, tmp_path)[name]
    step, again, other = (SELECTIONS.build(dict(type=f'mmbdg.{name}', **one)) for one in (keys, keys, others))
    identity = step.identity()
    assert identity == again.identity() == json.loads(json.dumps(identity)) and identity['type'] == f'mmbdg.{name}'
    assert str(tmp_path) not in json.dumps(identity) and (other.identity() == identity) == (keys == others)
    dataset = StoredDataset(root)
    choice = step.choose(Samples(dataset, dataset.places))
    assert choice.kept.dtype == bool and choice.kept.shape == (len(CATS) + len(DOGS),) and choice.kept.any()
    for class_id in (0, 1):
        own = dataset.index.class_ids == class_id
        assert np.array_equal(again.choose(Samples(dataset, dataset.places[own])).kept, choice.kept[own])
    assert [pair.sample for pair in choice.pairs] in ([], np.flatnonzero(~choice.kept).tolist())


@pytest.mark.parametrize('scope', ['class', 'dataset'])
@pytest.mark.parametrize('threshold', [0.9, 0.99, 0.9999])
def test_near_duplicates_are_those_of_a_plain_search(root, scope, threshold):
    vectors, kept = vectors_of(root), []
    class_ids = [0] * len(CATS) + [1] * len(DOGS)
    for i in range(len(vectors)):
        earlier = [j for j in kept if scope == 'dataset' or class_ids[i] == class_ids[j]]
        if all(vectors[i] @ vectors[j] <= threshold for j in earlier):
            kept.append(i)
    names = [f'cat/{i:08d}' for i in CATS] + [f'dog/{i:08d}' for i in DOGS]
    assert run(root, dict(type='mmbdg.NearDuplicates', embedder=PIXELS, threshold=threshold, scope=scope)) == [names[i] for i in kept]
    assert len(names) - 6 <= len(kept) < len(names) or (threshold == 0.9999 and scope == 'class')


def test_the_page_shows_the_pairs(root):
    run(root, dict(type='mmbdg.ForegroundBounds'), dict(type='mmbdg.NearDuplicates', embedder=PIXELS, threshold=0.99, scope='dataset'))
    page = (root / 'selections/s.2.html').read_text()
    assert '(dropped) and cat/00000002: 1.0000' in page and 'dog/00000004' in page
    assert page.count('<img') == 2 * page.count('<figure>') and 'http' not in page
    report = json.loads((root / 'selections/s.json').read_text())
    assert f'{report["total"]["samples"] - report["total"]["kept"]:,} samples were dropped' in page


def test_leaked_test_images_are_dropped(root, tmp_path):
    (tmp_path / 'test/deep').mkdir(parents=True)
    dataset = StoredDataset(root)
    for place, name in ((3, 'x.png'), (16, 'deep/y.png')):
        write_png(tmp_path / 'test' / name, dataset.image(dataset.lines[place]))
    step = dict(type='mmbdg.TestSetLeakage', embedder=PIXELS, threshold=0.9, against=[str(tmp_path / 'test')])
    vectors = vectors_of(root)
    leaked = (vectors @ vectors[[3, 16]].T).max(1) > 0.9
    assert 2 <= leaked.sum() < 8
    names = [f'cat/{i:08d}' for i in CATS] + [f'dog/{i:08d}' for i in DOGS]
    assert run(root, step) == [name for name, bad in zip(names, leaked, strict=True) if not bad]
    assert os.path.join('deep', 'y.png') in (root / 'selections/s.1.html').read_text()


def test_embeddings_are_computed_once(root, monkeypatch):
    monkeypatch.setattr(embedded, 'PART', 5)
    PixelsEmbedder.seen = 0
    step = dict(type='mmbdg.NearDuplicates', embedder=PIXELS, threshold=0.9)
    first = run(root, step)
    assert PixelsEmbedder.seen == len(CATS) + len(DOGS)
    (part,) = (root / 'selections/embeddings').glob('*/000001.npy')  # simulates a run that was stopped before this part
    part.unlink()
    assert run(root, step, name='t') == first and PixelsEmbedder.seen == len(CATS) + len(DOGS) + 5
    part.write_bytes((part.parent / '000004.npy').read_bytes())
    with pytest.raises(InputError, match=r'000001.npy has the shape \(3, 48\), expected \(5, 48\)'):
        run(root, step, name='u')


@pytest.mark.parametrize('reduce', ['max', 'mean'])
def test_clip_score_is_that_of_open_clip(root, tmp_path, reduce):
    folder = write_tiny_clip(tmp_path / 'clip')
    model, _, preprocess = open_clip.create_model_and_transforms(f'local-dir:{folder}')
    tokenizer = open_clip.get_tokenizer(f'local-dir:{folder}', bpe_path=str(folder / 'bpe_merges.txt.gz'))
    templates, dataset = ['a photo of a {}.', 'a drawing of a {}.'], StoredDataset(root)
    with torch.no_grad():
        images = torch.stack([preprocess(Image.fromarray(dataset.image(line))) for line in dataset.lines])
        images = model.eval().encode_image(images, normalize=True)
        texts = [model.encode_text(tokenizer([t.replace('{}', name) for t in templates]), normalize=True) for name in ('Cat', 'Dog')]
    rows = [(images[i] @ texts[i >= len(CATS)].T).numpy() for i in range(len(images))]
    scores = np.array([getattr(np, reduce)(row) for row in rows])
    expected = []
    for name, members in (('cat', np.arange(len(CATS))), ('dog', len(CATS) + np.arange(len(DOGS)))):
        kept = members[np.argsort(-scores[members], kind='stable')[: min(4, round(0.3 * len(members)))]]
        expected += sorted(f'{name}/{i - members[0]:08d}' for i in kept)
    step = dict(type='mmbdg.ClipScore', embedder=dict(type='mmbdg.OpenCLIP', folder=str(folder)), templates=templates, reduce=reduce)
    assert run(root, step | dict(max_per_class=4)) == expected


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        (dict(type='mmbdg.ClipScore', embedder=PIXELS), 'PixelsEmbedder embeds images only'),
        (dict(type='mmbdg.ClipScore'), 'ClipScore.embedder must be a dict with a type'),
        (dict(type='mmbdg.ClipScore', embedder=PIXELS, reduce='best'), 'reduce must be one of max, mean'),
        (dict(type='mmbdg.ClipScore', embedder=PIXELS, templates=['a photo']), 'exactly one {} for the class'),
        (dict(type='mmbdg.ClipScore', embedder=PIXELS, max_per_class=0), 'max_per_class must be a whole number of at least 1'),
        (dict(type='mmbdg.NearDuplicates', embedder=PIXELS), 'threshold'),
        (dict(type='mmbdg.NearDuplicates', embedder=PIXELS, threshold=2), r'threshold must be a number in \[-1, 1\]'),
        (dict(type='mmbdg.NearDuplicates', embedder=PIXELS, threshold=0.5, scope='all'), 'scope must be one of class, dataset'),
        (dict(type='mmbdg.NearDuplicates', embedder=dict(type='mmbdg.Pixel'), threshold=0.5), "there is no embedder 'mmbdg.Pixel'"),
        (dict(type='mmbdg.TestSetLeakage', embedder=PIXELS, threshold=0.5), 'at least one folder of test images'),
        (dict(type='mmbdg.TestSetLeakage', embedder=PIXELS, threshold=0.5, against='gone'), 'there is no folder gone'),
    ],
)
def test_bad_steps(root, step, message):
    with pytest.raises(InputError, match=message):
        run(root, step)
    assert not (root / 'selections').exists()


def test_classes_of_another_dataset(root, tmp_path):
    step = dict(
        type='mmbdg.ClipScore', embedder=dict(type='mmbdg.OpenCLIP', folder=str(write_tiny_clip(tmp_path / 'clip'))), classes=['a', 'b']
    )
    with pytest.raises(InputError, match='ClipScore.classes has the ids a, b, the dataset the folders cat, dog, eel'):
        run(root, step)
