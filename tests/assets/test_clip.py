"""The embedded CLIP reaches the figures of its card on the test images, which it was not trained on."""

import json

import numpy as np
import pytest

from mmbdg.assets import ROOT
from mmbdg.compat.config import read_config
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.datasets.garment_captions import attributes
from mmbdg.embedders import ZeroShotClassifier, build_embedder

pytest.importorskip('open_clip')

CARD = json.loads((ROOT / 'fashion32' / 'cards.json').read_text())['clip']
CONFIG = read_config('configs/clip/clip_fashion32.py').model


@pytest.fixture(scope='module')
def clip():
    return build_embedder(dict(type='mmbdg.OpenCLIP', folder='mmbdg://fashion32/clip'))


@pytest.fixture(scope='module')
def embedded(clip):
    """Test images, their classes and vectors."""
    images, labels = load_fashion('test')
    return images, labels, clip.images(list(np.repeat(images[..., None], 3, axis=3)))


def test_size():
    assert sum(path.stat().st_size for path in (ROOT / 'fashion32' / 'clip').iterdir()) <= 4e6


def test_zero_shot_accuracy(clip, embedded):
    _, labels, vectors = embedded
    predicted = (vectors @ ZeroShotClassifier(clip, CONFIG.classes, CONFIG.templates).weights.T).argmax(1).numpy()
    assert (predicted == labels).mean() == pytest.approx(CARD['quality']['zero_shot_accuracy'], abs=0.002)
    assert (predicted == labels)[::5].mean() > 0.6  # 20 of each class
    assert (predicted[labels == 6] == 6).mean() < 0.5  # as the card says: shirts are not told from T-shirts, pullovers and coats


def test_attributes(clip, embedded):
    images, labels, vectors = embedded
    shown = [attributes(image, label) for image, label in zip(images, labels, strict=True)]
    counted = {}
    for question, answers in CONFIG.questions.items():
        right = []
        for label, name in enumerate(CONFIG.classes):
            chosen = (vectors @ clip.texts([text.format(name) for text in answers.values()]).T).argmax(1).numpy()
            right += [
                list(answers)[chosen[i]] == shown[i][question] for i in np.flatnonzero(labels == label) if shown[i][question] is not None
            ]
        counted[question] = (sum(right), len(right))
        assert 100 * sum(right) / len(right) == pytest.approx(CARD['quality']['right_answers'][question], abs=0.3)
    assert {question: number for question, (_, number) in counted.items()} == CARD['quality']['questions']
