"""Captions of garments: attributes that the image shows, and texts at an address."""

import re

import numpy as np
import pytest
from conftest import ROOT

from mmbdg.compat.config import read_config
from mmbdg.datasets import FashionMNIST32
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.datasets.garment_captions import NOUNS, attributes, caption, words


def drawn(grey, bottom):
    """A garment 20 px wide at the top and ``bottom`` px at the bottom."""
    image = np.zeros((32, 32), np.uint8)
    image[4:16, 6:26] = grey
    image[16:28, 16 - bottom // 2 : 16 + bottom // 2] = grey
    return image


@pytest.mark.parametrize(
    ('grey', 'bottom', 'label', 'shown'),
    [
        (200, 20, 2, dict(tone='bright', sleeves='long')),
        (90, 12, 0, dict(tone='dark', sleeves='short')),
        (150, 17, 6, dict(tone=None, sleeves=None)),  # 17 of 20: the rule cannot decide
        (200, 20, 8, dict(tone='bright', sleeves=None)),  # a bag has no sleeves
        (0, 20, 0, dict(tone=None, sleeves=None)),  # no foreground
    ],
)
def test_attributes(grey, bottom, label, shown):
    assert attributes(drawn(grey, bottom), label) == shown


def test_most_t_shirts_have_short_sleeves_and_most_pullovers_long_ones():
    images, labels = load_fashion('test')
    for label, value in ((0, 'short'), (2, 'long'), (4, 'long')):
        told = [attributes(image, label)['sleeves'] for image in images[labels == label]]
        assert told.count(value) > 0.7 * len(told) and told.count(value) > 0.85 * sum(one is not None for one in told)


def test_captions_state_what_is_shown():
    shown, texts = dict(tone='dark', sleeves='long'), set()
    for number in range(200):
        text, stated = caption(2, shown, 0, number)
        assert (text, stated) == caption(2, shown, 0, number)
        assert any(noun in text for noun in NOUNS[2]) and stated.items() <= shown.items()
        assert ('dark' in text) == ('tone' in stated) and ('long sleeve' in text) == ('sleeves' in stated)
        assert not re.search(r'bright|short|\{', text)
        texts.add(text)
    assert len(texts) > 80
    assert not any(re.search(r'\ba a', caption(9, shown, 0, number).text) for number in range(50))  # "an ankle boot"


def test_the_transform():
    dataset = FashionMNIST32('test', pipeline=[dict(type='mmbdg.CaptionGarment', count=2, seed=3)])
    item = dataset[7]
    expected = [caption(item['gt_label'], item['attributes'], 3, 7, number).text for number in range(2)]
    assert item['caption'] in expected and item['attributes'] == attributes(item['img'], item['gt_label'])


def test_the_config_has_the_words_of_all_captions():
    assert sorted(read_config(ROOT / 'configs/clip/clip_fashion32.py').model.words) == words()
    used = {word for label in range(10) for i in range(300) for word in caption(label, dict(tone='dark', sleeves='long'), i).text.split()}
    assert {word for text in used for word in re.findall(r'[a-z]+', text)} <= set(words())
