"""The pool of garments: captions depend only on their address, the fraction of wrong captions is as requested, and the truth is written."""

import csv

import numpy as np
import pytest

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.converters import garment_pool
from mmbdg.converters.garment_pool import COLOUR_FORMS, garment_caption, write_garment_pool
from mmbdg.datasets import ColourGarments
from mmbdg.datasets.colour_scenes import ColourComposer
from mmbdg.errors import InputError
from mmbdg.pools import open_pool
from mmbdg.pools.faults import Faults

NAMES = class_names('fashion32')


@pytest.mark.parametrize('wrong', [0.0, 0.2, 1.0])
def test_the_rate_of_wrong_captions(wrong):
    captions = [garment_caption(i, i % 10, NAMES, wrong, seed=0) for i in range(2000)]
    rate = np.mean([caption.class_id != i % 10 for i, caption in enumerate(captions)])
    assert rate == wrong if wrong in (0, 1) else abs(rate - wrong) < 0.03
    assert all(NAMES[caption.class_id] in caption.text for caption in captions) and len({caption.text for caption in captions}) > 100
    if wrong == 1:  # every other class is equally probable
        counts = np.bincount([(caption.class_id - i) % 10 for i, caption in enumerate(captions)])
        assert counts[0] == 0 and counts[1:].min() > 150


def test_a_caption_is_a_function_of_its_address():
    one = garment_caption(7, 3, NAMES, 0.5, seed=1)
    assert one == garment_caption(7, 3, NAMES, 0.5, seed=1)
    assert len({garment_caption(i, 3, NAMES, 0.5, seed) for i in range(5) for seed in range(5)}) > 10


def test_the_pool(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32)).astype(np.uint8)
    labels = np.arange(30) % 10
    monkeypatch.setattr(garment_pool, 'load_fashion', lambda split, source: (images, labels))
    assert write_garment_pool(tmp_path / 'pool', wrong=0.5) == 30
    pool, faults = open_pool(str(tmp_path / 'pool')), Faults()
    entries = list(pool.entries(faults))
    assert len(entries) == 30 and not faults and not pool.notes and {entry.licence for entry in entries} == {'MIT'}
    np.testing.assert_array_equal(pool.image(entries[17].name)[..., 1], images[17])
    with open(tmp_path / 'pool/truth.csv', newline='') as file:
        truth = list(csv.DictReader(file))
    folders = folder_names('fashion32')
    for i, (row, entry) in enumerate(zip(truth, entries, strict=True)):
        caption = garment_caption(i, labels[i], NAMES, 0.5, 0)
        assert row == {'file': entry.name, 'class': folders[labels[i]], 'caption_class': folders[caption.class_id]}
        assert entry.caption == caption.text
    with pytest.raises(InputError, match='is there already'):
        write_garment_pool(tmp_path / 'pool')


def test_a_pool_in_colour(tmp_path, monkeypatch):
    """Its images are those of ColourGarments, in RGB; no caption says that the ground is black."""

    class Few(ColourComposer):
        def __init__(self, *args):
            super().__init__(*args)
            self.labels = self.labels[:12]

    monkeypatch.setattr(garment_pool, 'ColourComposer', Few)
    assert write_garment_pool(tmp_path / 'pool', wrong=0.5, seed=3, colour=True) == 12
    pool, data = open_pool(str(tmp_path / 'pool')), ColourGarments('train', masks=False)
    for i, entry in enumerate(pool.entries(Faults())):
        info = data.get_data_info(i)
        np.testing.assert_array_equal(pool.image(entry.name), info['img'][..., ::-1])
        assert entry.caption == garment_caption(i, info['gt_label'], NAMES, 0.5, 3, COLOUR_FORMS).text
    texts = {garment_caption(i, 0, NAMES, 0, 0, COLOUR_FORMS).text for i in range(200)}
    assert len(texts) > 7 and not [text for text in texts if 'black' in text or 'grey' in text]
