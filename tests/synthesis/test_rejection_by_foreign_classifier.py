"""Rejection sampling with a classifier of another library that has other classes."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from conftest import plan_of

from mmbdg.classifiers import build_classifier
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis import synthesize

CLASSES = ['annulus', 'coin', 'plate', 'tile', 'nothing']


@pytest.fixture(scope='module')
def plan(tiny_labelled_generator, tmp_path_factory):
    from torchvision.models import squeezenet1_1

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp('foreign') / 'squeezenet.safetensors'
    write_safetensors(path, squeezenet1_1(num_classes=5).state_dict())
    return plan_of(
        str(tiny_labelled_generator),
        num_per_class=4,
        candidates=20,
        classifier=dict(type='torchvision', model='squeezenet1_1', weights=str(path), num_classes=5, classes=CLASSES),
        classifier_size=64,
        class_map=dict(disc=['coin', 'plate'], square=3, ring='annulus'),
        rejection_rate=0.8,
    )


def test_scores_are_sums_over_the_classes_meant(plan, tmp_path):
    out = synthesize(plan, tmp_path / 'out')
    stored, classifier = StoredDataset(out), build_classifier(plan.filters[0]['classifier'], 64)
    assert len(stored.lines) == 12
    for line in stored.lines:
        probabilities = classifier.probabilities(torch.from_numpy(stored.image(line).copy()).permute(2, 0, 1)[None])[0]
        meant = dict(disc=[1, 2], square=[3], ring=[0])[line['slug']]
        assert line['classifier_score'] == pytest.approx(probabilities[meant].sum().item(), abs=1e-3)
    generator = LabelledGenerator.load(plan.source['labelled_generator'])
    sums = classifier.probabilities(generator.images([0] * 20, range(20)))[:, 1:3].sum(1)
    kept = [int(line['id']) for line in stored.lines if line['slug'] == 'disc']
    assert set(kept) <= set(sums.argsort(descending=True)[:5].tolist())


def test_identity_says_which_weights_and_not_where(plan, tmp_path):
    info = StoredDataset(synthesize(plan.changed(num_per_class=1), tmp_path / 'out')).info
    weights = Path(plan.filters[0]['classifier']['weights'])
    assert info['checksums']['rejection.classifier'] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert info['config']['filters'][0]['classifier'] == dict(type='torchvision', model='squeezenet1_1', num_classes=5, classes=CLASSES)
    assert str(weights.parent) not in json.dumps(info)
    other = tmp_path / 'moved.safetensors'
    other.write_bytes(weights.read_bytes())
    synthesize(
        plan.changed(num_per_class=2, classifier={**plan.filters[0]['classifier'], 'weights': str(other)}), tmp_path / 'out'
    )  # the run continues
    with pytest.raises(InputError, match='made by another configuration'):
        synthesize(plan.changed(class_map=[[1, 2], 3, 4]), tmp_path / 'out')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(class_map=None), 'the generator has 3 classes, the classifier 5'),
        (dict(class_map=[0, 1, 5]), 'names 5, which the classifier does not have; it has 0 to 4'),
        (dict(class_map=dict(disc=0)), 'no class of the classifier for square, ring'),
        (dict(class_map='names'), 'no class of the classifier for disc, square, ring'),
        (dict(classifier=dict(type='torchvision', model='resnet50', weights='IMAGENET1K_V2')), 'nothing is downloaded here'),
    ],
)
def test_refused_before_anything_is_written(change, message, plan, tmp_path):
    with pytest.raises(InputError, match=message):
        synthesize(plan.changed(**change), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_classes_that_are_not_made_need_no_match(plan, tmp_path):
    out = synthesize(plan.changed(class_map=dict(disc='coin'), classes=[0], num_per_class=2), tmp_path / 'out')
    assert StoredDataset(out).info['counts'] == dict(disc=2)
